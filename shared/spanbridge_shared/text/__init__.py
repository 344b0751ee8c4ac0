"""Pure text functions: languages, tokenization, sentence splitting, spans, offsets and tags."""

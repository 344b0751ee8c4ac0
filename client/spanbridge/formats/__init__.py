"""The file formats of the command line: text, JSONL and CoNLL in; JSONL, CoNLL and spaCy's DocBin out."""

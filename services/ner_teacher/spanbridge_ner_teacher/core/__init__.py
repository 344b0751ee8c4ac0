"""Pure functions: tag schemes, decoding, windows, transition scores."""

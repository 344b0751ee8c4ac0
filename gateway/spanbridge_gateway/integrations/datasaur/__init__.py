"""Datasaur's ML-assisted labelling through a custom API: documents of sentences in, their entities out."""

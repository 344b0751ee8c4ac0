"""Spanbridge's NER teacher: labels sentences, and gives label probabilities per token."""

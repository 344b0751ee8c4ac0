"""Annotations exported from tools, as entries of a corrections store."""

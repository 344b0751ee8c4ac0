"""Readers of evaluation data; every fault names its file and line."""

"""Spanbridge's evaluation harness: data set readers, metrics, a resumable runner, and reports."""

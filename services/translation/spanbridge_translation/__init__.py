"""Spanbridge translation service."""

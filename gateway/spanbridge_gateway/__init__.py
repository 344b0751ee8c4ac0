"""Spanbridge's gateway: the one place where services meet."""

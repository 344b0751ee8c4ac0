"""Spanbridge behind doccano's auto-labelling, as its "Custom REST Request"."""

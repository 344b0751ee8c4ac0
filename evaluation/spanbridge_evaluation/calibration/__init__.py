"""Calibration of an ensemble: from what its members proposed and what was right to the numbers that it merges by."""

"""What annotators corrected: kept as it comes in `store.py`, judged in `current.py`, cut into gold in `gold.py`."""

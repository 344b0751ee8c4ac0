"""Running methods over data: batches, resuming, and what is compared."""

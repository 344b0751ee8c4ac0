"""The static HTML report: one file, nothing loaded from elsewhere."""

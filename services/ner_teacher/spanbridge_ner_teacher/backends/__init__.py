"""Teachers: a Protocol, a stub, and the real ones; only here are model libraries imported, and only when opened."""

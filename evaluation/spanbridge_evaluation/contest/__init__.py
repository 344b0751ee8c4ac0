"""`spanbridge compare`: every method on the same sentences, in one table and plot."""

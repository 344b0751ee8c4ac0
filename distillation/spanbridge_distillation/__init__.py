"""`spanbridge distill`: teach a small student from the soft labels of several teachers."""

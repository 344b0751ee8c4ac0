"""`make load`: what the server does under many clients, from cache, and at ten times what it can do."""

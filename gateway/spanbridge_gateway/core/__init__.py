"""Pure parts of the gateway: what a sentence becomes before the services, and after them."""

"""`dlkit landscape`."""

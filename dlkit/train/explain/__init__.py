"""`dlkit explain`."""

"""`dlkit embed`."""

"""`dlkit check`, and the quick check of every run."""

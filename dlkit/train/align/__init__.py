"""`dlkit align`, and the sync report of every run."""

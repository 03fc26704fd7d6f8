"""`dlkit evaluate`: a run on other data, beside its own test."""

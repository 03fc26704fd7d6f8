"""`dlkit watch`: rows of a file that grows."""

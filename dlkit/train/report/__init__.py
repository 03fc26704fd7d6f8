"""`dlkit report`: the sections of the page of a run."""

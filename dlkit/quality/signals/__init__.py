"""One pass over the rows of a source: its clock and its channels."""

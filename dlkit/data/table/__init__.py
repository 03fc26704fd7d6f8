"""One table of rows: from a source to normalized rows and the windows over them."""

"""Are they the right data: for the question, and beside each other."""

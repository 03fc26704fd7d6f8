"""A model that leaves the house: one file with everything that is between raw values and an answer."""

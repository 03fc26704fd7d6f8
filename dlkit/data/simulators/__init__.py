"""Physics of the simulated data sets, whose answers are known."""

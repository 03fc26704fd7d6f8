"""Labels that are wrong, contradict each other, or tell more than they should."""

"""Batches of windows and samples: their order, the copy that makes them, the loader that hands them out."""

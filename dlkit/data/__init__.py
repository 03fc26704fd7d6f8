"""From raw recordings to batches of windows."""

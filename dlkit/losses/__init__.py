"""Costs of predictions, one file a family."""

"""Runs side by side, with the significance of their differences."""

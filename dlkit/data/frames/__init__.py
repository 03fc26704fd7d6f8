"""Helpers of the sources of camera frames."""

"""Helpers of the sources of labelled samples."""

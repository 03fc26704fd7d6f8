"""Datasets of the world and packaged samples, one file each."""

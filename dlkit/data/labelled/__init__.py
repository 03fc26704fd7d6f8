"""Labelled images and traces: from a source to samples of one size that are split, counted and normalized."""

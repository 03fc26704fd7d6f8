"""Figures and sections of the page of `dlkit check`; draws and computes nothing."""

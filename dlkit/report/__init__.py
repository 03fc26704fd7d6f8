"""Figures and pages; draws and computes nothing."""

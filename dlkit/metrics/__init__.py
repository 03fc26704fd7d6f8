"""Measures of quality that torchmetrics lacks."""

"""Wiring: command-line configuration, callbacks, evaluation."""

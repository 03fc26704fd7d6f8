"""Clocks of several sources: how far they are apart, and how regularly they sample."""

"""From errors of reconstruction to events of a table."""

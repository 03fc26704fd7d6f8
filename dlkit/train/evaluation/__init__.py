"""How each kind of task is measured, drawn and written down."""

"""An exported model behind HTTP on this machine."""

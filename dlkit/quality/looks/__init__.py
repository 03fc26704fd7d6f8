"""Other ways to look at data: what is drawn of them, computed."""

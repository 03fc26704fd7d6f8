"""Files as they are: read without refusing, and guessed at where nothing is said of them."""

"""What a window of several sources is made of."""

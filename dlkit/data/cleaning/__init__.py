"""Steps of the list `clean:`, one file an idea."""

"""What is wrong with the data, and what they look like: arrays in, findings and numbers out."""

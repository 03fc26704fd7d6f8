"""The shape of the loss around the weights of a network, and on the way to them."""

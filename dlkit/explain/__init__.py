"""Why a network answers as it does: a network, an input and a score in, relevance out; the shape of the loss."""

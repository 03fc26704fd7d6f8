"""Embeddings: vectors in; the space they are compared in, clusters, neighbours and views out."""

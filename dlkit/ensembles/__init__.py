"""Deep ensembles: the same settings trained from several seeds."""

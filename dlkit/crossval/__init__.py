"""Cross-validation: a run for each fold, and what all of them say together."""

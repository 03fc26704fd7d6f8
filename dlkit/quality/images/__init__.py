"""Pictures that cannot be used as they are."""

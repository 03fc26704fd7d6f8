"""What is raised for an image that cannot be used."""


class BrokenImageError(Exception):
    """An image cannot be used; the text says why in a few words."""

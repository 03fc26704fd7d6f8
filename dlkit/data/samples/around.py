"""Images that are made of other images."""

from dlkit.data.records import Pictures


class Around(Pictures):
    """As many images as others, of as many channels; a subclass says what becomes of each.

    Args:
        pictures: The others.
    """

    def __init__(self, pictures: Pictures) -> None:
        self.pictures = pictures

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.pictures)

    @property
    def channels(self) -> int:
        """Number of channels of every image."""
        return self.pictures.channels

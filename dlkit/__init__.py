"""Deep learning for time series and images, from raw recordings to an answer that can be defended."""

__version__ = "0.1.0"

"""Checks of hyper-parameters; a message names the network, the value and the setting to change."""

from dlkit.core.checks import require


def require_positive(net: str, **settings: int) -> None:
    """Refuse counts and sizes below 1."""
    for name, value in settings.items():
        require(value >= 1, f"{net} {name}={value} must be at least 1: raise `{name}` in the model config.")


def require_odd(net: str, **settings: int) -> None:
    """Refuse widths without a centre."""
    for name, value in settings.items():
        nearest = max(value, 0) + 1
        require(
            value >= 1 and value % 2 == 1,
            f"{net} {name}={value} must be odd and positive so that it has a centre: set `{name}` to {nearest}, say.",
        )


def require_probability(net: str, **settings: float) -> None:
    """Refuse rates outside [0, 1)."""
    for name, value in settings.items():
        require(0 <= value < 1, f"{net} {name}={value} must be in [0, 1): set `{name}` in the model config, e.g. 0.1.")


def require_heads(net: str, *, d_model: int, heads: int) -> None:
    """Refuse a width that does not split evenly over the attention heads."""
    require_positive(net, d_model=d_model, heads=heads)
    above = -(-d_model // heads) * heads
    require(
        d_model % heads == 0,
        f"{net} d_model={d_model} must be a multiple of heads={heads}: set `d_model` to {above}, say.",
    )

"""Augmentations of images: each changes a whole batch at once, every image with parameters of its own."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from dlkit.core.checks import require
from dlkit.core.specs import Spec
from dlkit.data.base import Augment
from dlkit.data.batches.augment_draws import beta, between, chosen, column, integers, normal


class ImageAugment(Augment):
    """Changes images, (batch, channels, height, width)."""

    def start(self, spec: Spec) -> None:
        """Refuse traces."""
        require(
            len(spec.size) == 2,
            f"`augment`: {type(self).__name__} changes images, the samples are traces: take one of "
            "dlkit.data.augment_traces.",
        )


class PadCrop(ImageAugment):
    """Widen every image by a border of zeros and cut an image of the old size out of it anywhere.

    Args:
        padding: Pixels of border on each side.
    """

    on_raw = True

    def __init__(self, padding: int = 4) -> None:
        require(padding >= 0, f"PadCrop padding={padding} must not be negative.")
        self.padding = padding

    def __call__(self, x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Cut each image out at a place of its own."""
        (count, channels, height, width), border = x.shape, self.padding
        top = integers(0, 2 * border, count, generator, x)
        left = integers(0, 2 * border, count, generator, x)
        x = x.view(_SIGNED.get(stored := x.dtype, stored))
        wide = x.new_zeros((count, channels, height + 2 * border, width + 2 * border))
        wide[..., border : border + height, border : border + width] = x
        # Every run of `width` values is seen as a row: a crop is a choice of rows, each one uninterrupted copy.
        runs = wide.view(-1).as_strided((wide.numel() - width + 1, width), (1, 1))
        line, plane = width + 2 * border, (width + 2 * border) * (height + 2 * border)
        first = torch.arange(count, device=x.device) * channels * plane + top * line + left
        planes = torch.arange(channels, device=x.device) * plane
        lines = torch.arange(height, device=x.device) * line
        rows = first[:, None, None] + planes[:, None] + lines
        return runs.index_select(0, rows.view(-1)).view(x.shape).view(stored), y


_SIGNED = {
    torch.uint16: torch.int16
}  # torch can do little with uint16; where values only move, their sign is no matter


class Flip(ImageAugment):
    """Mirror some images.

    Args:
        probability: Of an image to be mirrored.
        axis: "horizontal" swaps left and right, "vertical" top and bottom.
    """

    on_raw = True

    def __init__(self, probability: float = 0.5, axis: Literal["horizontal", "vertical"] = "horizontal") -> None:
        require(0 <= probability <= 1, f"Flip probability={probability} must be between 0 and 1.")
        require(axis in ("horizontal", "vertical"), f"Flip axis='{axis}' must be 'horizontal' or 'vertical'.")
        self.probability, self.dim = probability, -1 if axis == "horizontal" else -2

    def __call__(self, x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Mirror the chosen images."""
        some, moved = chosen(self.probability, len(x), generator, x), x.view(_SIGNED.get(x.dtype, x.dtype))
        both = torch.cat([moved, moved.index_select(0, some).flip(self.dim)])
        # Whole rows are copied four times as fast by a second choice as by writing them back.
        source = torch.arange(len(x), device=x.device)
        source[some] = torch.arange(len(x), len(both), device=x.device)
        return both.index_select(0, source).view(x.dtype), y


class Affine(ImageAugment):
    """Turn, scale, shift and shear every image, bilinear; what comes in from outside is 0, the mean of the training.

    Args:
        degrees: Largest angle to either side.
        scale: Largest change of size: 0.1 is from 1 / 1.1 to 1.1.
        translate: Largest shift, as a part of height and width.
        shear: Largest angle of the shear in degrees.
    """

    def __init__(self, *, degrees: float = 0.0, scale: float = 0.0, translate: float = 0.0, shear: float = 0.0) -> None:
        given = {"degrees": degrees, "scale": scale, "translate": translate, "shear": shear}
        require(
            min(given.values()) >= 0 and shear < 90, f"Affine {given}: none may be negative, and shear is below 90."
        )
        self.degrees, self.scale, self.translate, self.shear = degrees, scale, translate, shear

    def __call__(self, x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Sample every image on a grid of its own."""
        grid = functional.affine_grid(self._maps(x, generator), list(x.shape), align_corners=False)
        return functional.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False), y

    def _maps(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Return where each place of the new image lies in the old one, (batch, 2, 3), in halves of its sides."""
        angle, shear, size, across, down = between(-1.0, 1.0, (5, len(x)), generator, x)
        angle, shear = torch.deg2rad(angle * self.degrees), torch.tan(torch.deg2rad(shear * self.shear))
        size = (1 + self.scale) ** -size
        cos, sin, aspect = size * angle.cos(), size * angle.sin(), x.shape[-1] / x.shape[-2]
        rows = [cos, (cos * shear - sin) / aspect, 2 * across * self.translate,
                sin * aspect, sin * shear + cos, 2 * down * self.translate]  # fmt: skip
        return torch.stack(rows, dim=1).view(-1, 2, 3)


class Rotate(Affine):
    """Turn every image by an angle of its own.

    Args:
        degrees: Largest angle to either side.
    """

    def __init__(self, degrees: float = 10.0) -> None:
        super().__init__(degrees=degrees)


class Intensity(ImageAugment):
    """Change brightness and contrast of every image: ``x * (1 + c) + b`` around the mean of the training images.

    Args:
        brightness: Largest shift, in standard deviations of the training images.
        contrast: Largest relative change of the distance from the mean.
    """

    def __init__(self, brightness: float = 0.2, contrast: float = 0.2) -> None:
        require(
            brightness >= 0 and 0 <= contrast <= 1,
            f"Intensity brightness={brightness} contrast={contrast}: neither may be negative, nor contrast above 1.",
        )
        self.brightness, self.contrast = brightness, contrast

    def __call__(self, x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Scale and shift each image in place."""
        contrast, brightness = between(-1.0, 1.0, (2, len(x)), generator, x)
        return x.mul_(column(1 + contrast * self.contrast, x)).add_(column(brightness * self.brightness, x)), y


class Noise(ImageAugment):
    """Add normal noise, as strong as chance says for each image.

    Args:
        std: Its largest standard deviation, in standard deviations of the training images.
    """

    def __init__(self, std: float = 0.1) -> None:
        require(std >= 0, f"Noise std={std} must not be negative.")
        self.std = std

    def __call__(self, x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Add noise in place."""
        strength = between(0.0, self.std, (len(x),), generator, x)
        return x.addcmul_(normal(x, generator), column(strength, x)), y


class Cutout(ImageAugment):
    """Set a square of every image to 0, the mean of the training images (DeVries & Taylor 2017, arXiv:1708.04552).

    Args:
        size: Side of the square in pixels; its middle may be anywhere, so that part of it may lie outside.
    """

    def __init__(self, size: int = 8) -> None:
        require(size >= 0, f"Cutout size={size} must not be negative.")
        self.size = size

    def __call__(self, x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Blank a square of each image in place."""
        inside = []
        for length in x.shape[-2:]:
            first = integers(0, length - 1, len(x), generator, x)[:, None] - self.size // 2
            place = torch.arange(length, device=x.device)
            inside.append((place >= first) & (place < first + self.size))
        return x.masked_fill_((inside[0][:, :, None] & inside[1][:, None])[:, None], 0.0), y


class Mixup(Augment):
    """Mix every sample with another one, and their labels alike (Zhang et al. 2018, arXiv:1710.09412).

    Class numbers become probabilities. Where traces end differently, the mixture ends with the shorter one.

    Args:
        alpha: The part of the first is drawn from Beta(alpha, alpha); 0 mixes nothing.
    """

    classes: int = 0
    padded: bool = False

    def __init__(self, alpha: float = 0.2) -> None:
        require(alpha >= 0, f"Mixup alpha={alpha} must not be negative.")
        self.alpha = alpha

    def start(self, spec: Spec) -> None:
        """Learn the number of classes."""
        require(
            spec.kind != "ordinal",
            "Mixup cannot mix classes with an order: leave it out of `augment`, or set `kind: class` in the source.",
        )
        self.classes, self.padded = len(spec.classes), spec.padded

    def __call__(self, x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Mix each sample with the one that chance has dealt to it."""
        y = y if y.is_floating_point() else functional.one_hot(y, self.classes).float()
        if self.alpha == 0:
            return x, y
        part = beta(self.alpha, len(x), generator, x)
        other = torch.randperm(len(x), generator=generator).to(x.device, non_blocking=True)
        mixed = torch.lerp(x[other], x, column(part, x))
        if self.padded:
            mixed[:, -1] = x[:, -1] * x[other, -1]
        return mixed, torch.lerp(y[other], y, column(part, y))

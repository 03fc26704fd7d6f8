"""The baseline that everything comes round again."""

import torch
from jaxtyping import Float
from torch import Tensor

from dlkit.core.checks import require
from dlkit.core.specs import Spec
from dlkit.models.base import Net
from dlkit.models.outputs import TargetChannels
from dlkit.models.repeat_last import require_known_targets


class SeasonalNaive(Net):
    """Repeats the last season: step h gets the latest value at the same phase; nothing is trained.

    Season and gap come from the spec; each parameter of the output is the value itself (Hyndman and Athanasopoulos,
    Forecasting: Principles and Practice, 3rd ed. 2021, section 5.2).

    Args:
        spec: Shapes and names of inputs and outputs.
    """

    past: Tensor

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        require_known_targets(spec, "SeasonalNaive")
        look_back, season = spec.size[0], spec.season
        require(
            season <= look_back,
            f"SeasonalNaive season={season} must fit look_back={look_back}: raise `look_back` or change `season`.",
        )
        self.targets = TargetChannels(spec, net="SeasonalNaive")
        ahead = torch.arange(self.targets.horizon).repeat_interleave(self.targets.per_value)
        self.register_buffer("past", look_back - season + (spec.gap + ahead) % season, persistent=False)

    def features(self, x: Float[Tensor, "batch channels time"]) -> Float[Tensor, "batch targets time"]:
        """Return the past of the targets."""
        return self.targets.select(x)

    def head(self, z: Float[Tensor, "batch targets time"]) -> Float[Tensor, "batch horizon targets parameters"]:
        """Return the value at the same phase of the last season for each step of the horizon."""
        forecast: Tensor = self.targets(z.index_select(2, self.past))
        return forecast

"""One network for several sources."""

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dlkit.core.checks import InputError, require, suggest
from dlkit.core.packing import presence, unpack
from dlkit.core.specs import Part, Spec
from dlkit.models.base import Net, NetFactory
from dlkit.models.fusion_branches import Branch, TokenBranch, VectorBranch
from dlkit.models.fusion_joins import Concatenate, JoinFactory
from dlkit.models.outputs import OutputLinear
from dlkit.models.settings import require_positive
from dlkit.models.tokens import Tokens

Stand = Literal["token", "zero"]
KINDS = ("series", "frames")


def branch_factories(spec: Spec, branches: dict[str, NetFactory]) -> list[NetFactory]:
    """Return what makes the network of each source, in the order of the spec.

    Raises:
        InputError: A source has no branch, or a branch no source.
    """
    known = [*(part.name for part in spec.parts), *KINDS]
    for name in branches:
        require(name in known, f"Fusion has a branch for '{name}', which is no source; {suggest(name, known)}")
    found: list[Any] = []
    for part in spec.parts:
        kind = KINDS[part.frames]
        require(
            part.name in branches or kind in branches,
            f"Fusion has no branch for the source '{part.name}': name a network for it, or for all {kind}, in "
            "`branches`.",
        )
        found.append(branches.get(part.name, branches.get(kind)))
    return found


def make_branch(kind: type[Branch], part: Part, net: NetFactory, width: int) -> Branch:
    """Return the branch of a source.

    Raises:
        InputError: Its network does not take the source; the sentence begins with its name.
    """
    try:
        return kind(part, net, width)
    except InputError as error:
        raise InputError(f"The branch of '{part.name}': {error}") from error


@dataclass(frozen=True, eq=False)
class Recipe:
    """What a fusion is made of; its copies share it, for a factory may hold on to much that must not be copied."""

    branches: dict[str, NetFactory]
    join: JoinFactory
    missing: Stand
    width: int

    def __deepcopy__(self, memo: dict[int, Any]) -> "Recipe":
        return self

    def of_one(self, source: str) -> NetFactory:
        """Return what makes the same network for one of the sources alone."""
        branch = {source: self.branches[source]}
        return partial(Fusion, branches=branch, join=self.join, missing=self.missing, width=self.width)


class Fusion(Net):
    """A network for each source, then one answer from all of them.

    Args:
        spec: Shapes and names of inputs and outputs.
        branches: Makes the network of each source, by its name; "series" and "frames" make those of all sources of
            that kind which are not named. Of a camera a network sees one frame at a time. Any network of
            dlkit.models will do.
        join: Makes what joins the sources; a class of dlkit.models.fusion_joins.
        missing: What stands for a source that is not there: a learned "token", which counts like a source, or "zero",
            with which the join leaves it out.
        width: Length of the vectors that are joined.
    """

    several: ClassVar[bool] = True
    owner: Tensor

    def __init__(
        self,
        spec: Spec,
        *,
        branches: dict[str, NetFactory],
        join: JoinFactory = Concatenate,
        missing: Stand = "token",
        width: int = 64,
    ) -> None:
        super().__init__(spec)
        require(
            len(spec.parts) > 0,
            "Fusion takes several sources, but the data have one: set `net` to a network such as "
            "dlkit.models.resnet.ResNet, or `data` to dlkit.data.multimodal.MultimodalDataModule.",
        )
        require_positive("Fusion", width=width)
        makers = dict(zip([part.name for part in spec.parts], branch_factories(spec, branches), strict=True))
        self.recipe = Recipe(makers, join, missing, width)
        self.join = join(spec, width)
        kind = TokenBranch if self.join.over_time else VectorBranch
        made = [make_branch(kind, part, makers[part.name], width) for part in spec.parts]
        self.branches = nn.ModuleList(made)
        self.stand_in = nn.Parameter(0.02 * torch.randn(len(spec.parts), width)) if missing == "token" else None
        owners = torch.repeat_interleave(torch.tensor([len(branch.nominal) for branch in made]))
        self.register_buffer("owner", owners, persistent=False)
        self.output = OutputLinear(width, spec.output)

    def features(self, x: Float[Tensor, "batch values"]) -> Float[Tensor, "batch features tokens"]:
        """Return the tokens of all sources; the last two features say whether a token counts, and its delay."""
        there = presence(x, self.spec.parts) > 0
        values = [
            part.masked_fill(~one.view(-1, *[1] * (part.ndim - 1)), 0.0)
            for part, one in zip(unpack(x, self.spec.parts).values(), there.unbind(1), strict=True)
        ]
        pairs: list[Any] = list(zip(self.branches, values, strict=True))
        vectors, counts = torch.cat([branch(part) for branch, part in pairs], 2), there[:, self.owner]
        if self.stand_in is None:
            vectors = vectors.masked_fill(~counts[:, None], 0.0)
        else:
            vectors = torch.where(counts[:, None], vectors, self.stand_in[self.owner].T.to(vectors.dtype))
            counts = counts | self.last
        delays = torch.cat([branch.delays(part) for branch, part in pairs], 1)
        return Tokens(vectors, counts.to(vectors.dtype), delays).joined()

    def embedding(self, x: Float[Tensor, "batch values"]) -> Float[Tensor, "batch features"]:
        """Return the one vector that the join makes of all sources."""
        joined: Tensor = self.join(Tokens.of(self.features(x)))
        return joined

    @property
    def last(self) -> Tensor:
        """Which token is the last one of its source: it alone stands for one that is not there."""
        return torch.cat([self.owner[1:] != self.owner[:-1], self.owner.new_ones(1, dtype=torch.bool)])

    def head(self, z: Float[Tensor, "batch features tokens"]) -> Float[Tensor, "batch ..."]:
        """Return the answer."""
        y: Tensor = self.output(self.join(Tokens.of(z)))
        return y

    def source_weights(self, x: Float[Tensor, "batch values"]) -> Float[Tensor, "batch sources"] | None:
        """Return how much the join lets each source count: gates, or attention; None where it does not weigh them."""
        weights = self.join.weights(Tokens.of(self.features(x)))
        if weights is None:
            return None
        return weights.new_zeros(len(x), len(self.spec.parts)).index_add(1, self.owner, weights)

"""Ridge regression along a path of penalties from one decomposition, on all inputs or on the own past of a target."""

from collections.abc import Callable, Sequence

import numpy as np

from dlkit.baselines.gaps import fit_with_gaps, of_target
from dlkit.baselines.method import Answer, Fitted, Method, held_out
from dlkit.baselines.reading import Rows
from dlkit.core.specs import Spec

PENALTIES = tuple(float(p) for p in 10.0 ** np.arange(-6, 8))
SHARED_ROWS = 100_000  # of all targets together


class RidgePath:
    """Linear least squares with a penalty on the squared weights, the offset left free (Hoerl and Kennard 1970).

    The smaller of both Gram matrices, of features or of rows, is decomposed once in double precision; every penalty is
    then two products of matrices.

    Args:
        x: Inputs, (rows, features).
        y: Answers, (rows, outputs).
    """

    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        self.x_mean, self.y_mean = x.mean(0, dtype=np.float64), y.mean(0, dtype=np.float64)
        x, y = x - self.x_mean, y - self.y_mean
        self.x = None if x.shape[0] > x.shape[1] else x
        values, self.vectors = np.linalg.eigh(x.T @ x if self.x is None else x @ x.T)
        self.values = values.clip(0)
        self.turned = self.vectors.T @ (x.T @ y if self.x is None else y)

    def at(self, penalty: float) -> Answer:
        """Return what answers with the weights for a penalty."""
        found = self.vectors @ (self.turned / (self.values + penalty)[:, None])
        weights = found if self.x is None else self.x.T @ found
        offset = self.y_mean - self.x_mean @ weights
        return lambda x: x @ weights.astype(x.dtype) + offset.astype(x.dtype)


def squared_error(answer: Answer, rows: Rows) -> float:
    """Return the mean squared error over what was measured."""
    miss = (answer(rows.x) - rows.y)[rows.known]
    return float(np.square(miss, dtype=np.float64).mean()) if miss.size else np.inf


def ridge(train: Rows, val: Rows) -> Fitted:
    """Return the linear regression, its penalty chosen on the validation rows."""
    learn, judge = (train, val) if len(val.x) else held_out(train)
    path = RidgePath(learn.x, learn.y)
    best = min(PENALTIES, key=lambda penalty: squared_error(path.at(penalty), judge))
    path = path if len(val.x) else RidgePath(train.x, train.y)
    return Fitted(path.at(best), f"penalty {best:g}")


class Ridge(Method):
    """Linear regression of all answers on all inputs.

    Args:
        targets: Number of targets.
    """

    def __init__(self, targets: int) -> None:
        super().__init__("ridge", most=20_000)
        self.targets = targets

    def fit(self, train: Rows, val: Rows, *, seed: int) -> Fitted:  # noqa: ARG002 - nothing is random
        """Learn; the penalty is chosen."""
        return fit_with_gaps(ridge, train, val, targets=self.targets)


class OwnPast(Method):
    """Linear forecasts of each target from its own past and what is known of the future.

    Of all targets the same weights, a linear network of one layer solved exactly (Zeng et al., AAAI 2023; Toner and
    Darlow, ICML 2024), or for each its own: what validates better.

    Args:
        spec: Of the network; all targets are inputs.
    """

    whole = True

    def __init__(self, spec: Spec) -> None:
        super().__init__("own_past", most=20_000)
        assert spec.target_channels is not None
        self.channels, self.time = spec.target_channels, spec.size[0]
        self.known = len(spec.channels) * self.time  # where what is known of the future begins

    @property
    def title(self) -> str:
        """Name in tables."""
        return "ridge of own past"

    def own(self, x: np.ndarray, channel: int) -> np.ndarray:
        """Return the inputs of a channel."""
        past = x[:, channel * self.time : (channel + 1) * self.time]
        return past if x.shape[1] == self.known else np.concatenate([past, x[:, self.known :]], 1)

    def split(self, rows: Rows) -> list[Rows]:
        """Return the rows of each target."""
        count, gaps = len(self.channels), not np.all(rows.known)
        found = []
        for k, channel in enumerate(self.channels):
            one = (
                of_target(rows, k, count)
                if gaps
                else rows._replace(y=rows.y[:, k::count], known=rows.known[:, k::count])
            )
            found.append(one._replace(x=self.own(one.x, channel)))
        return found

    def fit(self, train: Rows, val: Rows, *, seed: int) -> Fitted:  # noqa: ARG002 - nothing is random
        """Learn; penalty and whether weights are shared are chosen."""
        learn, judge = (train, val) if len(val.x) else held_out(train)
        ways = {"weights shared": self.shared, "weights of its own": self.each}
        paths, judges = {way: make(self.split(learn)) for way, make in ways.items()}, self.split(judge)
        _, way, penalty = min(
            (sum(squared_error(path.at(p), rows) for path, rows in zip(found, judges, strict=True)), way, p)
            for way, found in paths.items()
            for p in PENALTIES
        )
        best = paths[way] if len(val.x) else ways[way](self.split(train))
        answers = [path.at(penalty) for path in best]
        return Fitted(lambda x: self.joined(answers, x), f"{way}, penalty {penalty:g}")

    def joined(self, answers: Sequence[Callable[[np.ndarray], np.ndarray]], x: np.ndarray) -> np.ndarray:
        """Return the answers of all targets, (rows, horizon * targets)."""
        each = [answer(self.own(x, channel)) for answer, channel in zip(answers, self.channels, strict=True)]
        return np.stack(each, -1).reshape(len(x), -1)

    @staticmethod
    def each(rows: Sequence[Rows]) -> list[RidgePath]:
        """Return the path of each target alone."""
        return [RidgePath(one.x, one.y) for one in rows]

    @staticmethod
    def shared(rows: Sequence[Rows]) -> list[RidgePath]:
        """Return the path of all targets together, for each of them."""
        every = -(-sum(len(one.x) for one in rows) // SHARED_ROWS)
        x, y = (np.concatenate([part[::every] for part in parts]) for parts in list(zip(*rows, strict=True))[:2])
        return [RidgePath(x, y)] * len(rows)

"""Classical methods for forecasts and values, from scikit-learn."""

import os
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from dlkit.baselines.gaps import fit_with_gaps
from dlkit.baselines.method import Fitted, Method, chosen
from dlkit.baselines.reading import Rows
from dlkit.baselines.ridge import OwnPast, Ridge, squared_error
from dlkit.core.specs import Spec

LONG, SHORT, ANSWERS = 400, 100, 16  # inputs that are compressed, to how many components; components of the answers
Maker = Callable[[int, int], Any]
"""An estimator for a number of features and a seed."""


class Compressed:
    """A regressor on the principal components of long inputs that answers in those of long answers.

    Args:
        estimator: Learns; for one output at a time unless ``joint``.
        inputs: Compress inputs of more than 400 features.
        joint: The estimator takes several outputs.
        seed: Of the randomized decomposition (Halko et al. 2011).
    """

    def __init__(self, estimator: Any, *, inputs: bool, joint: bool, seed: int) -> None:
        self.estimator, self.inputs, self.joint, self.seed = estimator, inputs, joint, seed

    def fit(self, x: np.ndarray, y: np.ndarray) -> "Compressed":
        """Learn."""
        from sklearn.base import clone

        self.short = components(x, SHORT, self.seed) if self.inputs and x.shape[1] > LONG else None
        self.answers = components(y, ANSWERS, self.seed) if y.shape[1] > ANSWERS else None
        x = x if self.short is None else self.short.transform(x)
        y = y if self.answers is None else self.answers.transform(y)
        outputs = [y] if self.joint else [y[:, k] for k in range(y.shape[1])]
        self.fitted = [clone(self.estimator).fit(x, own[:, 0] if own.ndim == 2 and own.shape[1] == 1 else own)
                       for own in outputs]  # fmt: skip
        return self

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the answers, (rows, outputs)."""
        x = x if self.short is None else self.short.transform(x)
        y = np.concatenate([one.predict(x).reshape(len(x), -1) for one in self.fitted], 1)
        found: np.ndarray = y if self.answers is None else self.answers.inverse_transform(y)
        return found

    @property
    def said(self) -> list[str]:
        """What was compressed."""
        parts = {"inputs": self.short, "answers": self.answers}
        cut = [f"{name} as {one.n_components_}" for name, one in parts.items() if one is not None]
        return [f"{' and '.join(cut)} principal components"] if cut else []


def components(values: np.ndarray, wanted: int, seed: int) -> Any:
    """Return the fitted decomposition into principal components."""
    from sklearn.decomposition import PCA

    return PCA(min(wanted, *values.shape), svd_solver="randomized", random_state=seed).fit(values)


class Regression(Method):
    """A regressor of scikit-learn.

    Args:
        name: As in ``--only``.
        targets: Number of targets.
        candidates: Makes the regressor, by its settings in words.
        most: Rows to learn from at most.
        inputs: Compress long inputs.
        joint: The regressor takes several outputs.
    """

    def __init__(
        self, name: str, targets: int, candidates: Mapping[str, Maker], *, most: int, inputs: bool = True,
        joint: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(name, most=most)
        self.targets, self.candidates, self.inputs, self.joint = targets, candidates, inputs, joint

    def fit(self, train: Rows, val: Rows, *, seed: int) -> Fitted:
        """Learn; settings are chosen."""

        def whole(train: Rows, val: Rows) -> Fitted:
            features = train.x.shape[1]
            makers = {
                name: lambda make=make: Compressed(
                    make(features, seed), inputs=self.inputs, joint=self.joint, seed=seed
                )
                for name, make in self.candidates.items()
            }
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of a kernel whose width ends at a bound
                best, said = chosen(
                    makers, train, val, lambda one, rows: squared_error(one.predict, rows),
                    lambda one, rows: one.fit(rows.x, rows.y),
                )  # fmt: skip
            return Fitted(best.predict, ", ".join([said, *best.said]))

        return fit_with_gaps(whole, train, val, targets=self.targets)


def forest(leaf: int) -> Maker:
    """Return what makes a random forest (Breiman 2001)."""

    def make(features: int, seed: int) -> Any:
        from sklearn.ensemble import RandomForestRegressor

        return RandomForestRegressor(
            100, min_samples_leaf=leaf, max_features=1 / 3 if features <= 100 else "sqrt", random_state=seed,
            n_jobs=len(os.sched_getaffinity(0)),
        )  # fmt: skip

    return make


def boosting(trees: int) -> Maker:
    """Return what makes gradient boosting of histograms (Friedman 2001)."""

    def make(features: int, seed: int) -> Any:  # noqa: ARG001 - as others
        from sklearn.ensemble import HistGradientBoostingRegressor

        return HistGradientBoostingRegressor(
            max_iter=trees, learning_rate=0.05, early_stopping=False, random_state=seed
        )

    return make


def process(features: int, seed: int) -> Any:
    """Return a Gaussian process whose kernel is fitted by its likelihood (Rasmussen and Williams 2006)."""
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

    width = float(np.sqrt(min(features, SHORT if features > LONG else features)))
    kernel = ConstantKernel(1.0) * RBF(width, (width / 100, width * 1000)) + WhiteKernel(0.1, (1e-4, 10.0))
    return GaussianProcessRegressor(kernel, normalize_y=True, random_state=seed)


def vectors(penalty: float) -> Maker:
    """Return what makes support vector regression with a Gaussian kernel (Drucker et al. 1997)."""

    def make(features: int, seed: int) -> Any:  # noqa: ARG001 - as others
        from sklearn.svm import SVR

        return SVR(C=penalty)

    return make


def number_methods(spec: Spec) -> list[Method]:
    """Return the methods for a forecast or values."""
    targets = len(spec.targets)
    own = [OwnPast(spec)] if spec.kind == "forecast" and not spec.parts and spec.target_channels is not None else []
    return [
        Ridge(targets),
        *own,
        Regression("random_forest", targets, {"leaves of 1": forest(1), "leaves of 5": forest(5)}, most=5000,
                   inputs=False, joint=True),
        Regression("gradient_boosting", targets, {"50 trees": boosting(50), "150 trees": boosting(150)}, most=5000),
        Regression("gaussian_process", targets, {"kernel by likelihood": process}, most=1000, joint=True),
        Regression("svr", targets, {"C 0.3": vectors(0.3), "C 3": vectors(3.0), "C 30": vectors(30.0)}, most=2000),
    ]  # fmt: skip

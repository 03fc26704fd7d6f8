"""Classical methods for classes and labels, from scikit-learn."""

import os
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import softmax

from dlkit.baselines.method import Fitted, Method, chosen, held_out
from dlkit.baselines.numbers import LONG, SHORT, Maker, components
from dlkit.baselines.probabilities import LEAST, log_loss, scores_of, sharpness, spread
from dlkit.baselines.reading import Rows
from dlkit.baselines.rocket import Rocket
from dlkit.core.specs import Spec


class Known:
    """A classifier that gives probabilities of its classes, on the principal components of long inputs.

    Args:
        estimator: Has ``predict_proba``, or ``decision_function``, which is then sharpened.
        inputs: Compress inputs of more than 400 features.
        seed: Of the randomized decomposition.
    """

    def __init__(self, estimator: Any, *, inputs: bool, seed: int) -> None:
        self.estimator, self.inputs, self.seed, self.factor = estimator, inputs, seed, 1.0

    def fit(self, rows: Rows) -> "Known":
        """Learn."""
        self.short = components(rows.x, SHORT, self.seed) if self.inputs and rows.x.shape[1] > LONG else None
        self.estimator.fit(self.shortened(rows.x), rows.y[:, 0].astype(int))
        return self

    def shortened(self, x: np.ndarray) -> np.ndarray:
        """Return the inputs as the estimator gets them."""
        found: np.ndarray = x if self.short is None else self.short.transform(x)
        return found

    def sharpen(self, judge: Rows) -> "Known":
        """Choose how sharp scores become probabilities."""
        if not hasattr(self.estimator, "predict_proba"):
            some, truth = self.of_known(judge)
            if len(truth):
                self.factor = sharpness(scores_of(self.estimator, self.shortened(some.x)), truth)
        return self

    def of_known(self, rows: Rows) -> tuple[Rows, np.ndarray]:
        """Return the rows of classes that were learned, and the place of each among them."""
        classes = self.estimator.classes_
        some = rows.some(np.isin(rows.y[:, 0], classes))
        return some, np.searchsorted(classes, some.y[:, 0])

    def probabilities(self, x: np.ndarray) -> np.ndarray:
        """Return the probability of each class that was learned."""
        x = self.shortened(x)
        if hasattr(self.estimator, "predict_proba"):
            found: np.ndarray = self.estimator.predict_proba(x)
            return found
        sharp: np.ndarray = softmax(self.factor * scores_of(self.estimator, x), 1)
        return sharp

    def cost(self, judge: Rows) -> tuple[float, float]:
        """Return the share of wrong answers, and the log loss where that is equal."""
        some, truth = self.of_known(judge)
        found = self.probabilities(some.x)
        wrong = float((found.argmax(1) != truth).mean()) if len(truth) else 1.0
        return wrong, log_loss(np.log(found.clip(LEAST)), truth)


class Classification(Method):
    """A classifier of scikit-learn.

    Args:
        name: As in ``--only``.
        classes: Number of classes.
        candidates: Makes the classifier, by its settings in words.
        most: Rows to learn from at most.
        inputs: Compress long inputs.
    """

    def __init__(
        self, name: str, classes: int, candidates: Mapping[str, Maker], *, most: int, inputs: bool = False
    ) -> None:
        super().__init__(name, most=most)
        self.classes, self.candidates, self.inputs = classes, candidates, inputs

    def fit(self, train: Rows, val: Rows, *, seed: int) -> Fitted:
        """Learn; settings are chosen."""
        learned = np.unique(train.y[:, 0].astype(int))
        if len(learned) == 1:
            return Fitted(lambda x: spread(np.ones((len(x), 1)), learned, self.classes), "one class in training")
        makers = {
            name: lambda make=make: Known(make(train.x.shape[1], seed), inputs=self.inputs, seed=seed)
            for name, make in self.candidates.items()
        }
        judge = val if len(val.x) else held_out(train)[1]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a solver that stops at its limit of steps
            best, said = chosen(
                makers, train, val, Known.cost, lambda one, rows: one.fit(rows).sharpen(judge)
            )  # fmt: skip
        short = [] if best.short is None else [f"inputs as {best.short.n_components_} principal components"]
        return Fitted(lambda x: spread(best.probabilities(x), learned, self.classes), ", ".join([said, *short]))


class Labels(Method):
    """Each label alone by a method for two classes.

    Args:
        method: For two classes.
        labels: Number of labels.
    """

    def __init__(self, method: Method, labels: int) -> None:
        super().__init__(method.name, most=method.most)
        self.method, self.labels, self.whole = method, labels, method.whole

    @property
    def title(self) -> str:
        """Name in tables."""
        return self.method.title

    def fit(self, train: Rows, val: Rows, *, seed: int) -> Fitted:
        """Learn each label from the rows in which it is known."""
        fitted = [self.fit_one(k, train, val, seed) for k in range(self.labels)]
        said = "; ".join(dict.fromkeys(one.said for one in fitted if one.said))
        return Fitted(lambda x: np.stack([one.answer(x)[:, 1] for one in fitted], 1), f"each label alone: {said}")

    def fit_one(self, number: int, train: Rows, val: Rows, seed: int) -> Fitted:
        """Learn a label."""

        def known(rows: Rows) -> Rows:
            if not len(rows.x):
                return rows
            there = rows.known[:, number]
            some, own = rows.some(there), slice(number, number + 1)
            return some._replace(y=some.y[:, own], known=some.known[:, own])

        own = known(train)
        if not len(own.x):
            return Fitted(lambda x: np.full((len(x), 2), 0.5, np.float32), "unknown in training")
        return self.method.fit(own, known(val), seed=seed)


def logistic(penalty: float) -> Maker:
    """Return what makes logistic regression."""

    def make(features: int, seed: int) -> Any:  # noqa: ARG001 - as others
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(C=penalty, max_iter=200)

    return make


def machine(penalty: float) -> Maker:
    """Return what makes a support vector machine with a Gaussian kernel (Cortes and Vapnik 1995)."""

    def make(features: int, seed: int) -> Any:  # noqa: ARG001 - as others
        from sklearn.svm import SVC

        return SVC(C=penalty)

    return make


def neighbours(count: int) -> Maker:
    """Return what makes the vote of the nearest neighbours, nearer ones counting more."""

    def make(features: int, seed: int) -> Any:  # noqa: ARG001 - as others
        from sklearn.neighbors import KNeighborsClassifier

        return Few(KNeighborsClassifier(count, weights="distance"))

    return make


def forest(leaf: int) -> Maker:
    """Return what makes a random forest (Breiman 2001)."""

    def make(features: int, seed: int) -> Any:  # noqa: ARG001 - as others
        from sklearn.ensemble import RandomForestClassifier

        jobs = len(os.sched_getaffinity(0))
        return RandomForestClassifier(300, min_samples_leaf=leaf, random_state=seed, n_jobs=jobs)

    return make


def process(features: int, seed: int) -> Any:
    """Return a Gaussian process for classes, one against the rest (Rasmussen and Williams 2006, algorithm 3.1)."""
    from sklearn.gaussian_process import GaussianProcessClassifier
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel

    width = float(np.sqrt(min(features, SHORT if features > LONG else features)))
    kernel = ConstantKernel(1.0) * RBF(width, (width / 100, width * 1000))
    return GaussianProcessClassifier(kernel, max_iter_predict=50, random_state=seed)


class Few:
    """Nearest neighbours, no more than there are rows.

    Args:
        vote: The classifier.
    """

    def __init__(self, vote: Any) -> None:
        self.vote = vote

    def fit(self, x: np.ndarray, y: np.ndarray) -> "Few":
        """Learn."""
        self.vote.set_params(n_neighbors=min(self.vote.n_neighbors, len(x))).fit(x, y)
        self.classes_ = self.vote.classes_
        return self

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """Return the votes as shares."""
        found: np.ndarray = self.vote.predict_proba(x)
        return found


def class_methods(spec: Spec) -> list[Method]:
    """Return the methods for classes or labels."""
    labels = spec.kind == "labels"
    count = 2 if labels else len(spec.classes)
    traces = not spec.parts and len(spec.size) == 1
    methods: list[Method] = [
        Classification("logistic", count, {f"C {c:g}": logistic(c) for c in (0.001, 0.01, 0.1, 1.0)}, most=20_000),
        Classification("svm", count, {f"C {c:g}": machine(c) for c in (1.0, 10.0, 100.0)}, most=5000, inputs=True),
        Classification("random_forest", count, {f"leaves of {n}": forest(n) for n in (1, 5)}, most=20_000),
        Classification("k_nearest", count, {f"k {k}": neighbours(k) for k in (1, 5, 15)}, most=20_000),
        Classification("gaussian_process", count, {"kernel by likelihood": process}, most=500, inputs=True),
        *([Rocket(spec, count)] if traces else []),
    ]
    return [Labels(method, len(spec.classes)) for method in methods] if labels else methods

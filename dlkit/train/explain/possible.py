"""Methods that a network does not allow are refused before the others have worked."""

from collections.abc import Sequence

from dlkit.core.checks import InputError
from dlkit.explain.base import Explainer
from dlkit.explain.methods import short_name
from dlkit.train.explain.inputs import Inputs
from dlkit.train.explain.question import Question


def require_possible(methods: Sequence[Explainer], inputs: Inputs, question: Question) -> None:
    """Try all methods but the first, which begins anyway, on one sample.

    Raises:
        InputError: One of them cannot explain this network or this input.
    """
    for method in methods[1:]:
        try:
            method.quick().of_sources(inputs.parts)(question.net, inputs.batch.x[:1], question.targets[:1, :1])
        except InputError as error:
            name = short_name(type(method))
            raise InputError(f"{name} cannot explain this run, and nothing was computed: {error}") from error

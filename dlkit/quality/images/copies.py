"""Images that come twice: equal or nearly, also in two roles."""

from collections.abc import Iterator

import numpy as np

from dlkit.core.checks import counted
from dlkit.core.finding import MOST, Cure, Finding, Level, Place
from dlkit.data.records import Samples
from dlkit.data.samples.copies import near_copies, same_content
from dlkit.quality.images.about import FEW, About
from dlkit.quality.images.traits import Traits
from dlkit.quality.labels.copies import WHY as CONFLICT
from dlkit.quality.labels.words import words_of

STEP = "dlkit.data.cleaning.leave_out.LeaveOutCopies"
EXACT = Cure(place="clean", line=f"{{class_path: {STEP}}}")
NEAR = Cure(place="clean", line=f"{{class_path: {STEP}, init_args: {{near: true}}}}")
WHY = "A copy in two roles is learnt by heart and then tested, so that the score is better than on images never seen."
WHY_ONE = "Copies weigh more than others, and a split that separates them tests what was learnt by heart."


def copy_findings(
    about: About, traits: Traits, roles: np.ndarray | None, samples: Samples | None = None
) -> Iterator[Finding]:
    """Yield equal and nearly equal images, those in two roles apart; blank ones are no copies.

    Copies with different labels are told as such alone: to leave one of them out would hide that one label is wrong.

    Args:
        about: What they are called.
        traits: What each is like.
        roles: Role of each image, "" for none; None where there are none yet.
        samples: The images with their labels; None where they have none.
    """
    known = np.flatnonzero(traits.readable & (traits.high > traits.low))
    first = same_content(traits.digest[known])
    exact = np.stack([known[first], known], 1)[first != np.arange(len(known))]
    near = known[near_copies(traits.thumbnail[known])] if len(known) else exact
    near = near[traits.digest[near[:, 0]] != traits.digest[near[:, 1]]]
    at_odds = [odd_pairs(samples, pairs) for pairs in (exact, near)]
    for pairs, odd, alike in ((exact, at_odds[0], True), (near, at_odds[1], False)):
        yield from _said(about, pairs[~odd], roles, exact=alike)
        if samples is not None and odd.any():
            yield conflict_of(about, samples, pairs[odd], exact=alike)


def odd_pairs(samples: Samples | None, pairs: np.ndarray) -> np.ndarray:
    """Tell which pairs have different labels, both of them known."""
    if samples is None or not len(pairs):
        return np.zeros(len(pairs), bool)
    labels = samples.labels.reshape(len(samples.labels), -1)
    known = np.isfinite(labels) if labels.dtype.kind == "f" else labels >= 0
    one, other = pairs.T
    return np.asarray(((labels[one] != labels[other]) & known[one] & known[other]).any(1))


def conflict_of(about: About, samples: Samples, pairs: np.ndarray, *, exact: bool) -> Finding:
    """Return the finding of copies with different labels; what repairs it is to leave out both, or to correct one."""
    numbers = np.unique(pairs)
    how, kind = ("equal", "conflicting copies") if exact else ("nearly equal", "conflicting near copies")
    one, other = pairs[0].tolist()
    words = words_of(samples, pairs[0])
    return about.finding(
        kind, numbers,
        f"{counted(len(numbers), about.noun)} in {counted(len(pairs), 'pair')} are {how} and have different labels, "
        f"such as {about.called(one)} ({words[0]}) and {about.called(other)} ({words[1]}).",
        CONFLICT, level="warning",
    )  # fmt: skip


def _said(about: About, pairs: np.ndarray, roles: np.ndarray | None, *, exact: bool) -> Iterator[Finding]:
    apart = np.zeros(len(pairs), bool)
    if roles is not None and len(pairs):
        one, other = roles[pairs[:, 0]], roles[pairs[:, 1]]
        apart = (one != other) & (one != "") & (other != "")
    for crossing, some in ((True, pairs[apart]), (False, pairs[~apart])):
        if len(some):
            yield _finding(about, some, roles, exact=exact, crossing=crossing)


def _finding(about: About, pairs: np.ndarray, roles: np.ndarray | None, *, exact: bool, crossing: bool) -> Finding:
    number, kind = len(np.unique(pairs[:, 1])), "equal" if exact else "nearly equal"
    one, other = (about.names[image] for image in pairs[0].tolist())
    shown = list(dict.fromkeys(pairs[:MOST, ::-1].ravel().tolist()))[:MOST]
    where = " in another role" if crossing else ""
    roled = f" ({roles[pairs[0, 0]]} and {roles[pairs[0, 1]]})" if crossing and roles is not None else ""
    share = number / len(about.names)
    return Finding(
        kind=("" if exact else "near ") + ("copy in two roles" if crossing else "copy"),
        level=_level(exact=exact, crossing=crossing, share=share),
        what=f"{about.of_all(number)} {kind} to another one{where}, in {counted(len(pairs), 'pair')}: '{other}' is "
        f"like '{one}'{roled}.",
        why=WHY if crossing else WHY_ONE,
        cures=(EXACT,) if exact else (NEAR,),
        source=about.source,
        count=number,
        share=share,
        places=tuple(Place(sample=about.names[image]) for image in shown),
    )


def _level(*, exact: bool, crossing: bool, share: float) -> Level:
    if crossing:
        return "error" if exact else "warning"
    return "warning" if share >= FEW else "note"

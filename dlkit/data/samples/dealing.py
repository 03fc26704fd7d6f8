"""Deal samples to roles: class by class, or group by group."""

import numpy as np

from dlkit.core.checks import require
from dlkit.data.records import Samples

RARE = 5  # patterns of labels that fewer samples share are pooled
BINS = 10
Dealt = dict[str, np.ndarray]


def strata_of(samples: Samples) -> np.ndarray:
    """Return the number of the stratum of each sample, (samples,): class, pattern of labels, or decile of a value."""
    if samples.kind == "labels":
        _, pattern, counts = np.unique(samples.labels > 0.5, axis=0, return_inverse=True, return_counts=True)
        pattern = pattern.reshape(-1)
        return np.where(counts[pattern] < RARE, len(counts), pattern)
    if samples.kind == "values":
        return _deciles(samples.labels[:, 0])
    return samples.labels


def _deciles(values: np.ndarray) -> np.ndarray:
    known = np.isfinite(values)
    ranks = np.empty(len(values), np.int64)
    ranks[np.argsort(np.where(known, values, np.inf), kind="stable")] = np.arange(len(values))
    return np.where(known, ranks * BINS // max(int(known.sum()), 1), BINS)


def deal_strata(strata: np.ndarray, fractions: dict[str, float], random: np.random.Generator) -> Dealt:
    """Deal each stratum at the fractions, each within one sample; what is rounded evens out over the strata.

    A stratum too small for every role goes to the first role first.
    """
    roles, parts = [*fractions, "rest"], np.array([*fractions.values(), max(0.0, 1 - sum(fractions.values()))])
    given: dict[str, list[np.ndarray]] = {role: [] for role in roles}
    debt = np.zeros(len(roles))
    for stratum in np.unique(strata):
        members = random.permutation(np.flatnonzero(strata == stratum))
        counts = _seats(len(members), parts, debt)
        debt += parts * len(members) - counts
        for role, own in zip(roles, np.split(members, np.cumsum(counts)[:-1]), strict=True):
            given[role].append(own)
    return {role: np.sort(np.concatenate(given[role])) for role in fractions}


def _seats(members: int, parts: np.ndarray, debt: np.ndarray) -> np.ndarray:
    """Return how many members each role gets: the whole part of its share, or one more."""
    share = parts * members
    counts = np.floor(share + 1e-9).astype(np.int64)
    claim = debt + share - counts
    claim[0] += len(parts) * 2 * (counts[0] == 0)
    claim[share - counts <= 1e-9] = -np.inf
    for role in np.argsort(-claim, kind="stable")[: members - counts.sum()]:
        counts[role] += 1
    return counts


def deal_groups(
    groups: np.ndarray,
    strata: np.ndarray,
    fractions: dict[str, float],
    random: np.random.Generator,
    *,
    sizes: bool = False,
) -> Dealt:
    """Deal whole groups so that every role comes close to its fraction of every stratum.

    The large groups are dealt first, each where it lowers the sum of squared deviations over the wanted counts most.

    Args:
        groups: Group of each sample.
        strata: Stratum of each sample.
        fractions: Of each role.
        random: Breaks ties.
        sizes: Come close to the fractions of all samples too, also where hardly two groups share a stratum.

    Raises:
        InputError: There are fewer groups than roles.
    """
    roles = [role for role, part in fractions.items() if part > 0]
    names, member = np.unique(np.asarray(groups).astype(str), return_inverse=True)
    require(
        len(names) >= len(roles),
        f"{len(names)} groups cannot be dealt to {', '.join(roles)} without splitting one: give more groups, or fewer "
        "roles in `split`.",
    )
    kinds, kind = np.unique(strata, return_inverse=True)
    counts = np.zeros((len(names), len(kinds)))
    np.add.at(counts, (member, kind), 1)
    counts = np.hstack([counts, counts.sum(1, keepdims=True)]) if sizes else counts
    wanted = np.array([fractions[role] for role in roles])[:, None] * counts.sum(0)
    where = _place(counts, wanted, random)
    dealt = {role: np.flatnonzero(where[member] == number) for number, role in enumerate(roles)}
    return {role: dealt.get(role, np.empty(0, np.int64)) for role in fractions}


def _place(counts: np.ndarray, wanted: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return the role of each group, no role without one."""
    shuffled = random.permutation(len(counts))
    order = shuffled[np.argsort(-counts[shuffled].sum(1), kind="stable")]
    where, have, groups_of = np.full(len(counts), -1), np.zeros_like(wanted), np.zeros(len(wanted), np.int64)
    for left, group in zip(range(len(order), 0, -1), order, strict=True):
        empty = np.flatnonzero(groups_of == 0).tolist()
        costs = _costs(have, wanted, counts[group])
        where[group] = min(empty, key=lambda role: costs[role]) if left <= len(empty) else int(np.argmin(costs))
        have[where[group]] += counts[group]
        groups_of[where[group]] += 1
    return where


def _costs(have: np.ndarray, wanted: np.ndarray, added: np.ndarray) -> np.ndarray:
    """Return by how much the squared deviation over the wanted counts grows when a group is added to each role."""
    costs: np.ndarray = ((2 * (have - wanted) * added + added**2) / wanted).sum(1)
    return costs

"""Which of several heads is explained: the head is then a task of its own on the shared network."""

from dataclasses import replace
from typing import Any

from dlkit.core.batch import Batch
from dlkit.core.checks import require, suggest
from dlkit.tasks.combined import Combined
from dlkit.tasks.combined_heads import of_head
from dlkit.train.explain.question import Wanted, can_ask


def one_head(task: Any, wanted: Wanted) -> tuple[Any, Wanted, str]:
    """Return the task of the head that is asked for, what is wanted of it, and its name; "" where there is one head.

    Args:
        task: The task.
        wanted: Its target is ``head`` or ``head:target``; "" is the first head that has scores.

    Raises:
        InputError: There is no such head.
    """
    if not isinstance(task, Combined):
        return task, wanted, ""
    name, _, target = wanted.target.partition(":")
    if not name:
        name = next((one for one in task.names if can_ask(task.task(one))), task.names[0])
    require(name in task.names, f"--target {wanted.target}: there is no head '{name}'; {suggest(name, task.names)}")
    return task.task(name).eval(), replace(wanted, target=target), name


def batch_of(batch: Batch, head: str) -> Batch:
    """Return a batch as the head sees it."""
    return of_head(batch, head) if head else batch

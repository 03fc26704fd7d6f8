"""The script of a job as pure text: the same request gives the same text."""

import re
import shlex
import string
import sys
from collections.abc import Sequence
from pathlib import Path

from dlkit.core.checks import require
from dlkit.submit.request import Request
from dlkit.submit.site import Site
from dlkit.submit.times import clock_of

TEMPLATE = Path(__file__).with_name("job.sh")
TRIES = 10  # tries that may begin at the same step


class Template(string.Template):
    """A shell script keeps its "$" and braces; "@" marks what is filled in."""

    delimiter = "@"


def render(
    request: Request,
    site: Site,
    *,
    command: Sequence[str],
    folder: Path,
    log: str = "%j.out",
    options: Sequence[str] = (),
    element: str = "",
) -> str:
    """Return the text of a batch script.

    Args:
        request: Resources.
        site: The cluster.
        command: What each process runs, word by word.
        folder: Absolute folder of what belongs to the job; its logs go below it.
        log: Name of the log, a pattern of sbatch.
        options: Further options of sbatch, e.g. "--array=1-3".
        element: Name of the folder of one element of an array, a shell expression.
    """
    for text in (str(folder), *command):
        require("\n" not in text and "\0" not in text, f"{text!r} holds a line break, which no job script can carry.")
    state = shlex.quote(str(folder)) + (f"/{element}" if element else "")
    lines = [*resource_options(request, site), *site.extra, *options]
    return Template(body(TEMPLATE.read_text(encoding="utf-8"))).substitute(
        name=request.name, nodes=request.nodes, tasks=request.tasks, cpus=max(1, request.cpus_per_task),
        time=clock_of(request.time), lead=request.lead or site.lead_seconds,
        log=directive(f"{str(folder).replace('%', '%%')}/logs/{log}"),
        options="\n".join(f"#SBATCH {line}" for line in lines), setup="\n".join(setup_lines(site)), state=state,
        container=site.container, command=shlex.join(command), tries=TRIES,
    )  # fmt: skip


def body(template: str) -> str:
    """Return a template without the remarks at its head, which explain what is filled in."""
    head, _, rest = template.partition("\n#SBATCH")
    return f"{head.partition(chr(10))[0]}\n# Written by `dlkit submit`.\n#SBATCH{rest}"


def directive(text: str) -> str:
    """Return a value as sbatch reads it in a line of a script."""
    return text if re.fullmatch(r"[\w./%=+:,\-]+", text) else '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def resource_options(request: Request, site: Site) -> list[str]:
    """Return the options of sbatch that are left out where nothing is asked for."""
    kind = f"{site.gpu_type}:" if site.gpu_type else ""
    number = f"{'gpu:' if site.gpus == 'gres' else ''}{kind}{request.gpus_per_node}"
    wishes = {
        site.gpus: number if request.gpus_per_node else "",
        "mem": request.mem,
        "partition": request.partition,
        "account": request.account,
        "qos": request.qos,
        "constraint": site.constraint,
    }
    return [f"--{key}={directive(value)}" for key, value in wishes.items() if value]


def setup_lines(site: Site) -> list[str]:
    """Return the shell lines of a site: modules, variables, what else it needs."""
    modules = [f"module load {shlex.join(site.modules)}"] if site.modules else []
    return [*modules, *(f"export {name}={shlex.quote(value)}" for name, value in site.env.items()), *site.setup]


def python_of(site: Site) -> str:
    """Return the Python of the jobs: that of the site, of its container, or the one at work."""
    return site.python or ("python" if site.container else sys.executable)

"""Pages and comparisons that cannot be."""

import json
import shutil

from tests.bad_inputs.corpus import Case

RUN = "{}/runs/tiny-001"


def page(says, *args, run=RUN, **others):
    return Case(says, args=("report", run, *args), **others)


def against(says, *args, run=RUN, **others):
    return Case(says, args=("compare", run, *args), **others)


def other_data(folder):
    """Copy the run and pretend that it was tested on other data."""
    run, other = folder / "runs" / "tiny-001", folder / "runs" / "tiny-002"
    shutil.copytree(run, other)
    tested(run)
    tested(other)
    known = json.loads((other / "data.json").read_text())
    known["source"]["files"][0]["sha256"] = "0" * 64
    (other / "data.json").write_text(json.dumps(known))


def tested(run):
    """Write measures into a run that was only trained."""
    known = json.loads((run / "metrics.json").read_text())
    known["test"] = {"standardized": {"overall": {"mae": 0.5}}, "physical": {"overall": {"mae": 1.0}}}
    (run / "metrics.json").write_text(json.dumps(known))


def with_copy(folder):
    """Copy the run."""
    shutil.copytree(folder / "runs" / "tiny-001", folder / "runs" / "tiny-002")


def without_weights(folder):
    shutil.rmtree(folder / "runs" / "tiny-001" / "checkpoints")


REPORT = {
    "report of nothing": Case(("RUN", "usage"), args=("report", "--output", "a.html")),
    "report of a run that is not there": page(("no run folder", "tiny-009"), run="{}/runs/tiny-009"),
    "report of a configuration": page(("is a file",), run="{}/config.yaml"),
    "report of a run that was not trained": page(
        ("was not trained", "dlkit run --into"), trained=True, make=without_weights
    ),
    "report to another form": page(("page.pdf", ".html"), "--output", "{}/page.pdf", trained=True),
    "report with damaged measures": page(
        ("metrics.json", "damaged"), trained=True, make=lambda f: (f / "runs/tiny-001/metrics.json").write_text("{")
    ),
    "report with an unknown option": page(("--outptu", "usage"), "--outptu", "a.html", trained=True),
    "comparison of one run": against(("1 run is no comparison", "two"), trained=True),
    "comparison of a run with itself": against(("given twice",), RUN, trained=True),
    "comparison with a run that was not tested": against(
        ("was not tested", "dlkit test"), "{}/runs/tiny-002", trained=True, make=with_copy
    ),
    "comparison with what is no run": against(("no run folder",), RUN, run="{}/runs/none-001", trained=True),
    "comparison of runs on other data": against(
        ("other data", "content of the file", "--metrics-only"),
        "{}/runs/tiny-002",
        trained=True,
        make=other_data,
    ),
    "comparison to another form": against(("a.csv", ".html"), RUN, "--output", "a.csv", trained=True),
}

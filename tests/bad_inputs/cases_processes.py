"""Jobs of several processes that cannot be."""

from pathlib import Path

from tests.bad_inputs.corpus import Case

RUN = "{}/runs/tiny-001"
FIT = ("fit", "{}/config.yaml")
TWO = ("--trainer.devices", "2", "--trainer.strategy", "ddp")


def other_config(folder: Path) -> None:
    (folder / "other.yaml").write_text((folder / "config.yaml").read_text())


PROCESSES = {
    "GPUs that are not there": Case(
        ("trainer cannot be made|no GPU here", "devices: 99"),
        args=(*FIT, "--trainer.accelerator", "gpu", "--trainer.devices", "99"),
    ),
    "no device": Case(("devices: 0",), args=(*FIT, "--trainer.devices", "0")),
    "strategy that is not there": Case(("strategy: dpp",), args=(*FIT, "--trainer.strategy", "dpp")),
    "strategy that copies the process": Case(
        ("strategy", "ddp or fsdp"), args=(*FIT, "--trainer.devices", "2", "--trainer.strategy", "ddp_spawn")
    ),
    "FSDP without a GPU": Case(("strategy: fsdp",), args=(*FIT, "--trainer.strategy", "fsdp")),
    "no node": Case(("num_nodes",), args=(*FIT, "--trainer.num_nodes", "0")),
    "several batches a step of several processes": Case(
        ("batches_per_step=4 is for one process",), args=(*FIT, *TWO, "--data.batches_per_step", "4")
    ),
    "fewer windows than processes": Case(
        ("cannot be dealt out to 64 processes",),
        args=(*FIT, "--trainer.devices", "64", "--trainer.strategy", "ddp"),
    ),
    "into a folder of another config": Case(
        ("leave out .*other.yaml",), args=("fit", "{}/other.yaml", "--into", RUN), make=other_config, trained=True
    ),
    "into nothing": Case(("--into needs",), args=("fit", "--into")),
    "into what is no run": Case(
        ("config.yaml",), args=("run", "--into", "{}/empty"), make=lambda f: (f / "empty").mkdir()
    ),
    "into and resume": Case(("both name a run folder",), args=("fit", "--into", RUN, "--resume", RUN), trained=True),
}

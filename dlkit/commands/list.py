"""List networks, sources, splits, augmentations, losses, tasks and what else there is, with one line each."""

ROOMS = {
    "networks": ("dlkit.models", "dlkit.models.base", "Net"),
    "joins": ("dlkit.models", "dlkit.models.fusion_joins", "Join"),
    "sources": ("dlkit.data.sources", "dlkit.data.base", "Source"),
    "sample sources": ("dlkit.data.sources", "dlkit.data.base", "SampleSource"),
    "frame sources": ("dlkit.data.sources", "dlkit.data.base", "FrameSource"),
    "event sources": ("dlkit.data.sources", "dlkit.data.base", "EventSource"),
    "inputs": ("dlkit.data", "dlkit.data.inputs", "Input"),
    "clocks": ("dlkit.data", "dlkit.data.clock", "Clock"),
    "heads": ("dlkit.data", "dlkit.data.heads", "Head"),
    "data modules": ("dlkit.data", "dlkit.data.batches.batching", "Batching"),
    "clusters": ("dlkit.data", "dlkit.data.cluster", "Cluster"),
    "readers": ("dlkit.data.readers", "dlkit.data.base", "Reader"),
    "normalizers": ("dlkit.data", "dlkit.data.normalize", "Normalizer"),
    "splits": ("dlkit.data", "dlkit.data.splits", "Split"),
    "sample splits": ("dlkit.data", "dlkit.data.sample_splits", "SampleSplit"),
    "augmentations": ("dlkit.data", "dlkit.data.base", "Augment"),
    "losses": ("dlkit.losses", "dlkit.losses.base", "Loss"),
    "class losses": ("dlkit.losses", "dlkit.losses.classification", "ClassLoss"),
    "balances": ("dlkit.losses", "dlkit.losses.balance", "Balance"),
    "detectors": ("dlkit.anomaly", "dlkit.anomaly.detector", "Detector"),
    "thresholds": ("dlkit.anomaly", "dlkit.anomaly.thresholds", "Threshold"),
    "tasks": ("dlkit.tasks", "dlkit.tasks.base", "Task"),
    "explanations": ("dlkit.explain", "dlkit.explain.base", "Explainer"),
}


def main(arguments: list[str]) -> None:
    """Print the import path, which is the name in YAML, and the first line of the documentation."""
    from dlkit.core.checks import InputError, suggest

    if arguments and arguments[0] in ("-h", "--help"):
        print(f"usage: dlkit list [{' | '.join(ROOMS)} | CLASS]\n\n{__doc__}")
        return
    named = {} if all(room in ROOMS for room in arguments) else classes_by_name()
    for room in arguments:
        if room not in ROOMS and room not in named:
            known = [*ROOMS, *(name for name in named if "." not in name)]
            raise InputError(f"There is nothing called '{room}' to list; {suggest(room, known)}")
    for room in arguments or ROOMS:
        if room in ROOMS:
            print_room(room)
        else:
            print_class(named[room])


def classes_by_name() -> dict[str, type]:
    """Return every class that can be listed, by its name and by its import path."""
    import importlib

    from dlkit.core.discover import discover, import_path

    rooms = ROOMS.values()
    found = [cls for package, module, name in rooms
             for cls in discover(package, getattr(importlib.import_module(module), name))]  # fmt: skip
    return {cls.__name__: cls for cls in found} | {import_path(cls): cls for cls in found}


def print_class(cls: type) -> None:
    """Print the import path of a class and its documentation, which explains its settings."""
    import inspect

    from dlkit.core.discover import import_path

    print(f"\n{import_path(cls)}\n\n{inspect.getdoc(cls)}")


def print_room(room: str) -> None:
    """Print one kind of thing."""
    import importlib

    from dlkit.core.discover import discover, headline, import_path

    package, module, name = ROOMS[room]
    found = discover(package, getattr(importlib.import_module(module), name))
    width = max((len(import_path(cls)) for cls in found), default=0)
    print(f"\n{room}")
    for cls in found:
        print(f"  {import_path(cls):<{width}}  {headline(cls)}")

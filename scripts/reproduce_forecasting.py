"""Train forecasts on published benchmarks and set the errors over every test window beside the published ones.

    DLKIT_BENCH_DATA=... python scripts/reproduce_forecasting.py --sets ETTh1 --models dlinear nlinear --seeds 3

Nothing is chosen on test rows: early stopping, the kept checkpoint and, where several are tried, the look-back go by
the error on validation. Each result is written when it is known, so that a study that was stopped goes on.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from forecasting_recipes import HORIZONS, RECIPES, SETS, TARGETS, Recipe, recipe
from pytorch_lightning.callbacks import EarlyStopping, EMAWeightAveraging, ModelCheckpoint

from dlkit.core.runfolder import atomic_file, write_json
from dlkit.data.datamodules import TimeSeriesDataModule
from dlkit.data.sources.files import Files
from dlkit.tasks.forecast import Forecast
from dlkit.train.evaluation.evaluate import load_weights
from dlkit.train.quiet import quiet_lightning

QUIET: dict[str, Any] = {
    "accelerator": "auto", "devices": 1, "logger": False, "enable_progress_bar": False, "enable_model_summary": False,
    "num_sanity_val_steps": 0,
}  # fmt: skip


def read_data(name: str, how: Recipe, *, look_back: int, horizon: int, seed: int) -> TimeSeriesDataModule:
    path = f"$DLKIT_BENCH_DATA/forecasting/{name}.parquet"
    # The weather set has one stamp twice and one gap, which the published protocol takes as if they were not there.
    source = Files(path=path, time="date", duplicates="keep", gaps="keep")
    return TimeSeriesDataModule(
        source=source, targets=["*"], look_back=look_back, look_forward=horizon, split=SETS[name],
        batch_size=how.batch_size, eval_batch_size=32 if how.drop_last else 256, seed=seed,
    )  # fmt: skip


def train(task: Forecast, data: TimeSeriesDataModule, how: Recipe) -> dict[str, Any]:
    """Train, put the weights of the best validation loss into the task and return what it took."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        best = ModelCheckpoint(folder, monitor="val/loss")
        watching = [best, EarlyStopping("val/loss", patience=how.patience)]
        averaging = [] if how.average is None else [EMAWeightAveraging(decay=how.average)]
        trainer = pl.Trainer(
            max_epochs=how.epochs, precision=how.precision, gradient_clip_val=how.clip,
            callbacks=[*watching, *averaging], **QUIET,
        )  # fmt: skip
        trainer.fit(task, datamodule=data)
        load_weights(task, Path(best.best_model_path))
        val_mse = float(best.best_model_score)
    return {"val_mse": val_mse, "epochs": trainer.current_epoch, "seconds": round(time.perf_counter() - began, 1)}


def reproduce(name: str, model: str, horizon: int, look_back: int, seed: int) -> dict[str, Any]:
    """Return errors over every test window of one trained network."""
    pl.seed_everything(seed, verbose=False)
    how = recipe(model, name)
    data = read_data(name, how, look_back=look_back, horizon=horizon, seed=seed)
    task = Forecast(spec=data.spec, net=how.net, optimizer=how.optimizer, scheduler=how.scheduler)
    found: dict[str, Any] = {"val_mse": 0.0, "epochs": 0, "seconds": 0.0}
    if how.trains:
        found = train(task, data, how)
    else:
        task.take_scaling(data)
    windows = len(data.prepared.windows["test"])
    whole = windows // data.eval_batch_size if how.drop_last else None
    trainer = pl.Trainer(limit_test_batches=whole, enable_checkpointing=False, **QUIET)
    trainer.test(task, datamodule=data, verbose=False)
    errors = {name: float(value) for name, value in task.test_scores.standardized.compute().items()}
    windows = whole * data.eval_batch_size if whole else windows
    return found | {"mse": errors["mse"], "mae": errors["mae"], "windows": windows}


def table_rows(results: dict[str, Any], arguments: argparse.Namespace) -> Iterator[str]:
    """Yield the lines of a Markdown table, mean over seeds; of several look-backs the one that validates best."""
    yield "| set | horizon | network | look-back | test windows | seeds | MSE | MAE | target MSE/MAE | MSE ratio | s |"
    yield "|-|-|-|-|-|-|-|-|-|-|-|"
    for name in arguments.sets:
        for model in arguments.models:
            for number, horizon in enumerate(HORIZONS):
                wanted = {key: one for key, one in results.items() if key.startswith(f"{name}/{model}/{horizon}/")}
                if wanted and horizon in arguments.horizons:
                    yield row(name, model, number, wanted)


def row(name: str, model: str, number: int, found: dict[str, Any]) -> str:
    backs = {key.split("/")[3] for key in found}
    by_back = {back: [one for key, one in found.items() if key.split("/")[3] == back] for back in backs}
    back = min(by_back, key=lambda back: float(np.mean([one["val_mse"] for one in by_back[back]])))
    runs = by_back[back]
    mse, mae = (np.array([one[key] for one in runs]) for key in ("mse", "mae"))
    spread = (f" ± {values.std(ddof=1):.3f}" if len(runs) > 1 else "" for values in (mse, mae))
    kind, targets = TARGETS.get((name, model), ("", ((None, None),) * len(HORIZONS)))
    target = targets[number]
    shown = f"{target[0]:.3f}/" + (f"{target[1]:.3f}" if target[1] else "-") + f" ({kind})" if target[0] else "-"
    ratio = f"{mse.mean() / target[0]:.3f}" if target[0] else "-"
    seconds = np.mean([one["seconds"] for one in runs])
    cells = [name, HORIZONS[number], model, back, runs[0]["windows"], len(runs), f"{mse.mean():.3f}{next(spread)}",
             f"{mae.mean():.3f}{next(spread)}", shown, ratio, f"{seconds:.0f}"]  # fmt: skip
    return "| " + " | ".join(map(str, cells)) + " |"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=["ETTh1", "ETTm1"])
    parser.add_argument("--models", nargs="+", choices=RECIPES, default=["repeat", "dlinear", "nlinear"])
    parser.add_argument("--horizons", nargs="+", type=int, choices=HORIZONS, default=list(HORIZONS))
    parser.add_argument("--look_backs", nargs="+", type=int, help="to try; the best on validation wins")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds; one for what does not train")
    parser.add_argument("--results", type=Path, default=Path("reproduce_forecasting.json"))
    parser.add_argument("--output", type=Path, default=Path("reproduce_forecasting.md"), help="the Markdown table")
    return parser.parse_args()


def main() -> None:
    arguments = parse()
    quiet_lightning()
    torch.set_flush_denormal(True)
    results = json.loads(arguments.results.read_text()) if arguments.results.exists() else {}
    plan = [(name, model, horizon, look_back, seed)
            for horizon in arguments.horizons for name in arguments.sets for model in arguments.models
            for look_back in arguments.look_backs or [recipe(model, name).look_back]
            for seed in range(arguments.seeds if RECIPES[model].trains else 1)]  # fmt: skip
    for name, model, horizon, look_back, seed in plan:
        key = f"{name}/{model}/{horizon}/{look_back}/{seed}"
        if key not in results:
            results[key] = reproduce(name, model, horizon, look_back, seed)
            write_json(arguments.results, results)
            print(key, {k: round(v, 4) for k, v in results[key].items()}, flush=True)
    table = "\n".join(table_rows(results, arguments))
    with atomic_file(arguments.output) as work:
        work.write_text(table + "\n", encoding="utf-8")
    print(table)


if __name__ == "__main__":
    os.environ.setdefault("DLKIT_BENCH_DATA", "data")
    main()

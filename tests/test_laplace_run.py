"""`dlkit calibrate RUN --laplace` on whole runs: points stay, and what is written of doubt adds up."""

import numpy as np
import pandas as pd
import pytest
import yaml

from dlkit.__main__ import main
from tests.test_calibrate_command import CLASSES, class_job, forecast_job, part

REVIN = part("models.revin.RevIN", net=part("models.mlp.MLP", hidden_size=8))


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_of_a_network_in_instance_normalization_points_stay_and_the_noise_is_known(tmp_path):
    forecast_job(tmp_path)
    settings = yaml.safe_load((tmp_path / "walk.yaml").read_text())
    settings["model"]["init_args"] = {"net": REVIN, "loss": part("losses.pointwise.MSE")}
    (tmp_path / "walk.yaml").write_text(yaml.safe_dump(settings))
    assert main(["run", str(tmp_path / "walk.yaml")]) == 0
    run = tmp_path / "runs" / "walk-001"
    before = pd.read_parquet(run / "predictions.parquet")
    assert main(["calibrate", str(run), "--laplace"]) == 0
    after = pd.read_parquet(run / "predictions.parquet")
    np.testing.assert_allclose(after["prediction"], before["prediction"], rtol=1e-5, atol=1e-5)
    total, noise, doubt = (after[f"uncertainty_{name}"] for name in ("total", "aleatoric", "epistemic"))
    np.testing.assert_allclose(total**2, noise**2 + doubt**2, rtol=1e-4)
    assert (after.groupby("horizon")["uncertainty_aleatoric"].std() < 1e-6).all()
    error = np.sqrt(((after["prediction"] - after["truth"]) ** 2).mean())
    assert 0.5 * error < np.sqrt((total**2).mean()) < 2 * error
    assert before["uncertainty_total"].isna().all()


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_of_classes_the_total_is_the_entropy_of_the_row_and_what_is_drawn_is_not_exported(tmp_path, capsys):
    class_job(tmp_path)
    assert main(["run", str(tmp_path / "traces.yaml")]) == 0
    run = tmp_path / "runs" / "traces-001"
    for scaling in ("temperature", "isotonic"):
        assert main(["calibrate", str(run), "--laplace", "--scaling", scaling]) == 0
        table = pd.read_parquet(run / "predictions.parquet")
        chances = table[[f"probability_{name}" for name in range(CLASSES)]].to_numpy().astype(float)
        entropy = -(chances * np.log(np.where(chances > 0, chances, 1))).sum(1)
        np.testing.assert_allclose(table["uncertainty_total"], entropy, rtol=1e-4)
        parts = table["uncertainty_aleatoric"] + table["uncertainty_epistemic"]
        np.testing.assert_allclose(parts, entropy, rtol=1e-4)
        assert (table["uncertainty_epistemic"] > 0).all()
    assert main(["export", str(run), "--to", "torch"]) == 2  # and what the sentence says helps
    assert f"run `dlkit calibrate {run} --dropout 0` first" in capsys.readouterr().err
    assert main(["calibrate", str(run), "--dropout", "0"]) == 0
    assert main(["export", str(run), "--to", "torch"]) == 0

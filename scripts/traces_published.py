"""The problems of the trace benchmark, what was published of their test traces, and the table."""

from pathlib import Path

import numpy as np

# Number of training traces.
PROBLEMS = {
    "ItalyPowerDemand": 67, "CBF": 30, "BasicMotions": 40, "GunPoint": 50, "Coffee": 28, "ArrowHead": 36,
    "JapaneseVowels": 270, "Tecator_regression": 172, "Epilepsy": 137, "PLAID": 537,
}  # fmt: skip
UCR_ARCHIVE = {"ItalyPowerDemand", "CBF", "GunPoint", "Coffee", "ArrowHead", "PLAID"}

# Accuracy, mean and sample standard deviation of the runs in the authors' repository hfawaz/dl-4-tsc: five runs of
# results/results-ucr-128.csv; JapaneseVowels, whose traces were interpolated to one length there, ten runs of
# results/results-mts-avg-std.csv. Protocol: Ismail Fawaz et al., Data Min. Knowl. Disc. 33, 2019. BasicMotions and
# Epilepsy are of Ruiz et al., Data Min. Knowl. Disc. 35, 2021: one run on each of 30 resamples of the split, so their
# deviation is that of splits too (time-series-machine-learning/tsml-eval, results/classification/Multivariate/
# ResNet_accuracy.csv; on the official split 1.000 and 0.993). Tecator is in no published comparison of these networks.
RESNET = {
    "ArrowHead": (0.8377, 0.0238), "CBF": (0.9958, 0.0020), "Coffee": (1.0, 0.0), "GunPoint": (0.9907, 0.0076),
    "ItalyPowerDemand": (0.9615, 0.0027), "PLAID": (0.9404, 0.0051), "JapaneseVowels": (0.992, 0.003),
    "BasicMotions": (1.0, 0.0), "Epilepsy": (0.9918, 0.0127),
}  # fmt: skip

# The same of single networks, five runs of results-inception-128.csv in hfawaz/InceptionTime. Protocol: Ismail Fawaz
# et al., Data Min. Knowl. Disc. 34, 2020.
INCEPTION = {
    "ArrowHead": (0.8469, 0.0284), "CBF": (0.9978, 0.0019), "Coffee": (1.0, 0.0), "GunPoint": (1.0, 0.0),
    "ItalyPowerDemand": (0.9642, 0.0059), "PLAID": (0.9374, 0.0072),
}  # fmt: skip

# Five of them whose probabilities are averaged: results-InceptionTime-128.csv in the same repository; for the problems
# of several channels results-mts.csv, which was there from 30 September to 5 November 2019 (commit 0d623a3).
INCEPTION_AVERAGED = {
    "ArrowHead": 0.846, "CBF": 0.999, "Coffee": 1.0, "GunPoint": 1.0, "ItalyPowerDemand": 0.965, "PLAID": 0.944,
    "JapaneseVowels": 0.992, "Epilepsy": 0.986, "BasicMotions": 1.0,
}  # fmt: skip

# One run: Wang, Yan, Oates, IJCNN 2017.
WANG = {"ArrowHead": 0.817, "CBF": 0.994, "Coffee": 1.0, "GunPoint": 0.993, "ItalyPowerDemand": 0.960}


def score(answer: np.ndarray, truth: np.ndarray) -> float:
    """Return the accuracy of probabilities, or the root mean squared error of values."""
    if truth.ndim == 1:
        return float((answer.argmax(-1) == truth).mean())
    return float(np.sqrt(((answer - truth) ** 2).mean()))


def spread(mean: float, deviation: float) -> str:
    return f"{mean:.3f} ± {deviation:.3f}"


def row(results: Path, problem: str, network: str) -> str | None:
    """Return a line of the table: mean and deviation of the runs, what averaging their answers gives, and published."""
    runs = [dict(np.load(file)) for file in sorted(results.glob(f"{problem}_{network}_*.npz"))]
    if not runs:
        return None
    scores = [score(run["answer"], run["truth"]) for run in runs]
    mean, deviation = np.mean(scores), np.std(scores, ddof=1) if len(runs) > 1 else 0.0
    averaged = score(np.mean([run["answer"] for run in runs], axis=0), runs[0]["truth"])
    published = (RESNET if network == "resnet" else INCEPTION).get(problem)
    five = INCEPTION_AVERAGED.get(problem) if network == "inception" else None
    # 5e-4: means were published with three digits
    within = "-" if published is None else "yes" if abs(mean - published[0]) <= published[1] + 5e-4 else "no"
    cells = [
        problem, network, str(len(runs)), "/".join(sorted({str(int(run["epochs"])) for run in runs})),
        spread(mean, deviation), spread(*published) if published else "-", within,
        f"{averaged:.3f}", f"{five:.3f}" if five else "-",
        f"{WANG[problem]:.3f}" if network == "resnet" and problem in WANG else "-",
        f"{np.mean([run['seconds'] for run in runs]):.0f}",
    ]  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def table(results: Path, networks: list[str]) -> None:
    heads = ["problem", "network", "runs", "epochs", "mean ± deviation", "published", "within", "answers averaged"]
    print("| " + " | ".join([*heads, "published averaged", "Wang 2017", "s a run"]) + " |\n" + "|-" * 11 + "|")
    for line in (row(results, problem, network) for problem in PROBLEMS for network in networks):
        if line:
            print(line)

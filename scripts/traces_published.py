"""Problems of the trace benchmark with their number of training traces, and the published test accuracies."""

PROBLEMS = {
    "ItalyPowerDemand": 67, "CBF": 30, "BasicMotions": 40, "GunPoint": 50, "Coffee": 28, "ArrowHead": 36,
    "JapaneseVowels": 270, "Tecator_regression": 172, "Epilepsy": 137, "PLAID": 537,
}  # fmt: skip

# Mean and deviation of five runs: Ismail Fawaz et al., Data Min. Knowl. Disc. 33, 2019, and the authors' tables.
RESNET = {
    "ArrowHead": "0.838 ± 0.024", "CBF": "0.996 ± 0.002", "Coffee": "1.000 ± 0.000", "GunPoint": "0.991 ± 0.008",
    "ItalyPowerDemand": "0.962 ± 0.003", "PLAID": "0.940 ± 0.005", "JapaneseVowels": "0.992 ± 0.003",
}  # fmt: skip

# Five networks whose probabilities are averaged: Ismail Fawaz et al., Data Min. Knowl. Disc. 34, 2020.
INCEPTION = {
    "ArrowHead": "0.846 (5 averaged)", "CBF": "0.999 (5 averaged)", "Coffee": "1.000 (5 averaged)",
    "GunPoint": "1.000 (5 averaged)", "ItalyPowerDemand": "0.965 (5 averaged)", "PLAID": "0.944 (5 averaged)",
}  # fmt: skip

# One run: Wang, Yan, Oates, IJCNN 2017.
WANG = {"ArrowHead": 0.817, "CBF": 0.994, "Coffee": 1.0, "GunPoint": 0.993, "ItalyPowerDemand": 0.960}

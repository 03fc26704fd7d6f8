"""Problems of the trace benchmark with their number of training traces, and what was published of their test traces."""

PROBLEMS = {
    "ItalyPowerDemand": 67, "CBF": 30, "BasicMotions": 40, "GunPoint": 50, "Coffee": 28, "ArrowHead": 36,
    "JapaneseVowels": 270, "Tecator_regression": 172, "Epilepsy": 137, "PLAID": 537,
}  # fmt: skip
UCR_ARCHIVE = {"ItalyPowerDemand", "CBF", "GunPoint", "Coffee", "ArrowHead", "PLAID"}

# Accuracy, mean and sample standard deviation of the runs in the authors' repository hfawaz/dl-4-tsc: five runs of
# results/results-ucr-128.csv; JapaneseVowels, whose traces were interpolated to one length there, ten runs of
# results/results-mts-avg-std.csv. Protocol: Ismail Fawaz et al., Data Min. Knowl. Disc. 33, 2019.
RESNET = {
    "ArrowHead": (0.8377, 0.0238), "CBF": (0.9958, 0.0020), "Coffee": (1.0, 0.0), "GunPoint": (0.9907, 0.0076),
    "ItalyPowerDemand": (0.9615, 0.0027), "PLAID": (0.9404, 0.0051), "JapaneseVowels": (0.992, 0.003),
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

"""How sure an answer is, and what is promised: scaling, conformal prediction, tests of the promise, novelty."""

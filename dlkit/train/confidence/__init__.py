"""What a run knows of its confidence: calibration, novelty, certified radii."""

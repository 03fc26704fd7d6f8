"""From samples of any rate to one value a tick: pure functions, and the feed that drives them in bounded memory."""

"""Search for settings: many trainings of one configuration, each with other values of some of its settings."""

"""From a trained task and its data to the figures of `report`."""

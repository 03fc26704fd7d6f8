"""The line that says what a source holds."""

import numpy as np
import pytest

from dlkit.data.sources.sample_arrays import SampleArrays
from dlkit.quality.checked import SourceFacts
from dlkit.report.check.text import source_line
from dlkit.train.check.facts import sample_facts
from tests.made_samples import traces


@pytest.mark.parametrize(
    ("step", "says"), [("10", "one value every 10 s"), ("10us", "one value every 10 µs"), (None, "")]
)
def test_the_step_of_traces_is_told_where_it_is_known(step, says):
    samples = SampleArrays.of(traces(), step=step).read()
    facts = SourceFacts(kind="samples", rows=len(samples), facts=sample_facts(samples), channels={"a": {}, "b": {}})
    line = source_line(facts)
    assert "2 channels" in line and (says in line if says else "every" not in line)
    assert np.isclose(facts.facts.get("value_step_s", 1), samples.step)

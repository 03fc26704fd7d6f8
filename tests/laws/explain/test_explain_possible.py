"""Of several methods none works before all of them can."""

import pytest

from dlkit.core.checks import InputError
from dlkit.core.runfolder import RunFolder
from dlkit.models.lstm import LSTM
from dlkit.train.explain.explaining import explain_run
from dlkit.train.explain.result import Choice
from tests.laws.explain.test_explaining import explain, made


@pytest.mark.parametrize("method", ["gradcam", "occlusion:window=9999"])
def test_a_method_that_is_not_possible_is_refused_before_another_has_worked(method, tmp_path):
    task, data = made(net=lambda spec: LSTM(spec, hidden_size=4))
    with pytest.raises(InputError, match=rf"^{method.partition(':')[0]} cannot explain this run, and nothing was comp"):
        explain_run(task, data, RunFolder(tmp_path), ["saliency", method], Choice(samples=2))
    assert not (tmp_path / "explain").exists()


@pytest.mark.parametrize("network", [None, lambda spec: LSTM(spec, hidden_size=4)])
def test_methods_that_are_possible_all_work(network, tmp_path):
    task, data = made(**({} if network is None else {"net": network}))
    methods = ["saliency", "occlusion:window=3", *(["gradcam"] if network is None else [])]
    assert set(explain(task, data, tmp_path, *methods, samples=2)[1]) == {one.partition(":")[0] for one in methods}

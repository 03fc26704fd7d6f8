"""Cut a torchvision model where its feature maps end."""

from typing import NamedTuple

from torch import fx, nn
from torch.nn.functional import adaptive_avg_pool2d

from dlkit.models.torchvision_model import last_layer

ONE = (1, (1, 1), [1, 1])


class Cut(NamedTuple):
    """A model in two parts.

    Attributes:
        features: Gives the maps before the global mean; the vector before the last layer where there is no such mean.
        head: Gives the answer for them.
        dropout: Rate at which maps are dropped when the head is a mean over positions, dropout and one linear map;
            None when it is anything else.
    """

    features: fx.GraphModule
    head: fx.GraphModule
    dropout: float | None


class TopTracer(fx.Tracer):
    """Follows a model only as deep as its last layer is hidden; all else stays whole."""

    def __init__(self, last: str) -> None:
        super().__init__()
        self.last = last

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Say whether a module is kept as it is."""
        return not (isinstance(m, nn.Sequential) and self.last.startswith(f"{module_qualified_name}."))


def is_pool(node: fx.Node, layers: dict[str, nn.Module]) -> bool:
    """Say whether a step averages over positions, be it a layer, a function or a method."""
    layer = layers[str(node.target)] if node.op == "call_module" else None
    return isinstance(layer, nn.AdaptiveAvgPool2d) or node.target in (adaptive_avg_pool2d, "mean")


def averages_all(pool: fx.Node, layers: dict[str, nn.Module]) -> bool:
    """Say whether one number is left for each map."""
    if pool.target == "mean":
        return True
    if pool.op == "call_module":
        return getattr(layers[str(pool.target)], "output_size", None) in ONE
    return pool.args[1] in ONE


def plain_dropout(tail: list[fx.Node], layers: dict[str, nn.Module]) -> float | None:
    """Return the rate of dropout when the tail is a mean, dropout at most once, and a linear map."""
    if not averages_all(tail[0], layers):
        return None
    steps = [layers[str(node.target)] for node in tail[1:] if node.op == "call_module"]
    steps = [step for step in steps if not isinstance(step, nn.Flatten)]
    others = [node for node in tail[1:] if node.op in ("call_function", "call_method") and "flatten" not in node.name]
    rates = [step.p for step in steps[:-1] if isinstance(step, nn.Dropout)]
    plain = not others and bool(steps) and isinstance(steps[-1], nn.Linear) and len(rates) == len(steps) - 1 <= 1
    return float(sum(rates)) if plain else None


def before(graph: fx.Graph, node: fx.Node) -> fx.Graph:
    """Return the steps of a graph up to a node, whose value is the answer."""
    part, copies = fx.Graph(), dict[fx.Node, fx.Node]()
    for step in graph.nodes:
        copies[step] = part.node_copy(step, copies.__getitem__)
        if step is node:
            break
    part.output(copies[node])
    return part


def behind(graph: fx.Graph, node: fx.Node) -> fx.Graph:
    """Return the steps of a graph after a node, whose value is the input."""
    part = fx.Graph()
    copies = {node: part.placeholder("z")}
    steps = list(graph.nodes)
    for step in steps[steps.index(node) + 1 :]:
        copies[step] = part.node_copy(step, copies.__getitem__)
    return part


def cut(model: nn.Module) -> Cut:
    """Cut a classification model before its global mean, or before its last layer."""
    last, _ = last_layer(model)
    layers = dict(model.named_modules())
    graph = TopTracer(last).trace(model.eval())
    for node in graph.nodes:
        if "inplace" in node.kwargs:
            node.update_kwarg("inplace", False)
    steps = list(graph.nodes)
    pools = [node for node in steps if is_pool(node, layers)]
    first = pools[-1] if pools else next(node for node in steps if node.target == last)
    source = first.args[0]
    assert isinstance(source, fx.Node)
    dropout = plain_dropout(steps[steps.index(first) :], layers) if pools else None
    parts = [fx.GraphModule(model, part).train() for part in (before(graph, source), behind(graph, source))]
    return Cut(parts[0], parts[1], dropout)

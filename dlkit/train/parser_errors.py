"""From a parser's tree of errors to one sentence: which setting, what came, what is needed."""

import difflib
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from pytorch_lightning import Trainer

from dlkit.core.checks import InputError, suggest
from dlkit.train.messages import SECTIONS, accepted, find_class
from dlkit.train.parser_place import place_of

KINDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "list": "a list",
    "tuple": "a list",
    "dict": "settings (name: value)",
}
LOSSES = {
    "Loss": "loss of values, which Regress and Forecast take: set `loss` to e.g. dlkit.losses.pointwise.MSE, or for "
    "classes `model` to dlkit.tasks.classify.Classify.",
    "ClassLoss": "loss of classes, which Classify takes: set `loss` to e.g. dlkit.losses.classification.CrossEntropy, "
    "or for values `model` to dlkit.tasks.regress.Regress.",
}
NO_OPTIMIZER = (
    "no optimizer is chosen yet: `model.lr` sets the learning rate of the one by default; for more, choose one first, "
    "e.g. `--model.optimizer torch.optim.AdamW`."
)
NOISE = re.compile(
    r"Subtypes:|Errors:|Does not validate against any|Given value type:|Subclass types expect one of|a class path \(|"
    r"a dict with|Expected a path but|Not a valid subclass|Type .* expects a function or a "
    r"callable class: *$"
)


@dataclass
class Complaint:
    """What a tree of errors says.

    Attributes:
        place: Keys down to the setting.
        wanted: What would be accepted.
        said: Other complaints.
        other: Complaints that a class is not of a kind: of several kinds that would do, all but one make them.
        value: What came.
        owner: Import path of the class that was to be made.
    """

    place: list[str] = field(default_factory=list)
    wanted: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)
    value: str = ""
    owner: str = ""

    def sentence(self) -> str:
        """Return one sentence."""
        where = f"`{'.'.join(self.place)}`: " if self.place else ""
        if self.said or (self.other and not self.wanted):
            return f"{where}{[*self.said, *self.other][0]}"
        value = f"'{self.value}'" if 0 < len(self.value) <= 60 else "what is given"
        wanted = " or ".join(dict.fromkeys(self.wanted))
        one = f": write `[{self.value}]`" if wanted == KINDS["list"] and self.value and value != "what is given" else ""
        return f"{where}{value} is not {wanted or 'accepted'}{one}."


def short(path: str) -> str:
    """Return the last name of an import path."""
    return re.sub(r"^<class '(.*)'>$", r"\1", path).rpartition(".")[2]


def kind(text: str) -> str:
    """Return a type in words."""
    literal = re.fullmatch(r"typing\.Literal\[(.*)\]", text)
    name = short(text)
    return f"one of {literal.group(1)}" if literal else KINDS.get(name, f"a {name}")


def wrong_class(match: re.Match[str]) -> str:
    """Say that a class is of another kind."""
    given, wanted = f"'{match.group(1)}'" if match.group(1) else "what is given", short(match.group(2))
    if wanted in LOSSES:
        return f"{given} is no {LOSSES[wanted]}"
    return f"{given} is no {wanted}; give the class_path of one, `dlkit list` shows them."


def no_class(match: re.Match[str]) -> str:
    """Say that there is no such class, and which was probably meant."""
    try:
        find_class("", match.group(1))
    except InputError as error:
        return str(error)
    return f"'{match.group(1)}' does not fit here; `dlkit list` shows what does."


def no_option(name: str, owner: str) -> str:
    """Say that a class has no such setting, and which it has."""
    if short(owner) == "Optimizer":
        return NO_OPTIMIZER
    known = accepted(find_class("", owner)) if owner else None
    return f"{short(owner)} has no setting '{name}'; {suggest(name, known or [])}"


def no_setting(name: str) -> str:
    """Say that there is no such setting, and which was probably meant: another section, or another of the trainer's."""
    bare = name.lstrip("-")
    head, dot, rest = bare.partition(".")
    known = [f"trainer.{key}" for key in inspect.signature(Trainer.__init__).parameters][1:]
    known += [section + dot + rest for section in SECTIONS if head != section]
    close = difflib.get_close_matches(bare, known, n=1, cutoff=0.8)
    dashes = name[: len(name) - len(bare)]
    meant = f"did you mean '{dashes}{close[0]}'?" if close else "`--print_config` shows what there is."
    return f"there is no setting '{name}'; {meant}"


Rule = tuple[str, Callable[[re.Match[str]], str]]
OTHER_KIND: tuple[Rule, ...] = (
    (r"Import path (?:(\S+) )?does not correspond to a subclass of ([\w.]+)", wrong_class),
    (r"Expected '(\S+)' to be a subclass of (<class '[\w.]+'>)", wrong_class),
    (r"Expected a dot import path string: (.*?)(?:\. Got value: .*)?$", no_class),
    (
        r"Subclasses are disabled for (\w+), thus '(\S+)' is not accepted",
        lambda m: f"'{m.group(2)}' is no {m.group(1)}, nor another class that fits; `dlkit list` shows them.",
    ),
)
RULES: tuple[Rule, ...] = (
    (
        r"Callable\[\[.*\], (?:\w+\.)*(\w+)\] expects a function or a callable class",
        lambda m: f"what is given makes no {m.group(1)}; give the class_path of one, `dlkit list` shows them.",
    ),
    (r"Dict must include a class_path", lambda _: "no class is chosen yet; give its class_path first."),
    (
        r"Expected an instantiatable class, but ([\w.]+) is abstract",
        lambda m: f"no {short(m.group(1))} is chosen yet; give its class_path first, `dlkit list` shows them.",
    ),
    (
        r"Config file loop detected: .* -> (\S+?)\.?$",
        lambda m: (
            f"{m.group(1)} does not hold what belongs here; a file of configs/model holds a task with its "
            f"network: `--model {m.group(1)}`."
        ),
    ),
    (
        r"the following arguments are required: (\S+)",
        lambda m: f"the setting '{m.group(1)}' is missing; it has no default.",
    ),
    (
        r"[Uu]nrecognized arguments: (\S+)|does not accept option '(\S+)'|Key '(\S+)' is not expected",
        lambda m: no_setting(next(filter(None, m.groups()))),
    ),
)


def parts(text: str) -> Iterator[str]:
    """Yield the lines that say something."""
    text = re.sub(r"usage:.*?(?=error:)", "", text, flags=re.DOTALL)
    for line in text.splitlines():
        bare = re.sub(r"^(tip:|error:)\s*", "", line.strip(" -|\t"))
        if bare and not NOISE.match(bare) and "NoneType" not in bare:
            yield bare


def read_complaint(text: str) -> Complaint:
    """Read a tree of errors."""
    found = Complaint(place=place_of(text))
    for line in parts(text):
        if re.search(r'Parser key ".+?":', line):
            continue
        if value := re.match(r"Given value: (.*)", line):
            found.value = found.value or value.group(1).partition(". Got value: ")[0]
        elif owner := re.match(r"Problem with given class_path '(.*)'", line):
            found.owner = owner.group(1)
        else:
            read_leaf(found, line)
    return found


def read_leaf(found: Complaint, line: str) -> None:
    """Take one error in."""
    if option := re.search(r"Option '(\S+)' is not accepted", line):
        owner = re.search(r"class_path='([\w.]+)'", line)
        found.said.append(no_option(option.group(1), owner.group(1) if owner else found.owner))
        return
    for pattern, words in OTHER_KIND:
        if match := re.search(pattern, line):
            found.other.append(words(match))
            return
    for pattern, words in RULES:
        if match := re.search(pattern, line):
            found.said.append(words(match))
            return
    if expected := re.match(r"Expected (?:an? |(?=<class))(.*?)(?:\. Got value: (.*))?$", line):
        found.wanted.append(kind(expected.group(1)))
        found.value = found.value or expected.group(2) or ""
    else:
        found.said.append(line[:300].rstrip(" .") + ".")


def one_sentence(text: str) -> str:
    """Return in one sentence what a parser's message says is wrong."""
    return read_complaint(text).sentence()


def in_one_line(text: str, most: int = 320) -> str:
    """Return a foreign message without line breaks, cut to a length that is read."""
    text = re.sub(r"\s+", " ", text).strip(" .!")
    return f"{text[:most].rstrip()}..." if len(text) > most else f"{text}."


def what_is_wrong(error: ValueError) -> Exception:
    """Return what to raise for an error met while configured classes are made.

    The parser wraps what a class raises: the user's :class:`InputError` and any fault of the code come out again.
    """
    chain: list[BaseException] = [error]
    while chain[-1].__cause__ is not None:
        chain.append(chain[-1].__cause__)
    mendable = [part for part in chain if isinstance(part, InputError)]
    if mendable:
        return mendable[0]
    if not isinstance(chain[-1], ValueError) and isinstance(chain[-1], Exception):
        return chain[-1]
    return InputError(one_sentence(str(error))) if "Does not validate" in str(error) else error


def mendable(error: Exception) -> str | None:
    """Return a sentence for what Lightning and PyTorch say of settings while they work; None for anything else."""
    kinds = {cls.__name__ for cls in type(error).__mro__}
    text = in_one_line(str(error), 350)
    if "MisconfigurationException" in kinds or text.startswith("Early stopping conditioned on metric"):
        return f"The settings do not work together: {text}"
    if "OutOfMemoryError" in kinds:
        return f"The memory of the device is used up; lower `data.batch_size` or the size of the network ({text})"
    if text.startswith("Expected to have finished reduction in the prior iteration"):
        return (
            "Some weights of the network got no gradient, and the other processes wait for theirs; set "
            "`trainer.strategy` to ddp_find_unused_parameters_true."
        )
    if text.startswith("Expected more than 1 value per channel when training"):
        return (
            "A training batch holds one sample, and the network shrinks it to one position, which batch normalization "
            "cannot scale; change `data.batch_size` so that no batch holds one sample, or take fewer layers."
        )
    return None

"""The house rules that a machine can hold: which room may import which, and how long things may get."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.databases import DIFFERS
from tests.servers.programs import ROOT

pytestmark = pytest.mark.once

# Each may import those after it, never back.
ROOMS = ("config", "exports", "wbs", "erp_integrations", "companies", "core")
# Inside a room likewise, where these modules (or packages) exist; forms stand beside services.
FLOORS = {"urls": 0, "views": 1, "tasks": 2, "services": 3, "forms": 3, "pages": 3, "queue": 4, "models": 5}
# Inside erp_integrations: what may be imported from where, by the layer of an adapter.
ADAPTER_LAYERS = {"adapters": 0, "http": 1, "wire": 2, "addresses": 3, "lookup": 3, "base": 4, "errors": 5}
GET_MODEL = re.compile(r"get_model\(\"(\w+)\", \"(\w+)\"\)")  # an import in disguise
LONGEST_FUNCTION, LONGEST_MODULE = 60, 500


@dataclass(frozen=True)
class Import:
    module: str  # that imports
    target: str  # what it imports, dotted
    line: int
    is_typing_only: bool = False

    def __str__(self) -> str:
        return f"{self.module} line {self.line} imports {self.target}"


def sources() -> dict[str, str]:
    """Our modules by dotted name; migrations are made by a machine."""
    paths = [path for room in ROOMS for path in (ROOT / room).rglob("*.py") if "migrations" not in path.parts]
    return {dotted(path.relative_to(ROOT)): path.read_text() for path in paths}


def dotted(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def imports(module: str, source: str) -> Iterator[Import]:
    """Every import of one of our modules, those inside functions too."""
    tree = ast.parse(source)
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        for target in targets(node):
            if target.split(".")[0] in ROOMS:
                yield Import(module, target, node.lineno, id(node) in typing_only)  # type: ignore[attr-defined]


def targets(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [name.name for name in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "we write whole names"
        return [f"{node.module}.{name.name}" for name in node.names]
    return []


def wrong_ways(sources: dict[str, str]) -> list[str]:
    found = [each for module, source in sources.items() for each in imports(module, source)]
    return [str(each) for each in found if goes_up(each) or climbs_floors(each) or leaves_the_adapter(each)]


def goes_up(each: Import) -> bool:
    """Into a room above."""
    here, there = each.module.split(".")[0], each.target.split(".")[0]
    return ROOMS.index(there) < ROOMS.index(here)


def climbs_floors(each: Import) -> bool:
    here, there = each.module.split("."), each.target.split(".")
    if here[0] != there[0] or len(there) < 2:
        return False
    lower, upper = FLOORS.get(here[1] if len(here) > 1 else ""), FLOORS.get(there[1])
    return lower is not None and upper is not None and upper < lower


def leaves_the_adapter(each: Import) -> bool:
    """`adapters/<erp> -> http -> base -> errors`, one ERP never another; no Django model below its adapter.py."""
    here, there = each.module.split("."), each.target.split(".")
    if here[0] != "erp_integrations" or len(here) < 2 or each.is_typing_only:
        return False
    if here[1] == "adapters" and len(here) > 2:
        other_erp = there[:2] == ["erp_integrations", "adapters"] and len(there) > 2 and there[2] != here[2]
        return other_erp or (here[-1] == "payload" and is_model(there))
    layer = ADAPTER_LAYERS.get(here[1])
    if layer is None or here[1] == "adapters":
        return False
    above = ADAPTER_LAYERS.get(there[1], layer) if there[0] == "erp_integrations" and len(there) > 1 else layer
    return above < layer or (here[1] in ("base", "errors") and is_model(there))


def is_model(target: list[str]) -> bool:
    return "models" in target


def test_imports_run_one_way() -> None:
    assert wrong_ways(sources()) == []


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("companies.access", "from wbs.models import SegmentItem"),
        ("wbs.models", "import exports.services"),
        ("erp_integrations.registry", "def late():\n    from exports import services"),
        ("exports.models", "from exports.services import queue_codes"),
        ("wbs.forms", "from wbs.views import tree"),
        ("exports.queue.sweep", "from exports import tasks"),
        ("erp_integrations.errors", "from erp_integrations.base import Adapter"),
        ("erp_integrations.base", "from erp_integrations.models import Connection"),
        ("erp_integrations.http", "from erp_integrations.adapters.tryton import client"),
        ("erp_integrations.adapters.tryton.payload", "from companies.models import Company"),
        ("erp_integrations.adapters.tryton.client", "from erp_integrations.adapters.practice import adapter"),
    ],
)
def test_an_import_that_goes_back_is_noticed(module: str, line: str) -> None:
    assert wrong_ways({module: line}) != []


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("exports.views", "from exports.services import queue_codes"),
        ("exports.tasks", "from exports import services"),
        ("wbs.forms", "from companies.models import Company"),
        ("erp_integrations.adapters.tryton.adapter", "from erp_integrations.http import Client"),
        ("erp_integrations.models", "from erp_integrations.base import AccountKind"),
    ],
)
def test_an_import_that_goes_on_is_let_be(module: str, line: str) -> None:
    assert wrong_ways({module: line}) == []


def circles(sources: dict[str, str]) -> list[list[str]]:
    """Modules that import each other, directly or by way of others, those that a package's face imports among them."""
    graph = {module: set(needs(module, source, sources)) for module, source in sources.items()}
    return [part for part in strongly_connected(graph) if len(part) > 1]


def needs(module: str, source: str, sources: dict[str, str]) -> Iterator[str]:
    """The modules whose code runs before this one's can: what it imports, and the packages around that."""
    for each in imports(module, source):
        if not each.is_typing_only:
            parts = each.target.split(".")
            around = [".".join(parts[:end]) for end in range(1, len(parts) + 1)]
            yield from (name for name in around if name in sources and not module.startswith(f"{name}."))
    for app, model in GET_MODEL.findall(source):
        yield from (name for name, text in sources.items() if f"class {model}(" in text and name.startswith(f"{app}."))


def strongly_connected(graph: dict[str, set[str]]) -> list[list[str]]:
    """Its groups of nodes that all reach each other."""

    def reached(start: str) -> set[str]:
        found, ahead = set[str](), [start]
        while ahead:
            for name in graph.get(ahead.pop(), set()) - found:
                found.add(name)
                ahead.append(name)
        return found

    reach = {name: reached(name) for name in graph}
    groups = {tuple(sorted({name, *(other for other in reach[name] if name in reach[other])})) for name in graph}
    return [list(group) for group in sorted(groups)]


def test_no_modules_import_each_other() -> None:
    assert circles(sources()) == []


@pytest.mark.parametrize(
    "back",
    [
        "from wbs.models.items import SegmentItem",
        "from wbs.models import SegmentItem",
        "import wbs.models",
        'Item = apps.get_model("wbs", "SegmentItem")',
    ],
)
def test_a_circle_is_noticed(back: str) -> None:
    package = {
        "wbs.models": "from wbs.models.items import SegmentItem",
        "wbs.models.items": "from wbs import rules\nclass SegmentItem(Model): ...",
    }

    assert circles({**package, "wbs.rules": back})
    assert not circles({**package, "wbs.rules": f"if TYPE_CHECKING:\n    {back}" if "get" not in back else ""})


def test_base_errors_and_payloads_import_no_django() -> None:
    pure = [name for name in sources() if name.endswith(("integrations.base", "integrations.errors", ".payload"))]

    assert len(pure) >= 2
    for name in pure:
        assert "django.db" not in sources()[name]


def test_nothing_is_named_for_no_purpose() -> None:
    names = {name.rpartition(".")[2] for name in sources()}

    assert names & {"utils", "helpers", "common", "manager", "signals"} == set()


def all_sources() -> dict[str, str]:
    tests = {dotted(path.relative_to(ROOT)): path.read_text() for path in (ROOT / "tests").rglob("*.py")}
    return sources() | tests


def test_what_runs_on_both_databases_is_there() -> None:
    assert [place for place in DIFFERS if not (ROOT / "tests" / place).exists()] == []


def test_functions_are_short() -> None:
    too_long = [
        f"{module}.{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for module, source in all_sources().items()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION
    ]

    assert too_long == []


def test_modules_are_short() -> None:
    lengths = {module: source.count("\n") for module, source in all_sources().items()}

    assert {module: length for module, length in lengths.items() if length > LONGEST_MODULE} == {}


def impatience(module: str, source: str) -> list[str]:
    """Limits of time in figures: `timeout=5`, `.wait(10)`, `.result(60)`, `.join(1)`. Below a second it is a beat."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [f"{module} line {call.lineno}: {ast.unparse(call)}" for call in calls if any(map(is_figure, limits(call)))]


def limits(call: ast.Call) -> list[ast.expr]:
    waits = isinstance(call.func, ast.Attribute) and call.func.attr in {"wait", "result", "join"}
    return [*(word.value for word in call.keywords if word.arg == "timeout"), *(call.args if waits else [])]


def is_figure(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and isinstance(value.value, int | float) and value.value >= 1


def test_no_test_has_a_patience_of_its_own() -> None:
    """A machine may be busy: what is to come is waited for as `tests/patience.py` says."""
    tests = {module: source for module, source in all_sources().items() if module.startswith("tests.")}

    assert [words for module, source in tests.items() for words in impatience(module, source)] == []


@pytest.mark.parametrize("line", ["run(timeout=5)", "barrier.wait(10)", "future.result(60.5)", "thread.join(1)"])
def test_a_patience_of_its_own_is_noticed(line: str) -> None:
    assert impatience("tests.any", line) != []

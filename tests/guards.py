"""The filters that keep companies apart, found in the source, and each function as it would be without its own."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property, reduce
from importlib import import_module
from pathlib import Path
from types import CodeType
from typing import Any

from core.statements import Rows
from tests.servers.programs import ROOT

ROOMS = ("core", "companies", "erp_integrations", "wbs", "exports")
READS = {"filter", "get", "get_object_or_404"}
SCOPES = {"company", "company__slug", "connection", "connection__slug", "connection__guid"}
RELATIONS = {  # what a company or a connection has -> the model, of which all rows are had without it
    "attempts": "exports.Attempt",
    "batches": "exports.Batch",
    "code_exports": "exports.CodeExport",
    "connections": "erp_integrations.Connection",
    "gl_accounts": "erp_integrations.GLAccount",
    "items": "wbs.SegmentItem",
    "members": "companies.Member",
    "own_codes": "wbs.OwnCode",
    "projects": "wbs.Project",
    "questions": "erp_integrations.Question",
    "remote_items": "exports.RemoteItem",
}
MANAGER = '__import__("django.apps", fromlist=["apps"]).apps.get_model({model!r}).objects'
hits: set[str] = set()  # the guarded functions that were called since it was emptied


class Unguarded(ast.NodeTransformer):
    """Drops the filters by company and connection from what it visits."""

    def __init__(self) -> None:
        self.dropped = 0

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        kept = [word for word in node.keywords if word.arg not in SCOPES] if name in READS else node.keywords
        self.dropped += len(node.keywords) - len(kept)
        node.keywords = kept
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.value, ast.Attribute) and node.value.attr in RELATIONS:
            self.dropped += 1
            node.value = ast.parse(MANAGER.format(model=RELATIONS[node.value.attr]), mode="eval").body
        return node


class Guarded:
    """A function or method that filters by company or connection."""

    def __init__(self, module: str, path: Path, qualname: str) -> None:
        self.module, self.path, self.qualname = module, path, qualname
        self.name = f"{module}.{qualname}"

    @cached_property
    def function(self) -> Any:
        found: Any = reduce(inspect.getattr_static, self.qualname.split("."), import_module(self.module))
        found = (
            getattr(found, "__func__", None) or getattr(found, "fget", None) or getattr(found, "func", None) or found
        )
        found = found.build if isinstance(found, Rows) else found
        return inspect.unwrap(found)

    def compiled(self, change: Any) -> CodeType:
        tree = ast.parse(self.path.read_text())
        change(next(node for qualname, node in functions(tree) if qualname == self.qualname))
        return _code_of(compile(ast.fix_missing_locations(tree), str(self.path), "exec"), self.qualname)

    @contextmanager
    def changed(self, change: Any) -> Iterator[None]:
        function = self.function
        before, function.__code__ = function.__code__, self.compiled(change)
        forget()
        try:
            yield
        finally:
            function.__code__ = before
            forget()

    def note(self, node: ast.FunctionDef) -> None:
        """It tells that it was called."""
        node.body.insert(0, ast.parse(f'__import__("tests.guards", fromlist=["hits"]).hits.add({self.name!r})').body[0])


def forget() -> None:
    """What our modules put together once per process is put together anew."""
    ours = [module for name, module in sys.modules.items() if name.partition(".")[0] in ROOMS]
    for found in [value for module in ours for value in vars(module).values()]:
        if isinstance(found, Rows):
            vars(found).pop("_compiled", None)
        elif hasattr(found, "cache_clear"):
            found.cache_clear()


def unguard(node: ast.FunctionDef) -> None:
    Unguarded().visit(node)


def functions(tree: ast.AST, above: str = "") -> Iterator[tuple[str, ast.FunctionDef]]:
    """Those of modules and classes, with their qualified names; what stands inside a function belongs to it."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef):
            yield f"{above}{node.name}", node
        elif isinstance(node, ast.ClassDef):
            yield from functions(node, f"{above}{node.name}.")


def guarded() -> Iterator[Guarded]:
    for path in (path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))):
        if {"migrations", "management", "adapters"} & set(path.parts):
            continue
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for qualname, node in functions(ast.parse(path.read_text())):
            change = Unguarded()
            change.visit(node)
            if change.dropped:
                yield Guarded(module, path, qualname)


def _code_of(code: CodeType, qualname: str) -> CodeType:
    inner = [each for each in code.co_consts if isinstance(each, CodeType)]
    found = [each for each in inner if each.co_qualname == qualname]
    return (
        found[0]
        if found
        else next(_code_of(each, qualname) for each in inner if qualname.startswith(f"{each.co_qualname}."))
    )

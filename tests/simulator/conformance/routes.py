"""Every v1 route of the installed library, read from the source of its `*_service.py` files."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import stripe

PACKAGE = Path(stripe.__file__).parent


@dataclass(frozen=True)
class Route:
    """A method and path with the names of the library's types, and the module in which the names mean something."""

    method: str
    path: str
    params: str
    returns: str
    module: str


@cache
def routes() -> dict[tuple[str, str], Route]:
    """Routes by method and path; names in a path are `<>`."""
    found = {}
    for file in sorted(PACKAGE.rglob("_*_service.py")):
        relative = file.relative_to(PACKAGE)
        if relative.parts[0] not in ("v2", "params", "events"):
            module = ".".join(("stripe", *relative.with_suffix("").parts))
            found |= {(each.method, each.path): each for each in _routes_of(file, module)}
    return found


def anonymous(path: str) -> str:
    """A path without the names of its placeholders: `/v1/refunds/<id>` and `/v1/refunds/{refund}` are the same."""
    return re.sub(r"<[^>]*>|\{[^}]*\}", "<>", path)


def _routes_of(file: Path, module: str) -> Iterator[Route]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and (cast := _cast(node)):
            request = cast.args[1]
            assert isinstance(request, ast.Call)
            method, path = (_text(argument) for argument in request.args[:2])
            yield Route(method.upper(), anonymous(path), _params(node), _text(cast.args[0]), module)


def _cast(function: ast.FunctionDef) -> ast.Call | None:
    """`cast("Refund", self._request("post", "/v1/refunds", …))`, the only statement of such a method."""
    last = function.body[-1]
    if isinstance(last, ast.Return) and isinstance(last.value, ast.Call) and ast.unparse(last.value.func) == "cast":
        inner = last.value.args[1]
        if isinstance(inner, ast.Call) and ast.unparse(inner.func) == "self._request":
            return last.value
    return None


def _text(node: ast.expr) -> str:
    """A string, or the template of `"…".format(…)`, or a name."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        node = node.func.value
    return str(node.value) if isinstance(node, ast.Constant) else ast.unparse(node)


def _params(function: ast.FunctionDef) -> str:
    every = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    annotation = next((each.annotation for each in every if each.arg == "params"), None)
    found = re.search(r"\w+Params", ast.unparse(annotation)) if annotation else None
    return found[0] if found else ""

"""The application's own source, as the laws look at it: modules, what they import, what they call."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOUSES = ("app", "stripe_simulator")
FREE_STANDING = ("config.py", "wsgi.py")


@dataclass(frozen=True)
class Module:
    """A source file; ``name`` is as one imports it (``app.web.mentee``)."""

    name: str
    path: Path
    text: str

    @property
    def tree(self) -> ast.Module:
        return _parsed(self.text)

    @property
    def package(self) -> str:
        """What a relative import counts from."""
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]

    def where(self, node: ast.AST) -> str:
        """For a message: the file and line of ``node``."""
        return f"{self.path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"


def modules(*prefixes: str) -> list[Module]:
    """The modules whose names are, or begin with, one of ``prefixes``; all of them without any."""
    return [module for module in _all() if not prefixes or is_within(module.name, *prefixes)]


def is_within(name: str, *prefixes: str) -> bool:
    """``app.web.mentee`` is within ``app.web``, ``app.webs`` is not."""
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)


def imports(module: Module) -> Iterator[tuple[str, ast.stmt]]:
    """What a module imports, anywhere in it, by full name: ours down to the module, others as they are written.

    What only a type checker reads is left out.
    """
    for node in _at_run_time(module.tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = _origin(module, node)
            for alias in node.names:
                whole = f"{origin}.{alias.name}"
                yield (whole if whole in _names() else origin), node


def calls(module: Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(module.tree) if isinstance(node, ast.Call))


def functions(module: Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def written(node: ast.AST) -> str:
    """The expression as one would write it: ``clock.now``."""
    return ast.unparse(node)


@cache
def _all() -> tuple[Module, ...]:
    paths = [path for house in HOUSES for path in sorted((ROOT / house).rglob("*.py"))]
    paths += [ROOT / name for name in FREE_STANDING]
    return tuple(Module(_name(path), path, path.read_text()) for path in paths)


@cache
def _names() -> frozenset[str]:
    return frozenset(module.name for module in _all())


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def _parsed(text: str) -> ast.Module:
    return ast.parse(text)


def _origin(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    base = module.package.split(".")
    base = base[: len(base) - (node.level - 1)]
    return ".".join([*base, node.module] if node.module else base)


def _at_run_time(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and written(node.test).endswith("TYPE_CHECKING"):
            for other in node.orelse:
                yield other
                yield from _at_run_time(other)
            continue
        yield node
        yield from _at_run_time(node)

"""Reads what modules import, from their source: nothing is executed, so a planted module can be judged as text."""

import ast
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Module:
    """A module by its dotted name, with its source; `is_package` for an `__init__.py`."""

    name: str
    source: str
    is_package: bool = False


@dataclass(frozen=True)
class Import:
    """One imported module; `names` are what is taken from it (empty for a plain `import`).

    `is_lazy`: it stands in a function, and happens only when that is called.
    """

    importer: str
    target: str
    line: int
    names: tuple[str, ...] = ()
    is_lazy: bool = False

    @property
    def package(self) -> str:
        """The top-level package that it belongs to."""
        return self.target.partition(".")[0]


@cache
def tree_of(module: Module) -> ast.Module:
    """The syntax tree of a module, parsed once for all questions."""
    return ast.parse(module.source)


def modules_under(root: Path, package: str) -> list[Module]:
    """Every module of a package, sorted by name."""
    modules = []
    for path in sorted((root / package).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        modules.append(Module(".".join(parts[:-1] if is_package else parts), path.read_text("utf-8"), is_package))
    return modules


def imports_of(module: Module, known: frozenset[str] = frozenset()) -> Iterator[Import]:
    """Every import wherever it stands, under TYPE_CHECKING or in a function too: an arrow of types is an arrow.

    `from package import name` is an import of `package.name` where that is one of the `known` modules. An import
    by a computed name has the target "?": nobody can check it.
    """
    for node, is_lazy in _nodes(tree_of(module)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module.name, alias.name, node.lineno, is_lazy=is_lazy)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(module, node)
            submodules = [alias.name for alias in node.names if f"{base}.{alias.name}" in known]
            names = tuple(alias.name for alias in node.names if alias.name not in submodules)
            for name in submodules:
                yield Import(module.name, f"{base}.{name}", node.lineno, is_lazy=is_lazy)
            if names:
                yield Import(module.name, base, node.lineno, names, is_lazy)
        elif isinstance(node, ast.Call) and _called(node.func) in ("import_module", "__import__"):
            literal = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
            yield Import(module.name, literal if isinstance(literal, str) else "?", node.lineno, is_lazy=is_lazy)


def _called(function: ast.expr) -> str:
    """The last part of a called name. To unparse every call takes longer than all the rest of the reading."""
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _nodes(tree: ast.AST) -> Iterator[tuple[ast.AST, bool]]:
    """Every node, and whether it stands in a function; level by level, as `ast.walk` has them."""
    waiting = deque([(tree, False)])
    while waiting:
        node, is_lazy = waiting.popleft()
        yield node, is_lazy
        is_lazy = is_lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        waiting.extend((child, is_lazy) for child in ast.iter_child_nodes(node))


def _absolute(module: Module, node: ast.ImportFrom) -> str:
    """The dotted name behind a relative import."""
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    parts = parts[: len(parts) - node.level + module.is_package]
    return ".".join([*parts, node.module] if node.module else parts)

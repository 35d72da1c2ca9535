"""No two modules of the package need each other, whatever lies between them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import grimp
import pytest

PACKAGE = "cellpose_studio"
Imports = Mapping[str, set[str]]


def imports_of(package: str) -> grimp.ImportGraph:
    """Return what imports what, also for type checking alone and within functions."""
    return grimp.build_graph(
        package, cache_dir=None, exclude_type_checking_imports=False
    )


def circles(imports: Imports) -> list[list[str]]:
    """Return sets of modules that all reach each other, each sorted (Tarjan)."""
    found: list[list[str]] = []
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []

    def visit(module: str) -> None:
        number[module] = lowest[module] = len(number)
        path.append(module)
        for other in sorted(imports[module]):
            if other not in number:
                visit(other)
            if other in path:
                lowest[module] = min(lowest[module], lowest[other])
        if lowest[module] == number[module]:
            start = path.index(module)
            circle, path[start:] = path[start:], []
            if len(circle) > 1:
                found.append(sorted(circle))

    for module in sorted(imports):
        if module not in number:
            visit(module)
    return found


def described(circle: list[str], graph: grimp.ImportGraph) -> str:
    """Return the imports that make a circle, a line each."""
    lines = [f"{len(circle)} modules import each other:"]
    for module in circle:
        for other in sorted(graph.find_modules_directly_imported_by(module)):
            if other in circle:
                details = graph.get_import_details(importer=module, imported=other)
                at = ", ".join(str(one["line_number"]) for one in details)
                lines.append(f"  {module}:{at} -> {other}")
    return "\n".join(lines)


def test_no_modules_import_each_other():
    graph = imports_of(PACKAGE)
    imports = {m: graph.find_modules_directly_imported_by(m) for m in graph.modules}
    found = circles(imports)
    text = "\n".join(described(circle, graph) for circle in found)
    print(f"{len(imports)} modules, {len(found)} circles")
    assert not found, f"\n{text}"


def test_imports_for_type_checking_and_within_functions_count(tmp_path, monkeypatch):
    package = tmp_path / "in_a_circle"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "a.py").write_text(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from in_a_circle import b\n"
    )
    (package / "b.py").write_text("def f():\n    import in_a_circle.c\n")
    (package / "c.py").write_text("import in_a_circle.a\nimport in_a_circle.d\n")
    (package / "d.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    graph = imports_of("in_a_circle")
    imports = {m: graph.find_modules_directly_imported_by(m) for m in graph.modules}
    (circle,) = circles(imports)
    assert circle == ["in_a_circle.a", "in_a_circle.b", "in_a_circle.c"]
    assert "  in_a_circle.b:2 -> in_a_circle.c" in described(circle, graph)


@pytest.mark.parametrize(
    ("imports", "expected"),
    [
        ({"a": {"b"}, "b": {"c"}, "c": set()}, []),
        ({"a": {"b"}, "b": {"a"}, "c": {"a"}}, [["a", "b"]]),
        (
            {"a": {"b"}, "b": {"a", "c"}, "c": {"d"}, "d": {"c"}},
            [["a", "b"], ["c", "d"]],
        ),
    ],
)
def test_circles_are_found(imports, expected):
    assert sorted(circles(imports)) == expected


def test_nothing_outside_the_canvas_reaches_into_napari():
    ui = Path(__file__).parents[1] / PACKAGE / "ui"
    inside = ("canvas.model", "canvas.widget.", "canvas._")
    found = [
        f"{path.relative_to(ui)}:{number}: {line.strip()}"
        for path in sorted(ui.rglob("*.py"))
        if path.relative_to(ui).parts[0] != "canvas"
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
        if any(word in line for word in inside)
    ]
    assert not found, "\n".join(found)

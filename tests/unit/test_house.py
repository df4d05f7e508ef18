"""The house: one room per concern, each says what it is for and what it may import."""

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "scripts" / "acrflow"
LAYERS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]["layers"]


def test_the_contracts_of_lint_name_every_room_once():
    rooms = [path.name for path in LIBRARY.iterdir() if path.is_dir() and path.name != "__pycache__"]
    assert sorted(LAYERS) == sorted(rooms)


@pytest.mark.parametrize("room", LAYERS)
def test_a_room_says_what_it_is_for_and_what_it_may_import(room):
    """The last line of a room's docstring names the highest room below it; pyproject.toml has the order."""
    text = ast.get_docstring(ast.parse((LIBRARY / room / "__init__.py").read_text(encoding="utf-8"))) or ""
    below = LAYERS[LAYERS.index(room) + 1 :]
    expected = f"May import the rooms from `io` up to `{below[0]}`." if below else "May import no other room."
    purpose, _, last = text.rpartition("\n\n")
    assert len(purpose) > 20, f"scripts/acrflow/{room}/__init__.py does not say what the room is for"
    assert last == expected, f'scripts/acrflow/{room}/__init__.py shall end with "{expected}"'


def test_no_room_has_modules_of_the_library_beside_it():
    assert [path.name for path in LIBRARY.glob("*.py")] == ["__init__.py"]

"""What decides a rule's result is what its program imports; comments, docstrings and formatting decide nothing."""

from modulefinder import ModuleFinder
from pathlib import Path

import pytest

from acrflow.io import code
from acrflow.io.code import LIBRARY, PROGRAMS, code_of

RULES = sorted(path.relative_to(PROGRAMS).as_posix() for path in PROGRAMS.glob("*/*.py") if path.parent != LIBRARY)


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small library of its own, with a program."""
    files = {
        "acrflow/io/__init__.py": "",
        "acrflow/io/files.py": "X = 1\n",
        "acrflow/stats/__init__.py": '"""Statistics."""\n',
        "acrflow/stats/mean.py": "from acrflow.io import files\n\ndef mean(values):\n    return sum(values)\n",
        "acrflow/stats/spread.py": "from acrflow.stats.mean import mean\n",
        "acrflow/stats/other.py": "Y = 2\n",
        "acrflow/stats/by_name.py": "Z = 3\n",
        "room/program.py": "def main():\n    from acrflow.stats.spread import mean\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(code, "PROGRAMS", tmp_path)
    monkeypatch.setattr(code, "LIBRARY", tmp_path / "acrflow")
    code._read.cache_clear()
    yield tmp_path
    code._read.cache_clear()


def names(*files: str, **options: tuple[str, ...]) -> list[str]:
    return [entry.split(":")[0] for entry in code_of(*files, **options)]


def after(path: Path, text: str) -> list[str]:
    path.write_text(text)
    code._read.cache_clear()
    return code_of("room/program.py")


def test_lazy_and_indirect_imports_are_found_and_nothing_else(scripts: Path) -> None:
    assert names("room/program.py") == ["room/program.py", "stats.mean", "stats.spread"]
    assert names("room/program.py", aside=("stats.mean",)) == ["room/program.py", "stats.spread"]
    assert names("room/program.py", "acrflow/stats/other.py") == [
        *("room/program.py", "stats.mean", "stats.other", "stats.spread")
    ]


def test_a_module_loaded_by_its_name_is_found_by_it(scripts: Path) -> None:
    assert "stats.by_name:" in str(after(scripts / "acrflow/stats/mean.py", 'MADE = {"a": "acrflow.stats.by_name"}\n'))


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("# said\nfrom acrflow.io import files\ndef mean(values):\n    return sum( values )\n", True),
        (
            '"""The mean."""\nfrom acrflow.io import files\ndef mean(values):\n    """It."""\n    return sum(values)\n',
            True,
        ),
        ("from acrflow.io import files\ndef mean(values):\n    return sum(values) / 2\n", False),
        ("from acrflow.io import files\ndef mean(values=()):\n    return sum(values)\n", False),
        ('from acrflow.io import files\ndef mean(values):\n    return "text"\n', False),
    ],
)
def test_only_code_changes_a_digest(scripts: Path, text: str, same: bool) -> None:
    before = code_of("room/program.py")
    assert (after(scripts / "acrflow/stats/mean.py", text) == before) == same


def test_a_room_that_decides_nothing_changes_nothing(scripts: Path) -> None:
    before = code_of("room/program.py")
    assert after(scripts / "acrflow/io/files.py", "X = 2\n") == before


def test_all_programs_are_looked_at() -> None:
    assert len(RULES) > 25


@pytest.mark.parametrize("program", RULES)
def test_every_module_that_python_itself_finds_is_declared(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against the standard library's finder, which reads the compiled code, functions included."""
    monkeypatch.setattr(code, "ASIDE", ())
    finder = ModuleFinder(path=[str(PROGRAMS)])
    finder.run_script(str(PROGRAMS / program))
    found = {name.removeprefix("acrflow."): one.__file__ for name, one in finder.modules.items() if "acrflow." in name}
    holding_code = {name for name, file in found.items() if code._read(Path(file))[0]}
    assert holding_code and holding_code <= set(names(program))


def test_a_training_depends_on_what_decides_weights_and_on_nothing_else() -> None:
    trained = set(names("adapters/train_adapter.py", aside=(*code.ASIDE_IN_TRAINING, *code.OF_REWARDS)))
    assert {"training.grpo", "training.sft", "training.measured", "models.tokenizer", "rewards"} <= trained
    rooms = {name.split(".")[0] for name in trained}
    assert not rooms & {"schemas", "report", "cluster", "config", "io", "evaluation", "inference"}
    assert not [name for name in trained if name.split(".")[-1] in ("callbacks", "crash", "checkpoints", "log")]


def test_a_download_depends_on_no_hyperparameter() -> None:
    for program in ("guidelines/download_documents.py", "evidence/fetch_records.py"):
        assert not [name for name in names(program) if name.startswith(("config", "training", "models"))]

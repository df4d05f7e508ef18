"""A rule's declared library is what its program imports."""

from pathlib import Path

from acrflow.workflow.code import LIBRARY, imported_modules

ROOT = Path(__file__).resolve().parents[2]


def names(program: Path) -> set[str]:
    return {path.relative_to(LIBRARY).as_posix() for path in imported_modules(program)}


def test_direct_lazy_and_indirect_imports_are_found(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("def main():\n    from acrflow.guideline.model import read_guideline\n")
    assert names(program) == {
        *("__init__.py", "io/__init__.py", "io/errors.py", "io/files.py"),
        *("guideline/__init__.py", "guideline/model.py"),
    }


def test_a_module_that_is_not_imported_is_not_declared():
    assert "evaluation/metrics.py" not in names(ROOT / "scripts/guidelines/parse_guideline.py")


def test_every_loaded_module_is_declared():
    """Run a program's imports for real and compare: what Python loads must be what the rule declares."""
    import subprocess
    import sys

    for program in ("evidence/condense_abstracts", "guidelines/parse_guideline"):
        code = (
            f"import runpy, sys; runpy.run_path('scripts/{program}.py'); "
            "print(*[m.__file__ for n, m in sys.modules.items() if n.split('.')[0] == 'acrflow'])"
        )
        loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
        loaded_names = {Path(path).resolve().relative_to(LIBRARY).as_posix() for path in loaded.stdout.split()}
        assert loaded_names <= names(ROOT / f"scripts/{program}.py")

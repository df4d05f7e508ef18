"""Where the program of a rule lies (scripts/<rule file>/<rule>.py), and how long a test waits for it."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HANGING = 600.0  # seconds after which a test gives up: more than ten times what a quiet machine needs


def program(name: str) -> Path:
    """The program's file, found by its name without folder and ending."""
    (path,) = [
        path for path in (ROOT / "scripts").glob(f"**/{name.removesuffix('.py')}.py") if "acrflow" not in path.parts
    ]
    return path

"""The house stays small: the limits that keep its files readable."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("pattern", "limit"),
    [("Snakefile", 80), ("rules/*.smk", 251), ("scripts/*.py", 401), ("scripts/acrflow/**/*.py", 401)],
)
def test_no_file_outgrows_its_room(pattern, limit):
    files = list(ROOT.glob(pattern))
    assert files
    too_long = {path.name: lines for path in files if (lines := len(path.read_text().splitlines())) >= limit}
    assert too_long == {}

"""What all tests share: the library on the path, and real data where the machine has it."""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests")]
os.environ["PYTHONPATH"] = str(ROOT / "scripts")  # for the programs that tests start


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real documents and records, kept beside the project and never inside it."""
    folder = Path(os.environ.get("ACRFLOW_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder} (set ACRFLOW_SHARED_DATA)")
    return folder

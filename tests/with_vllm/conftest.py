"""The tiny base and the examples of the unit tests, and what they share."""

import importlib.util
import sys
from pathlib import Path

UNIT = Path(__file__).resolve().parents[1] / "unit"
sys.path.insert(0, str(UNIT))

spec = importlib.util.spec_from_file_location("conftest_of_unit", UNIT / "conftest.py")
assert spec is not None and spec.loader is not None
shared = importlib.util.module_from_spec(spec)
spec.loader.exec_module(shared)
prompts, corpus, tiny_base, examples = shared.prompts, shared.corpus, shared.tiny_base, shared.examples

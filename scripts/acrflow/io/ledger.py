"""The ledger of a step: how much came in, how much went out, and what was left out for which reason."""

from collections import Counter
from pathlib import Path
from typing import Any

from acrflow.io.files import write_json

EXAMPLES = 20  # items named per reason; the counts are always complete


class Ledger:
    """Counts of one step, written as JSON next to the step's output and shown in the report.

    Args:
        step: the rule's name, for instance "condense_abstracts".
        unit: what is counted, in the plural, for instance "abstracts".
    """

    def __init__(self, step: str, unit: str):
        self.step, self.unit = step, unit
        self.taken = 0
        self.kept = 0
        self._left_out: Counter[str] = Counter()
        self._examples: dict[str, list[str]] = {}
        self.facts: dict[str, Any] = {}

    def leave_out(self, reason: str, item: str, count: int = 1) -> None:
        """Count what the step leaves out; `item` names it (topic, row, PMID) for the reader."""
        self._left_out[reason] += count
        named = self._examples.setdefault(reason, [])
        if len(named) < EXAMPLES:
            named.append(item)

    def as_dict(self) -> dict[str, Any]:
        """The ledger as plain values: step, unit, taken, kept, left_out {reason: {count, examples}}, facts."""
        return {
            "step": self.step,
            "unit": self.unit,
            "taken": self.taken,
            "kept": self.kept,
            "left_out": {
                reason: {"count": count, "examples": self._examples[reason]}
                for reason, count in sorted(self._left_out.items())
            },
            "facts": self.facts,
        }

    def write(self, path: Path) -> None:
        """Write the ledger and print it as one line."""
        write_json(path, self.as_dict())
        reasons = "".join(f", {count} {reason}" for reason, count in sorted(self._left_out.items()))
        print(f"{self.step}: {self.taken} {self.unit} in, {self.kept} kept{reasons}")

"""Appropriateness: how well an imaging procedure suits a clinical scenario, in the words of a panel of experts.

Holds the three labels, every spelling of them that guidelines and models use, and what the panel's votes mean.
"""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from acrflow.tasks.task import Column, Task

if TYPE_CHECKING:
    import polars as pl

UNA = "Usually Not Appropriate"
MBA = "May Be Appropriate"
UA = "Usually Appropriate"
DISAGREEMENT = "May Be Appropriate (Disagreement)"

LABELS = (UNA, MBA, UA)  # ordered from least to most appropriate, the order of the published confusion matrices
CATEGORIES = (*LABELS, DISAGREEMENT)  # what a guideline may print

_ABBREVIATIONS = {"una": UNA, "mba": MBA, "ua": UA}
_SPELLINGS = {re.sub(r"[^a-z]", "", name.lower()): name for name in CATEGORIES}


def parse_category(text: str) -> str | None:
    """The category that `text` spells out, whatever its case, spacing and punctuation; None if it spells none.

    Only the whole text counts: "Usually appropriate." is a category, "not usually appropriate at all" is none.
    """
    letters = re.sub(r"[^a-z]", "", text.lower())
    return _SPELLINGS.get(letters) or _ABBREVIATIONS.get(letters)


class Appropriateness(Task):
    """One row per condition x variant x procedure, rated by a panel."""

    name = "appropriateness"
    purpose = "judge whether an imaging procedure suits a clinical scenario"
    labels = LABELS
    short = ("una", "mba", "ua")
    fields = ("condition", "variant", "procedure")
    gold = "appropriateness"
    scenario = "variant"
    heading = "condition"
    ordered = True
    unsafe = (("unsafe_up", UNA, UA), ("unsafe_down", UA, UNA))
    votes = "votes"

    def columns(self) -> dict[str, Column]:
        return {
            "condition": Column(),
            "variant_number": Column("integer"),
            "variant": Column(),
            "procedure": Column(),
            "appropriateness": Column(),
            "rating": Column("integer", nullable=True),
            "votes": Column("integers", nullable=True),  # how many panelists rated 1 ... 9
            "soft_label": Column("numbers", nullable=True),  # share of the panel that voted for each of `LABELS`
            "label_entropy": Column("number", nullable=True),  # of the soft label, in bits: 0 where all are of one mind
            "strength_of_evidence": Column(nullable=True),
        }

    def make_rows(self, rows: "pl.DataFrame") -> "pl.DataFrame":
        return rows

    def parse_label(self, text: str) -> str | None:
        """One of `LABELS`; None for anything else, Disagreement included."""
        category = parse_category(text)
        return category if category in LABELS else None

    def row_name(self, row: Mapping[str, Any]) -> str:
        return f"{row['topic']}: variant {row['variant_number']}, {row['procedure']}"

    def vote_counts(self, votes: Sequence[int] | None) -> tuple[int, ...]:
        """Ratings of 1 to 3 are votes for `UNA`, 4 to 6 for `MBA`, 7 to 9 for `UA`."""
        return (sum(votes[:3]), sum(votes[3:6]), sum(votes[6:])) if votes is not None else (0, 0, 0)


TASK = Appropriateness()

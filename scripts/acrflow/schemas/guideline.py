# mypy: disable-error-code="valid-type"
# (pandera reads `pl.List(pl.Int64)` as a column type, which mypy takes for a call in an annotation)
"""Tables of the room `guideline`."""

import hashlib

import pandera.polars as pa
import polars as pl

from acrflow.schemas import Table
from acrflow.tasks.appropriateness import CATEGORIES

VOTE_COUNTS = 9  # votes[i] is the number of panelists who rated i + 1


JOINS = ("exact", "family", "synonym", "none")


class Guidelines(Table):
    """All topics: one row per condition x variant x procedure, in the appendix's order."""

    id: str = pa.Field(unique=True)
    topic: str  # the topic's folder name
    condition: str  # the guideline's title
    revision: str = pa.Field(nullable=True)  # the narrative's word: "New", "Revised"
    year: int = pa.Field(nullable=True)
    variant_number: int = pa.Field(ge=1)
    variant: str
    procedure: str
    appropriateness: str = pa.Field(isin=CATEGORIES)
    rating: int = pa.Field(ge=1, le=9, nullable=True)
    median: float = pa.Field(ge=1, le=9, nullable=True)
    votes: pl.List(pl.Int64) = pa.Field(nullable=True)  # nine counts
    strength_of_evidence: str = pa.Field(nullable=True)
    adult_rrl: str = pa.Field(nullable=True)  # relative radiation level as printed
    pediatric_rrl: str = pa.Field(nullable=True)
    references: pl.List(pl.Int64)  # reference numbers, in the appendix's order
    narrative_procedure: str = pa.Field(nullable=True)  # as the narrative's rating table, the second witness, prints it
    narrative_category: str = pa.Field(nullable=True)
    reasoning: str = pa.Field(nullable=True)  # the narrative's text on the procedure family; None where it has none
    heading: str = pa.Field(nullable=True)  # the narrative heading that the reasoning stands under
    join: str = pa.Field(isin=JOINS)
    join_score: float = pa.Field(ge=0, le=1)


class Studies(Table):
    """The evidence tables: one row per topic x reference number, null where the table prints nothing."""

    topic: str
    number: int
    citation: str
    study_type: str = pa.Field(nullable=True)
    patients: str = pa.Field(nullable=True)  # or events
    objective: str = pa.Field(nullable=True)
    results: str = pa.Field(nullable=True)
    study_quality: str = pa.Field(nullable=True)


def row_id(topic: str, variant: str, procedure: str) -> str:
    """Stable id of a row: 16 hex digits of the SHA-256 of its key; independent of every other row."""
    key = "\x1f".join((topic, variant, procedure))
    return hashlib.sha256(key.encode()).hexdigest()[:16]

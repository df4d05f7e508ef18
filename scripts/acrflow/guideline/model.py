"""A parsed guideline topic, as `guidelines/{topic}.json` holds it."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from acrflow.io.errors import InputError
from acrflow.io.files import write_text


class Part(BaseModel):
    """A part of a parsed guideline; an unknown field is an error."""

    model_config = ConfigDict(extra="forbid")


class RowReference(Part):
    """A reference cited for a row.

    Attributes:
        number: its number in the narrative's bibliography.
        printed: what the appendix prints in brackets after the number, None if nothing.
        pmid: the PMID, 1 to 8 digits; None where `printed` is no plausible PMID (a negative number, text, nothing).
        study_quality: "1" (best) to "4" (weakest), "Good", "Inadequate"; None where the appendix has none.
    """

    number: int
    printed: str | None
    pmid: int | None
    study_quality: str | None


class Row(Part):
    """One procedure of one variant: the appendix's figures and the narrative's words.

    Attributes:
        category: one of `labels.CATEGORIES`, as the appendix has it.
        votes: nine counts (ratings 1 to 9), None where the appendix has none.
        narrative_category: the category that the narrative's rating table prints, None where it lacks the row.
        reasoning: text under the narrative heading that covers this row, paragraphs separated by a blank line.
        join, join_score: how that heading was found ("exact", "family", "synonym", "none") and how surely, 0 to 1.
    """

    procedure: str
    category: str
    strength_of_evidence: str | None
    adult_rrl: str | None
    pediatric_rrl: str | None
    rating: int | None
    median: float | None
    votes: list[int] | None
    references: list[RowReference]
    narrative_procedure: str | None
    narrative_category: str | None
    reasoning: str | None
    heading: str | None
    join: Literal["exact", "family", "synonym", "none"]
    join_score: float


class Variant(Part):
    """A clinical scenario: its number, its text, its rows."""

    number: int
    text: str
    introduction: str | None  # narrative text on the variant before its first procedure heading
    rows: list[Row]


class BibliographyEntry(Part):
    """An entry of the narrative's list of references."""

    number: int
    citation: str


class Study(Part):
    """An entry of the evidence table; None where the table prints nothing or "N/A".

    Attributes:
        number: of the reference in the narrative's bibliography.
        study_type: for instance "Observational-Dx".
        patients: patients, or events.
        study_quality: as in `RowReference`.
    """

    number: int
    citation: str
    study_type: str | None
    patients: str | None
    objective: str | None
    results: str | None
    study_quality: str | None


class Guideline(Part):
    """One topic.

    Attributes:
        revision, year: the narrative's own word, for instance "New" or "Revised", with its year.
        studies: the evidence table, empty where the topic has none.
    """

    topic: str
    title: str
    revision: str | None
    year: int | None
    variants: list[Variant]
    bibliography: list[BibliographyEntry]
    studies: list[Study] = []


def write_guideline(guideline: Guideline, path: Path) -> None:
    """Write a topic as JSON, whole."""
    write_text(path, guideline.model_dump_json(indent=2) + "\n")


def read_guideline(path: Path) -> Guideline:
    """Read a topic.

    Raises:
        InputError: the file is missing or is no parsed guideline.
    """
    try:
        return Guideline.model_validate_json(Path(path).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValidationError) as error:
        raise InputError(path, f"not a parsed guideline: {error}", "run parse_guideline for this topic") from error

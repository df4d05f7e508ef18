"""What a publisher's documents say, each on its own, before `qa` brings them together.

The ratings are the first witness (the ACR prints them in the appendix), the narrative is the second. Categories are
those of the task, PMIDs and grades are read (`text.citations.pmid_of`, `study_quality`); places are as a message names
them: "page 3, line 7", "line 12".
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

from acrflow.guideline.model import BibliographyEntry, RowReference, Study


@dataclass
class RatedRow:
    """A rated procedure as printed, with the place it starts at; the fields are those of `model.Row`."""

    place: str
    procedure: str
    category: str
    strength_of_evidence: str | None = None
    adult_rrl: str | None = None
    pediatric_rrl: str | None = None
    rating: int | None = None
    median: float | None = None
    votes: list[int] | None = None
    references: list[RowReference] = field(default_factory=list)


@dataclass
class RatedVariant:
    """A variant's heading, the place it stands at, and its rows."""

    place: str
    number: int
    text: str
    rows: list[RatedRow] = field(default_factory=list)


@dataclass
class Ratings:
    """The rated rows.

    Attributes:
        path, place: of the title, for messages.
        unused: characters of no known part (title, key, page headers excepted).
    """

    path: Path
    place: str
    title: str
    variants: list[RatedVariant]
    unused: int = 0


@dataclass
class TableRow:
    """A row of the narrative's own rating table, with the place it starts at."""

    place: str
    procedure: str
    category: str
    radiation: str | None = None


@dataclass
class Section:
    """The text under a procedure heading; `heading` without its letter, paragraphs separated by a blank line."""

    heading: str
    text: str


@dataclass
class NarrativeVariant:
    """What the narrative says on a variant; `place` is where its rating table or discussion begins."""

    number: int
    text: str
    place: str = ""
    rows: list[TableRow] = field(default_factory=list)
    introduction: str | None = None
    sections: list[Section] = field(default_factory=list)


@dataclass
class Narrative:
    """The words.

    Attributes:
        path, place: of the title, for messages.
        variants: by number; a variant's text may be empty where the document does not repeat it.
        unused: the characters under each heading that is not part of the model.
    """

    path: Path
    place: str
    title: str
    revision: str | None = None
    year: int | None = None
    variants: dict[int, NarrativeVariant] = field(default_factory=dict)
    bibliography: list[BibliographyEntry] = field(default_factory=list)
    unused: dict[str, int] = field(default_factory=dict)


@dataclass
class Witnesses:
    """All that is said of a topic; None where there is no narrative, no evidence table."""

    ratings: Ratings
    narrative: Narrative | None = None
    studies: list[Study] | None = None


def canonical(text: str) -> str:
    """Letters and digits only, in lower case: what two printings of one text have in common."""
    return re.sub(r"[^a-z0-9]", "", text.lower())

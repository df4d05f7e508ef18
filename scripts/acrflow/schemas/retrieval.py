# mypy: disable-error-code="valid-type"
# (pandera reads `pl.List(pl.Int64)` as a column type, which mypy takes for a call in an annotation)
"""Tables of the room `retrieval`."""

import pandera.polars as pa
import polars as pl

from acrflow.schemas import Table


class Queries(Table):
    """Everything that was asked of PubMed about a condition, one query a row."""

    topic: str
    condition: str
    procedure: str = pa.Field(nullable=True)  # None: imaging in general
    template: str
    text: str  # the question in words
    query: str = pa.Field(nullable=True)  # as sent, filters included; None where it is no Boolean query
    repaired: bool  # the rewriter's query was broken
    translation: str = pa.Field(nullable=True)  # as PubMed understood it
    hits: int = pa.Field(ge=0)
    status: str  # "found", or why not


class Found(Table):
    """The studies that the queries found: one row per topic x PMID."""

    topic: str
    pmid: int
    rank: int = pa.Field(ge=1)  # the best one it had in any query
    templates: pl.List(pl.String)  # that found it
    cited: bool  # by the topic's own guideline
    hidden: bool  # and therefore no evidence here


class Grades(Table):
    """What the grader says of each study with a record: ACR's direction, 1 is best."""

    pmid: int = pa.Field(unique=True)
    grade: str  # the likeliest: "1" ... "4", or of a meta-analysis "Good" or "Inadequate"
    chance_of_strong: float = pa.Field(ge=0, le=1)  # of grade 1 or 2
    strong: bool  # above the grader's threshold
    mean_rank: float = pa.Field(ge=1, le=4)  # expected grade, "Good" as 1.5 and "Inadequate" as 4
    without_abstract: bool


class Assigned(Table):
    """Which retrieved studies each row gets as evidence and why, in the order of the prompt."""

    id: str  # the row's id
    number: int = pa.Field(ge=1)  # the study's in the row's prompt, 1 for the best
    pmid: int
    procedure_named: bool  # title, abstract or MeSH name the row's kind of procedure
    condition_named: str = pa.Field(nullable=True)  # the name of the condition that it has
    likeness: float  # of scenario and procedure to title and findings, -1 to 1
    grade: str = pa.Field(nullable=True)  # as `Grades`; None: not graded
    chance_of_strong: float = pa.Field(nullable=True)
    tokens: int = pa.Field(ge=0)  # of its line in a prompt


class Judgement(Table):
    """The studies retrieved against the guidelines' own references: one figure a row, of a condition or over all."""

    topic: str = pa.Field(nullable=True)  # None: over all conditions
    metric: str
    among: str = pa.Field(nullable=True)  # which references, or the split whose rows
    k: int = pa.Field(nullable=True, ge=1)  # of the first k studies found; None: of all
    value: float = pa.Field(nullable=True)  # part / whole; None where there is nothing to judge
    part: float
    whole: int = pa.Field(ge=0)
    low: float = pa.Field(nullable=True)  # 95 % bootstrap interval over conditions
    high: float = pa.Field(nullable=True)

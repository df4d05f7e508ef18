# mypy: disable-error-code="valid-type"
# (pandera reads `pl.List(pl.Int64)` as a column type, which mypy takes for a call in an annotation)
"""Tables of the room `dataset`."""

import pandera.polars as pa
import polars as pl

from acrflow.schemas import Table
from acrflow.tasks.appropriateness import LABELS

EVIDENCE = pl.Struct({"number": pl.Int64, "pmid": pl.Int64, "text": pl.String})


MESSAGE = pl.Struct({"role": pl.String, "content": pl.String})


class Traces(Table):
    """The reasoning of a row as one-fact sentences, in the document's order."""

    id: str  # the row's id
    position: int = pa.Field(ge=0)
    trace: str
    citations: pl.List(pl.Int64)


class Rows(Table):
    """A split of the dataset: labelled rows with gold traces and selected evidence."""

    id: str = pa.Field(unique=True)
    topic: str
    condition: str
    variant_number: int
    variant: str
    procedure: str
    appropriateness: str = pa.Field(isin=LABELS)
    rating: int = pa.Field(nullable=True)
    votes: pl.List(pl.Int64) = pa.Field(nullable=True)
    soft_label: pl.List(pl.Float64) = pa.Field(nullable=True)  # share of the panel that voted for each of `LABELS`
    label_entropy: float = pa.Field(nullable=True, ge=0)  # of the soft label, in bits: 0 where the panel is of one mind
    strength_of_evidence: str = pa.Field(nullable=True)
    traces: pl.List(pl.String)  # gold reasoning, each sentence with its [n]
    evidence: pl.List(EVIDENCE)  # condensed abstracts that fit the token budget, in ACR's order
    evidence_left_out: pl.List(pl.Int64)  # reference numbers that did not fit


class Examples(Table):
    """Rendered prompts of a split, with the gold columns that the rewards need."""

    id: str = pa.Field(unique=True)
    messages: pl.List(MESSAGE)  # system, user
    completion: str  # the gold completion: what SFT trains on
    appropriateness: str = pa.Field(isin=LABELS)
    traces: pl.List(pl.String)
    references: pl.List(pl.Int64)  # reference numbers shown in the prompt
    votes: pl.List(pl.Int64) = pa.Field(nullable=True)
    prompt_tokens: int
    prompt_hash: str

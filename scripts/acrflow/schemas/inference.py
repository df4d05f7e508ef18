# mypy: disable-error-code="valid-type"
# (pandera reads `pl.List(pl.Int64)` as a column type, which mypy takes for a call in an annotation)
"""Tables of the room `inference`."""

import pandera.polars as pa
import polars as pl

from acrflow.schemas import Table


class Predictions(Table):
    """One model's completions on one split."""

    id: str = pa.Field(unique=True)
    model: str  # an adapter, "base" or a baseline
    split: str
    draw: str  # "greedy" or the sampling seed
    completion: str  # as generated; a baseline writes its answer block
    label: str = pa.Field(nullable=True)  # one of the task's; None: the answer does not parse
    reasoning: str = pa.Field(nullable=True)
    well_formed: bool
    tokens: int = pa.Field(ge=0)  # generated tokens
    truncated: bool  # generation stopped at its length limit
    seconds: float = pa.Field(ge=0)  # share of its batch's wall time
    prompt_hash: str = pa.Field(nullable=True)
    probabilities: pl.List(pl.Float64) = pa.Field(nullable=True)  # of the task's labels at the answer; None: not known

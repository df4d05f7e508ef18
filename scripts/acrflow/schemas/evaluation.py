# mypy: disable-error-code="valid-type"
# (pandera reads `pl.List(pl.Int64)` as a column type, which mypy takes for a call in an annotation)
"""Tables of the room `evaluation`."""

from typing import get_args

import pandera.polars as pa

from acrflow.config.roster import Kind
from acrflow.schemas import Table

KINDS: tuple[str, ...] = get_args(Kind)  # of models, in the order of every table


class SplitFigures(Table):
    """The baselines on every way of splitting, one figure a row."""

    split_by: str = pa.Field(isin=("row", "variant", "topic"))
    split: str  # test or generalization
    model: str
    metric: str
    value: float = pa.Field(nullable=True)
    low: float = pa.Field(nullable=True)  # 95 % bootstrap interval over rows
    high: float = pa.Field(nullable=True)
    train_rows: int
    rows: int


class ReasoningScores(Table):
    """How good one model's reasoning is, row by row; None: the figure does not apply to the row."""

    id: str
    model: str
    split: str
    alignment: float = pa.Field(nullable=True)  # mean over gold traces of the best cosine; None without gold traces
    entity_precision: float = pa.Field(nullable=True)
    entity_recall: float = pa.Field(nullable=True)
    entity_f1: float = pa.Field(nullable=True)  # None without entities in the gold traces
    judge: float = pa.Field(nullable=True)  # 0 to 1; None: no gold traces, or an answer that is no score
    citation_precision: float = pa.Field(nullable=True)  # None where the model cites nothing
    citation_recall: float = pa.Field(nullable=True)  # None where the gold traces cite nothing
    unsupported_numbers: int = pa.Field(ge=0, nullable=True)  # numbers that neither prompt nor gold holds


class Comparison(Table):
    """Every model on every split, one figure a row."""

    model: str
    kind: str = pa.Field(isin=KINDS)
    split: str
    metric: str
    value: float = pa.Field(nullable=True)
    low: float = pa.Field(nullable=True)  # 95 % bootstrap interval over rows
    high: float = pa.Field(nullable=True)
    topic_low: float = pa.Field(nullable=True)  # the same over topics
    topic_high: float = pa.Field(nullable=True)
    draws: int = pa.Field(ge=0)  # sampled runs beside the greedy one
    draws_mean: float = pa.Field(nullable=True)
    draws_sd: float = pa.Field(nullable=True)
    seeds: int = pa.Field(ge=0)  # trainings of the adapter, this one and those of its further seeds
    seeds_mean: float = pa.Field(nullable=True)
    seeds_sd: float = pa.Field(nullable=True)
    published: float = pa.Field(nullable=True)  # what the paper prints, in our unit, if the model is its system
    rows: int


class Pairs(Table):
    """Every pair of models on every split: which rows only one has right, and by how much their figures differ."""

    split: str
    model_a: str
    model_b: str
    rows: int
    both_right: int
    only_a_right: int
    only_b_right: int
    both_wrong: int
    p: float = pa.Field(ge=0, le=1)  # exact McNemar test, two-sided
    p_holm: float = pa.Field(ge=0, le=1)  # corrected within the split
    macro_f1: float  # A - B, a share; its 95 % paired bootstrap interval over rows, and over topics
    macro_f1_low: float
    macro_f1_high: float
    macro_f1_topic_low: float = pa.Field(nullable=True)
    macro_f1_topic_high: float = pa.Field(nullable=True)
    weighted_f1: float
    weighted_f1_low: float
    weighted_f1_high: float
    weighted_f1_topic_low: float = pa.Field(nullable=True)
    weighted_f1_topic_high: float = pa.Field(nullable=True)


class EvidenceEffects(Table):
    """What other evidence does to an adapter: one row per split x adapter x evidence, its own evidence among them."""

    split: str
    model: str
    evidence: str = pa.Field(isin=("none", "acr", "retrieved"))
    own: bool  # what it was trained with, and what the changes are measured from
    rows: int
    shown: int  # rows whose prompt holds a study
    unparsed: float = pa.Field(ge=0, le=1)
    macro_f1: float = pa.Field(nullable=True)  # a share, with 95 % bootstrap intervals over rows and over topics
    macro_f1_low: float = pa.Field(nullable=True)
    macro_f1_high: float = pa.Field(nullable=True)
    macro_f1_published: float = pa.Field(nullable=True)
    macro_f1_change: float = pa.Field(nullable=True)  # from its own evidence, drawn in pairs
    macro_f1_change_low: float = pa.Field(nullable=True)
    macro_f1_change_high: float = pa.Field(nullable=True)
    macro_f1_change_topic_low: float = pa.Field(nullable=True)
    macro_f1_change_topic_high: float = pa.Field(nullable=True)
    weighted_f1: float = pa.Field(nullable=True)
    weighted_f1_low: float = pa.Field(nullable=True)
    weighted_f1_high: float = pa.Field(nullable=True)
    weighted_f1_published: float = pa.Field(nullable=True)
    weighted_f1_change: float = pa.Field(nullable=True)
    weighted_f1_change_low: float = pa.Field(nullable=True)
    weighted_f1_change_high: float = pa.Field(nullable=True)
    p: float = pa.Field(ge=0, le=1)  # exact McNemar test against its own evidence, two-sided

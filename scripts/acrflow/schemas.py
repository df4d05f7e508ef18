# mypy: disable-error-code="valid-type"
# (pandera reads `pl.List(pl.Int64)` as a column type, which mypy takes for a call in an annotation)
"""Every table of the workflow, declared once, checked where it is written and where it is read.

Columns carry the field's terms. Keys: a *row* is one condition x variant x procedure and has the `id` that
`row_id` gives; a reference is (topic, number); a study is a pmid.
"""

import hashlib
from pathlib import Path

import pandera.polars as pa
import polars as pl

from acrflow.errors import InputError
from acrflow.files import whole
from acrflow.labels import CATEGORIES, LABELS

KINDS = ("adapter", "reference", "base", "cheap baseline", "ceiling")  # of models, in the order of every table
VOTE_COUNTS = 9  # votes[i] is the number of panelists who rated i + 1
REFERENCE_STATUS = ("given", "matched", "ambiguous", "not_found", "not_a_pmid")
JOINS = ("exact", "family", "synonym", "none")

SECTION = pl.Struct({"label": pl.String, "category": pl.String, "text": pl.String})
OTHER_ABSTRACT = pl.Struct({"language": pl.String, "type": pl.String, "sections": pl.List(SECTION)})
EVIDENCE = pl.Struct({"number": pl.Int64, "pmid": pl.Int64, "text": pl.String})
REWARD = pl.Struct({"reward": pl.String, "value": pl.Float64})
MESSAGE = pl.Struct({"role": pl.String, "content": pl.String})


class Table(pa.DataFrameModel):
    """What all tables share: exactly the declared columns, with exactly the declared types."""

    class Config:
        strict = True


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


class Pmids(Table):
    """Every cited reference: one row per topic x reference number."""

    topic: str
    number: int
    pmid: int = pa.Field(nullable=True, gt=0)
    status: str = pa.Field(isin=REFERENCE_STATUS)
    printed: str = pa.Field(nullable=True)  # what the appendix prints in brackets
    study_quality: str = pa.Field(nullable=True)  # "1" (best) ... "4" (weakest), "Good", "Inadequate"
    citation: str = pa.Field(nullable=True)  # the narrative's bibliography entry


class Records(Table):
    """One row per requested PMID; `status` says whether PubMed (or the snapshot) had it."""

    pmid: int = pa.Field(unique=True)
    status: str = pa.Field(isin=("received", "absent"))
    title: str = pa.Field(nullable=True)
    journal: str = pa.Field(nullable=True)
    year: int = pa.Field(nullable=True)
    publication_types: pl.List(pl.String)
    languages: pl.List(pl.String)
    mesh: pl.List(pl.String)
    retracted: bool
    notices: pl.List(pl.String)  # PubMed's names for retractions, errata and expressions of concern
    sections: pl.List(SECTION)  # the abstract: label and NlmCategory may be null
    other_abstracts: pl.List(OTHER_ABSTRACT)  # in other languages or by other hands


class Condensed(Table):
    """One row per requested PMID: what was found, in the abstract's own sentences or as a model put it."""

    pmid: int = pa.Field(unique=True)
    title: str = pa.Field(nullable=True)
    year: int = pa.Field(nullable=True)
    text: str = pa.Field(nullable=True)  # None where `dropped` says why
    words_before: int = pa.Field(ge=0)
    words_after: int = pa.Field(ge=0)
    dropped: str = pa.Field(nullable=True, isin=("retracted", "no abstract", "no record"))
    rewritten: bool = pa.Field(nullable=True)  # by a model, its numbers checked; None where there is no text


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


class TrainingLog(Table):
    """Every metric of every training step, each once: one row per step x metric, named as the trainer names it."""

    step: int = pa.Field(ge=1)
    metric: str  # loss, reward, rewards/<name>/mean, learning_rate, seconds, ...
    value: float = pa.Field(nullable=True)


class Samples(Table):
    """Completions sampled while training, a few of every twentieth part of the steps."""

    step: int = pa.Field(ge=1)
    prompt_hash: str
    completion: str
    rewards: pl.List(REWARD)  # value is null where the reward does not apply
    advantage: float  # what the completion's reward is worth against its group's


class Predictions(Table):
    """One model's completions on one split."""

    id: str = pa.Field(unique=True)
    model: str  # an adapter, "base" or a cheap baseline
    split: str
    draw: str  # "greedy" or the sampling seed
    completion: str  # as generated; a cheap baseline writes its answer block
    label: str = pa.Field(nullable=True, isin=LABELS)  # None: the answer does not parse
    reasoning: str = pa.Field(nullable=True)
    well_formed: bool
    tokens: int = pa.Field(ge=0)  # generated tokens
    truncated: bool  # generation stopped at its length limit
    seconds: float = pa.Field(ge=0)  # share of its batch's wall time
    prompt_hash: str = pa.Field(nullable=True)
    probabilities: pl.List(pl.Float64) = pa.Field(nullable=True)  # of `LABELS` at the answer; None: not known


class SplitFigures(Table):
    """The cheap baselines on every way of splitting, one figure a row."""

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
    published: float = pa.Field(nullable=True)  # what the paper prints for the model of this name, in our unit
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


def row_id(topic: str, variant: str, procedure: str) -> str:
    """Stable id of a row: 16 hex digits of the SHA-256 of its key; independent of every other row."""
    key = "\x1f".join((topic, variant, procedure))
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def polars_schema(table: type[Table]) -> dict[str, pl.DataType]:
    """Column names and polars types of a table, for `pl.DataFrame(rows, schema=...)`."""
    return {name: column.dtype.type for name, column in table.to_schema().columns.items()}


def write(table: type[Table], frame: pl.DataFrame, path: Path) -> None:
    """Check `frame` against its table and write it as Parquet, whole or not at all."""
    checked = table.validate(frame)
    with whole(path) as temporary:
        checked.write_parquet(temporary)


def read(table: type[Table], path: Path) -> pl.DataFrame:
    """Read a table and check it.

    Raises:
        InputError: the file is missing, is no Parquet file, or does not have the table's columns.
    """
    try:
        return table.validate(pl.read_parquet(path))
    except FileNotFoundError:
        raise InputError(path, "the table is missing", "build it with snakemake") from None
    except (pl.exceptions.PolarsError, pa.errors.SchemaError) as error:
        remedy = "delete the file and run snakemake again"
        raise InputError(path, f"not a table of {table.__name__}: {error}", remedy) from error

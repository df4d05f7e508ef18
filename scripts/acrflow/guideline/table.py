"""Rated rows from a table instead of documents: CSV, Parquet or a spreadsheet, with columns that the user names.

A row is named as a spreadsheet shows it: the header is row 1.
"""

import gzip
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from acrflow import schemas
from acrflow.config.documents import Columns, Table
from acrflow.guideline.topics import Topic, slug
from acrflow.io import sandbox
from acrflow.io.errors import InputError
from acrflow.io.ledger import EXAMPLES, Ledger
from acrflow.schemas.guideline import VOTE_COUNTS, Guidelines, row_id
from acrflow.tasks.appropriateness import CATEGORIES, parse_category

LARGEST = 200_000_000  # bytes when unpacked; the whole of the ACR's rows, 16,000, takes 10.5 million
MOST_ROWS = 1_000_000
KEY = ("topic", "variant", "procedure")
TEXTS = ("reasoning", "strength_of_evidence", "adult_rrl", "pediatric_rrl")
FIGURES = ("rating", "median")
NOT_GIVEN = ("", "-", "–", "n/a", "na", "none", "null", "nan")
_NUMBERED = r"(?i)^\s*Variant\s*:?\s*(\d+)\s*[:.]?\s*"


def read_table(
    path: Path, table: Table, topics: Sequence[Topic], leave_out: Sequence[str], ledger: Ledger
) -> pl.DataFrame:
    """One row per condition x variant x procedure (`Guidelines`), by topic, variant and the table's order.

    Names that differ only in case and punctuation are one topic, under the spelling that most rows have. Of rows that
    say the same twice the first is kept, with what it lacks filled from the others; rows that give one key two labels
    are left out, all of them.

    Args:
        path: .csv, .csv.gz, .parquet or .xlsx (first sheet), with a header.
        table: which column holds what, and what is cut off.
        topics: the topics to take, with their names; none takes all of the table's.
        leave_out: names of topics not to take.
        ledger: counts rows; its facts name what was cleaned, merged or not read.

    Raises:
        InputError: the file is no such table, lacks a column that is named, has none of a topic to leave out, or no
            row is left.
    """
    raw = _named(path, read_cells(path), table.columns, ledger)
    ledger.taken = raw.height
    facts: dict[str, Any] = ledger.facts
    facts["cleaned"] = {}
    for column, suffix in table.suffixes.items():
        raw = _cut(raw, column, suffix, facts["cleaned"])
    rows = _leave_out_incomplete(_typed(raw, facts), ledger)
    rows = _with_topics(rows, topics, table.unlisted, ledger)
    rows = _without(rows, leave_out, path, ledger)
    rows = _once(rows, ledger)
    if rows.is_empty():
        reasons = ", ".join(f"{entry['count']} {reason}" for reason, entry in ledger.as_dict()["left_out"].items())
        remedy = "check table.columns and topics.table in the configuration against the table"
        raise InputError(path, f"none of its {raw.height} rows can be used ({reasons or 'it is empty'})", remedy)
    ledger.kept = rows.height
    facts["topics"] = rows["topic"].n_unique()
    facts["variants"] = rows.select("topic", "variant").n_unique()
    facts["with_reasoning"] = rows["reasoning"].count()
    facts["appropriateness"] = dict(Counter(rows["appropriateness"]))
    facts["rating_outside_its_category"] = _contradictions(rows)
    printed = schemas.polars_schema(Guidelines)
    unsaid = ("revision", "year", "narrative_procedure", "narrative_category", "heading")  # what only documents say
    return rows.select(
        pl.struct(KEY).map_elements(lambda key: row_id(*key.values()), pl.String).alias("id"),
        *("topic", "condition", "variant_number", "variant", "procedure", "appropriateness"),
        *(*FIGURES, "votes", *TEXTS[1:]),
        pl.lit([], pl.List(pl.Int64)).alias("references"),
        "reasoning",
        *(pl.lit(None, printed[name]).alias(name) for name in unsaid),
        pl.when(pl.col("reasoning").is_null()).then(pl.lit("none")).otherwise(pl.lit("exact")).alias("join"),
        pl.col("reasoning").is_not_null().cast(pl.Float64).alias("join_score"),
    ).select(list(printed))


def read_cells(path: Path) -> pl.DataFrame:
    """All columns as text (lists of a Parquet file as they are).

    Raises:
        InputError: missing, of another format, damaged, or more than `LARGEST` bytes (unpacked) or `MOST_ROWS` rows.
    """
    sandbox.at(str(path))
    try:
        if path.suffix == ".parquet":
            frame = _read_parquet(path)
        elif path.suffix == ".xlsx":
            frame = _read_sheet(path)
        else:
            frame = pl.read_csv(_unpacked(path), infer_schema=False)
    except FileNotFoundError:
        raise InputError(path, "the table is missing", "mend `documents` in the configuration") from None
    except InputError:
        raise
    except (pl.exceptions.PolarsError, OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        what = f"the table cannot be read: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
        remedy = "save it as UTF-8 CSV with commas, as Parquet or as XLSX, with the columns' names in the first row"
        raise InputError(path, what, remedy) from None
    _refuse_above(path, 0, frame.height)
    lists = [name for name, kind in frame.schema.items() if kind.base_type() is pl.List]
    return frame.select(pl.all().exclude(lists).cast(pl.String, strict=False), *lists).select(frame.columns)


def _unpacked(path: Path) -> bytes:
    with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
        content = file.read(LARGEST + 1)
    _refuse_above(path, len(content))
    return content


def _read_parquet(path: Path) -> pl.DataFrame:
    import pyarrow.parquet as parquet

    metadata = parquet.read_metadata(path)
    _refuse_above(path, 0, metadata.num_rows)
    _refuse_above(path, sum(metadata.row_group(index).total_byte_size for index in range(metadata.num_row_groups)))
    return pl.read_parquet(path)


def _read_sheet(path: Path) -> pl.DataFrame:
    with zipfile.ZipFile(path) as archive:
        _refuse_above(path, sum(entry.file_size for entry in archive.infolist()))
    import fastexcel

    try:
        return fastexcel.read_excel(path).load_sheet(0, dtypes="string").to_polars()
    except fastexcel.FastExcelError as error:
        raise ValueError(str(error)) from None


def _refuse_above(path: Path, size: int, rows: int = 0) -> None:
    if size > LARGEST or rows > MOST_ROWS:
        what = f"the table holds more than {LARGEST // 1_000_000} MB when unpacked, or more than {MOST_ROWS} rows"
        raise InputError(path, what, "split it, or leave out the columns that are not needed")


def _named(path: Path, cells: pl.DataFrame, columns: Columns, ledger: Ledger) -> pl.DataFrame:
    """The columns under our names, with `row`; those that the table does not have are null."""
    wanted = {ours: theirs for ours, theirs in columns.model_dump().items() if theirs is not None}
    missing = [f"{theirs} ({ours})" for ours, theirs in wanted.items() if theirs not in cells.columns]
    if missing:
        what = f"no column {', '.join(missing)}; its columns are {', '.join(cells.columns)}"
        raise InputError(path, what, "name the table's columns under table.columns in the configuration")
    ledger.facts["columns_not_used"] = [name for name in cells.columns if name not in wanted.values()]
    return cells.select(
        pl.int_range(2, pl.len() + 2).alias("row"),
        *(pl.col(theirs).alias(ours) for ours, theirs in wanted.items()),
        *(pl.lit(None, pl.String).alias(ours) for ours, theirs in columns.model_dump().items() if theirs is None),
    )


def _cut(rows: pl.DataFrame, column: str, suffix: str, cleaned: dict[str, Any]) -> pl.DataFrame:
    text = pl.col(column).str.strip_chars()
    stray = text.str.ends_with(suffix).fill_null(False)
    values = rows.filter(stray)[column]
    named = values.unique(maintain_order=True).head(EXAMPLES).to_list()
    cleaned[f"{column} ends with {suffix}"] = {"count": len(values), "examples": named}
    return rows.with_columns(pl.when(stray).then(text.str.strip_suffix(suffix)).otherwise(pl.col(column)).alias(column))


def _typed(rows: pl.DataFrame, facts: dict[str, Any]) -> pl.DataFrame:
    """Text without stray blanks, figures as numbers, the category as printed and as we call it."""
    one_line = [pl.col(name).str.replace_all(r"\s+", " ").str.strip_chars() for name in (*KEY, "appropriateness")]
    rows = rows.with_columns(*one_line, *(pl.col(name).str.strip_chars() for name in TEXTS), _votes(rows))
    rows = rows.with_columns(
        pl.when(pl.col(name).str.to_lowercase().is_in(NOT_GIVEN)).then(None).otherwise(pl.col(name)).alias(name)
        for name in (*KEY, "appropriateness", *TEXTS, *FIGURES)
    )
    rows = rows.with_columns(pl.col(name).alias(f"printed_{name}") for name in (*FIGURES, "appropriateness"))
    number = {name: pl.col(name).cast(pl.Float64, strict=False) for name in FIGURES}
    rows = rows.with_columns(
        pl.when(value.is_between(1, 9)).then(value).otherwise(None).alias(name) for name, value in number.items()
    ).with_columns(pl.when(pl.col("rating") == pl.col("rating").floor()).then(pl.col("rating")).cast(pl.Int64))
    facts["not_a_figure"] = {
        name: _count(rows.filter(pl.col(name).is_null() & pl.col(f"printed_{name}").is_not_null()), f"printed_{name}")
        for name in FIGURES
    }
    number_of_variant = pl.col("variant").str.extract(_NUMBERED).cast(pl.Int64, strict=False)
    return rows.with_columns(
        number_of_variant.alias("variant_number"),
        pl.col("variant").str.replace(_NUMBERED, "").replace("", None),
        pl.col("appropriateness").map_elements(parse_category, pl.String),
    )


def _votes(rows: pl.DataFrame) -> pl.Expr:
    """Nine counts, from a list or from text; null where there are not nine."""
    votes = pl.col("votes")
    if rows.schema["votes"] == pl.String:
        votes = votes.str.extract_all(r"\d+")
    votes = votes.cast(pl.List(pl.Int64))
    return pl.when(votes.list.len() == VOTE_COUNTS).then(votes).otherwise(None)


def _leave_out_incomplete(rows: pl.DataFrame, ledger: Ledger) -> pl.DataFrame:
    missing = pl.coalesce(
        *(pl.when(pl.col(name).is_null()).then(pl.lit(f"without {name}")) for name in KEY),
        pl.when(pl.col("printed_appropriateness").is_null()).then(pl.lit("without label")),
        pl.when(pl.col("appropriateness").is_null()).then(pl.lit("with an unknown label")),
    )
    rows = rows.with_columns(missing.alias("missing"))
    for row in rows.filter(pl.col("missing").is_not_null()).iter_rows(named=True):
        known = [row[name] for name in (*KEY, "printed_appropriateness") if row[name] is not None]
        ledger.leave_out(row["missing"], f"row {row['row']}: {' | '.join(known)}")
    return rows.filter(pl.col("missing").is_null())


def _with_topics(rows: pl.DataFrame, topics: Sequence[Topic], unlisted: str, ledger: Ledger) -> pl.DataFrame:
    """Topic by its name, condition by its most frequent spelling, variants numbered; topics not wanted left out."""
    names = {slug(title): topic.name for topic in topics for title in (topic.name, topic.title)}
    titles = rows.group_by("topic", maintain_order=True).len().rows()
    spellings: dict[str, dict[str, int]] = {}
    for title, count in titles:
        spellings.setdefault(names.get(slug(title), slug(title)), {})[title] = count
    wanted = {name for name in spellings if not topics or unlisted == "train_test" or name in names.values()}
    ledger.facts["topic_spellings"] = {name: list(found) for name, found in spellings.items() if len(found) > 1}
    ledger.facts["topics_not_in_the_table"] = [topic.name for topic in topics if topic.name not in spellings]
    for name, found in spellings.items():
        if name not in wanted:
            title = max(found, key=lambda spelling: found[spelling])
            rows_of = sum(found.values())
            ledger.leave_out("of a topic that the topic list does not name", f"{title}: {rows_of} rows", rows_of)
    named = {title: name for name, found in spellings.items() for title in found}
    conditions = {name: max(found, key=lambda title: found[title]) for name, found in spellings.items()}
    rows = rows.with_columns(pl.col("topic").replace_strict(named, return_dtype=pl.String)).filter(
        pl.col("topic").is_in(wanted)
    )
    first = pl.col("row").min().over("topic", "variant")
    return rows.with_columns(
        pl.col("topic").replace_strict(conditions, return_dtype=pl.String).alias("condition"),
        pl.coalesce("variant_number", first.rank("dense").over("topic").cast(pl.Int64)).alias("variant_number"),
    ).sort("topic", "variant_number", "row")


def _without(rows: pl.DataFrame, leave_out: Sequence[str], path: Path, ledger: Ledger) -> pl.DataFrame:
    for topic in leave_out:
        count = rows.filter(topic=topic).height
        if not count:
            raise InputError(
                "topics.leave_out", f"{path} has no usable row of {topic}", "take the name out of the list"
            )
        ledger.leave_out("of a topic in topics.leave_out", topic, count)
    return rows.filter(~pl.col("topic").is_in(leave_out))


def _once(rows: pl.DataFrame, ledger: Ledger) -> pl.DataFrame:
    """Each key once: rows with two labels for one key left out, repetitions folded into the first."""
    key = [pl.col(name).str.to_lowercase() for name in KEY]
    rows = rows.with_columns(
        pl.col("appropriateness").n_unique().over(key).alias("labels"),
        pl.col("row").first().over(key).alias("first"),
        pl.col("variant_number").first().over(key).alias("first_number"),
    )
    for row in rows.filter(pl.col("labels") > 1).sort("first", "row").iter_rows(named=True):
        ledger.leave_out("of one key with two labels", f"{_name(row)}: {row['appropriateness']}")
    rows = rows.filter(pl.col("labels") == 1)
    for row in rows.filter(pl.col("row") != pl.col("first")).iter_rows(named=True):
        again = "repeated" if row["variant_number"] == row["first_number"] else "repeated under another variant number"
        ledger.leave_out(again, f"{_name(row)} (as row {row['first']})")
    values = [*FIGURES, *TEXTS, "votes"]
    repeated = rows.filter(pl.len().over("first") > 1).group_by("first", maintain_order=True)
    differing = repeated.agg(pl.col(name).drop_nulls().n_unique() for name in values)
    ledger.facts["repetitions_that_differ"] = {
        name: _count(differing.filter(pl.col(name) > 1).rename({"first": "row"}), None) for name in values
    }
    filled = rows.group_by("first", maintain_order=True).agg(pl.col(name).drop_nulls().first() for name in values)
    return rows.filter(pl.col("row") == pl.col("first")).drop(values).join(filled, on="first", maintain_order="left")


def _contradictions(rows: pl.DataFrame) -> dict[str, Any]:
    """Rows whose rating lies in the third (1-3, 4-6, 7-9) of another category."""
    third = (pl.col("rating") - 1) // 3
    own = pl.col("appropriateness").replace_strict(dict(zip(CATEGORIES, (0, 1, 2, 1), strict=True)))
    return _count(rows.filter(third != own), "rating")


def _count(rows: pl.DataFrame, column: str | None) -> dict[str, Any]:
    shown: Iterable[dict[str, Any]] = rows.head(EXAMPLES).iter_rows(named=True)
    examples = [f"row {row['row']}" + (f": {row[column]}" if column else "") for row in shown]
    return {"count": rows.height, "examples": examples}


def _name(row: dict[str, Any]) -> str:
    return f"row {row['row']}: {row['condition']}, variant {row['variant_number']}, {row['procedure']}"


def held_out_are_there(rows: pl.DataFrame, held_out: Sequence[str], path: Path) -> None:
    """See that every topic held out whole has rows.

    Raises:
        InputError: a topic has none.
    """
    missing = sorted(set(held_out) - set(rows["topic"]))
    if missing:
        remedy = "set `generalization` to topics of the table, or to [] for none"
        raise InputError(path, f"no usable row of the topic {', '.join(missing)}, which is to be held out", remedy)
    if not set(rows["topic"]) - set(held_out):
        raise InputError(path, "no topic is left to train on", "hold out fewer topics in `generalization`")

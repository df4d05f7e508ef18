"""A table of rows becomes the same table as documents do: each row once, and what is left out is counted and named."""

import gzip
import struct
import sys
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import polars as pl
import pytest
import yaml
from measured_process import measure

from acrflow.config.documents import Columns, Table
from acrflow.guideline.table import held_out_are_there, read_cells, read_table
from acrflow.guideline.topics import Topic, read_topics
from acrflow.io.errors import InputError
from acrflow.io.ledger import Ledger
from acrflow.schemas.guideline import Guidelines, row_id

ROOT = Path(__file__).resolve().parents[2]
HEADER = ("topic", "variant", "procedure", "appropriateness", "why", "rating", "votes")
COLUMNS = Table(columns=Columns(reasoning="why", rating="rating", votes="votes"))
PELVIS = ("Telvic Pain-Child", "Variant 2: Acute pain.", "CT pelvis", "Usually appropriate", "It helps [1].", "8", "")


def row(**values: Any) -> tuple[Any, ...]:
    return tuple(values.get(name, value) for name, value in zip(HEADER, PELVIS, strict=True))


def read(
    rows: Sequence[Sequence[Any]],
    folder: Path,
    topics: Sequence[Topic] = (),
    leave_out: Sequence[str] = (),
    **settings: Any,
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    path = folder / "rows.csv"
    pl.DataFrame(rows, schema=dict.fromkeys(HEADER, pl.String), orient="row").write_csv(path)
    ledger = Ledger("read_table", "rows")
    table = read_table(path, COLUMNS.model_copy(update=settings), topics, leave_out, ledger)
    Guidelines.validate(table)
    written = ledger.as_dict()
    assert written["taken"] == written["kept"] + sum(entry["count"] for entry in written["left_out"].values())
    return table.to_dicts(), written


def write_sheet(path: Path, rows: Sequence[Sequence[Any]]) -> None:
    """A spreadsheet with one sheet, of inline text."""
    cells = "".join(
        "<row>" + "".join(f'<c t="inlineStr"><is><t>{escape(str(cell))}</t></is></c>' for cell in line) + "</row>"
        for line in rows
    )
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" ContentType='
        '"application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" '
        f'ContentType="{sheet}.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" '
        f'ContentType="{sheet}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type='
        f'"{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="rows" sheetId="1" '
        'r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type='
        f'"{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>',
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)


def test_every_format_gives_the_same_rows(tmp_path: Path) -> None:
    rows = [row(), row(procedure="US pelvis", appropriateness="May be appropriate", rating="5.0")]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(HEADER, pl.String), orient="row")
    frame.write_csv(tmp_path / "rows.csv")
    with gzip.open(tmp_path / "rows.csv.gz", "wb") as file:
        file.write((tmp_path / "rows.csv").read_bytes())
    frame.with_columns(pl.col("rating").cast(pl.Float64)).write_parquet(tmp_path / "rows.parquet")
    write_sheet(tmp_path / "rows.xlsx", [HEADER, *rows])
    tables = [
        read_table(tmp_path / f"rows.{ending}", COLUMNS, [], [], Ledger("read_table", "rows"))
        for ending in ("csv", "csv.gz", "parquet", "xlsx")
    ]
    assert tables[0].height == 2
    assert all(table.equals(tables[0]) for table in tables)
    assert tables[0]["rating"].to_list() == [8, 5]


def test_a_row_has_the_id_that_the_documents_would_give_it(tmp_path: Path) -> None:
    (only,), _ = read([row()], tmp_path)
    assert only["id"] == row_id("telvic_pain_child", "Acute pain.", "CT pelvis")
    assert (only["condition"], only["variant_number"], only["appropriateness"]) == (
        "Telvic Pain-Child",
        2,
        "Usually Appropriate",
    )
    assert (only["reasoning"], only["join"], only["join_score"], only["references"]) == (
        "It helps [1].",
        "exact",
        1,
        [],
    )


def test_a_row_keeps_its_id_when_other_rows_come(tmp_path: Path) -> None:
    (only,), _ = read([row()], tmp_path)
    more, _ = read([row(topic="Ostrel Fever"), row(procedure="US"), row(), row(variant="Variant 1: Fever.")], tmp_path)
    assert only in more


def test_missing_reasoning_stays_missing(tmp_path: Path) -> None:
    (only,), ledger = read([row(why="  ")], tmp_path)
    assert (only["reasoning"], only["join"], only["join_score"]) == (None, "none", 0)
    assert ledger["facts"]["with_reasoning"] == 0


def test_stray_suffixes_are_cut_and_counted(tmp_path: Path) -> None:
    rows, ledger = read([row(topic="Telvic Pain-ChildPCAs"), row(procedure="US")], tmp_path, suffixes={"topic": "PCAs"})
    assert {one["condition"] for one in rows} == {"Telvic Pain-Child"}
    assert ledger["facts"]["cleaned"]["topic ends with PCAs"] == {"count": 1, "examples": ["Telvic Pain-ChildPCAs"]}


def test_spellings_of_a_topic_are_one_topic_and_named(tmp_path: Path) -> None:
    rows, ledger = read([row(topic="Telvic Pain: Child"), row(procedure="US"), row(procedure="MRI")], tmp_path)
    assert {(one["topic"], one["condition"]) for one in rows} == {("telvic_pain_child", "Telvic Pain-Child")}
    assert ledger["facts"]["topic_spellings"] == {"telvic_pain_child": ["Telvic Pain: Child", "Telvic Pain-Child"]}


@pytest.mark.parametrize(
    ("spelled", "category"),
    [
        ("MAY BE APPROPRIATE (disagreement) ", "May Be Appropriate (Disagreement)"),
        ("usually  not appropriate.", "Usually Not Appropriate"),
        ("UA", "Usually Appropriate"),
    ],
)
def test_categories_are_read_in_every_spelling(tmp_path: Path, spelled: str, category: str) -> None:
    (only,), ledger = read([row(appropriateness=spelled)], tmp_path)
    assert only["appropriateness"] == category
    assert ledger["facts"]["appropriateness"] == {category: 1}


@pytest.mark.parametrize(
    ("values", "reason", "name"),
    [
        ({"procedure": " "}, "without procedure", "row 3: Telvic Pain-Child | Acute pain. | Usually appropriate"),
        ({"topic": None}, "without topic", "row 3: Acute pain. | CT pelvis | Usually appropriate"),
        ({"variant": "Variant 3: "}, "without variant", "row 3: Telvic Pain-Child | CT pelvis | Usually appropriate"),
        ({"appropriateness": "n/a"}, "without label", "row 3: Telvic Pain-Child | Acute pain. | CT pelvis"),
        (
            {"appropriateness": "Sometimes"},
            "with an unknown label",
            "row 3: Telvic Pain-Child | Acute pain. | CT pelvis | Sometimes",
        ),
    ],
)
def test_an_incomplete_row_is_left_out_by_name(tmp_path: Path, values: Any, reason: str, name: str) -> None:
    rows, ledger = read([row(procedure="US"), row(**values)], tmp_path)
    assert len(rows) == 1
    assert ledger["left_out"] == {reason: {"count": 1, "examples": [name]}}


def test_a_repeated_row_is_kept_once_and_completed(tmp_path: Path) -> None:
    rows, ledger = read([row(why="", rating="7"), row(), row(variant="Variant 3: Acute pain.")], tmp_path)
    assert [(one["reasoning"], one["rating"]) for one in rows] == [("It helps [1].", 7)]
    assert ledger["left_out"] == {
        "repeated": {"count": 1, "examples": ["row 3: Telvic Pain-Child, variant 2, CT pelvis (as row 2)"]},
        "repeated under another variant number": {
            "count": 1,
            "examples": ["row 4: Telvic Pain-Child, variant 3, CT pelvis (as row 2)"],
        },
    }
    assert ledger["facts"]["repetitions_that_differ"]["rating"] == {"count": 1, "examples": ["row 2"]}
    assert ledger["facts"]["repetitions_that_differ"]["reasoning"]["count"] == 0


def test_a_key_with_two_labels_is_left_out_with_all_its_rows_named(tmp_path: Path) -> None:
    rows, ledger = read(
        [row(), row(procedure="US"), row(procedure="ct  PELVIS", appropriateness="Usually not appropriate")], tmp_path
    )
    assert [one["procedure"] for one in rows] == ["US"]
    named = "Telvic Pain-Child, variant 2"
    assert ledger["left_out"] == {
        "of one key with two labels": {
            "count": 2,
            "examples": [
                f"row 2: {named}, CT pelvis: Usually Appropriate",
                f"row 4: {named}, ct PELVIS: Usually Not Appropriate",
            ],
        }
    }


def test_topics_that_the_list_does_not_name_are_left_out_or_trained_on(tmp_path: Path) -> None:
    rows = [row(), row(topic="Ostrel Fever"), row(topic="Ostrel Fever", procedure="US")]
    listed = [Topic("pelvis", "Telvic Pain: Child", "train_test"), Topic("gone", "Gone", "generalization")]
    kept, ledger = read(rows, tmp_path, listed)
    assert [one["topic"] for one in kept] == ["pelvis"]
    left_out = {"of a topic that the topic list does not name": {"count": 2, "examples": ["Ostrel Fever: 2 rows"]}}
    assert ledger["left_out"] == left_out
    assert ledger["facts"]["topics_not_in_the_table"] == ["gone"]
    everything, _ = read(rows, tmp_path, listed, unlisted="train_test")
    assert [one["topic"] for one in everything] == ["ostrel_fever", "ostrel_fever", "pelvis"]


def test_topics_can_be_left_out_by_name(tmp_path: Path) -> None:
    rows = [row(), row(topic="Ostrel Fever"), row(topic="Ostrel Fever", procedure="US")]
    kept, ledger = read(rows, tmp_path, leave_out=["ostrel_fever"])
    assert [one["topic"] for one in kept] == ["telvic_pain_child"]
    assert ledger["left_out"] == {"of a topic in topics.leave_out": {"count": 2, "examples": ["ostrel_fever"]}}
    with pytest.raises(InputError, match=r"topics.leave_out: .* no usable row of ostrel"):
        read(rows, tmp_path, leave_out=["ostrel"])


def test_figures_that_are_none_are_counted_and_not_guessed(tmp_path: Path) -> None:
    rows = [row(rating=rating, procedure=f"CT {rating}") for rating in ("eight", "12", "n/a", "4", "8.5")]
    read_rows, ledger = read(rows, tmp_path)
    assert [one["rating"] for one in read_rows] == [None, None, None, 4, None]
    assert ledger["facts"]["not_a_figure"]["rating"]["examples"] == ["row 2: eight", "row 3: 12", "row 6: 8.5"]
    assert ledger["facts"]["rating_outside_its_category"] == {"count": 1, "examples": ["row 5: 4"]}


def test_votes_are_nine_counts_or_none(tmp_path: Path) -> None:
    rows, _ = read([row(votes="0 0 1 2,3,4 5 6 7"), row(procedure="US", votes="1 2")], tmp_path)
    assert [one["votes"] for one in rows] == [[0, 0, 1, 2, 3, 4, 5, 6, 7], None]


def test_variants_without_a_number_are_numbered_in_their_order(tmp_path: Path) -> None:
    rows, _ = read([row(variant="Pain."), row(variant="Fever."), row(variant="Pain.", procedure="US")], tmp_path)
    assert [(one["variant"], one["variant_number"]) for one in rows] == [("Pain.", 1), ("Pain.", 1), ("Fever.", 2)]


def test_a_named_column_that_is_missing_is_an_error_that_lists_the_columns(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("Topic;Variant\n")
    with pytest.raises(InputError, match=r"no column topic \(topic\), .*; its columns are Topic;Variant"):
        read_table(tmp_path / "rows.csv", COLUMNS, [], [], Ledger("read_table", "rows"))


def test_a_table_without_a_usable_row_is_an_error_that_says_why(tmp_path: Path) -> None:
    for rows, why in (([], "it is empty"), ([row(appropriateness="Sometimes")], "1 with an unknown label")):
        with pytest.raises(InputError, match=f"none of its {len(rows)} rows can be used .{why}"):
            read(rows, tmp_path)


def test_topics_held_out_must_have_rows(tmp_path: Path) -> None:
    rows = pl.DataFrame({"topic": ["a", "b"]})
    held_out_are_there(rows, ["a"], tmp_path)
    with pytest.raises(InputError, match="no usable row of the topic c"):
        held_out_are_there(rows, ["c"], tmp_path)
    with pytest.raises(InputError, match="no topic is left"):
        held_out_are_there(rows, ["a", "b"], tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.csv", b"topic,variant\n\xff\xfe\xff,b\n"),
        ("rows.csv.gz", b"topic,variant\n"),
        ("rows.csv.gz", gzip.compress(b"topic,variant\n" * 1000, mtime=0)[:40]),
        ("rows.parquet", b"PAR1 and nothing more"),
        ("rows.xlsx", b"not a zip"),
        ("rows.csv", b""),
    ],
)
def test_a_damaged_table_is_one_clear_error(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match="the table cannot be read") as caught:
        read_cells(tmp_path / name)
    assert caught.value.where == str(tmp_path / name)


def gzip_bomb(path: Path) -> None:
    member = gzip.compress(b"a,b\n" * 2_500_000)
    with open(path, "wb") as file:
        for _ in range(400):
            file.write(member)


def sheet_bomb(path: Path, size: int = 250_000_000) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        write_sheet(path.with_suffix(".ok.xlsx"), [HEADER])
        with zipfile.ZipFile(path.with_suffix(".ok.xlsx")) as model:
            for name in model.namelist():
                with archive.open(name, "w", force_zip64=True) as file:
                    text = model.read(name).decode().partition("</sheetData>")
                    file.write(text[0].encode())
                    if text[1]:
                        for _ in range(size // 10_000_000):
                            file.write(b"<row/>    " * 1_000_000)
                    file.write("".join(text[1:]).encode())


def lying_sheet_bomb(path: Path) -> None:
    sheet_bomb(path)
    content = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        size = max(entry.file_size for entry in archive.infolist())
    path.write_bytes(
        content.replace(struct.pack("<Q", size), struct.pack("<Q", 1000)).replace(
            struct.pack("<I", size), struct.pack("<I", 1000)
        )
    )


def parquet_bomb(path: Path) -> None:
    pl.DataFrame({name: pl.repeat("x" * 100, 1_100_000, eager=True) for name in HEADER[:4]}).write_parquet(path)


@pytest.mark.parametrize(
    ("bomb", "name"),
    [
        (gzip_bomb, "rows.csv.gz"),
        (sheet_bomb, "rows.xlsx"),
        (lying_sheet_bomb, "rows.xlsx"),
        (parquet_bomb, "rows.parquet"),
    ],
)
def test_a_bomb_is_one_clear_error_in_time_and_memory(tmp_path: Path, bomb: Callable[[Path], None], name: str) -> None:
    bomb(tmp_path / name)
    command = [
        sys.executable,
        str(ROOT / "scripts/guidelines/read_table.py"),
        "--table",
        str(tmp_path / name),
        "--settings",
        "{}",
    ]
    command += ["--out", str(tmp_path / "out.parquet"), "--ledger", str(tmp_path / "ledger.json")]
    status, stderr, seconds, peak = measure(command)
    assert (status, stderr.startswith(f"ERROR {tmp_path / name}: ")) == (2, True), stderr
    assert seconds < 60 and peak < 1_000_000_000
    assert not (tmp_path / "out.parquet").exists()


def test_the_shipped_configuration_reads_the_whole_table_in_seconds(shared_data: Path) -> None:
    table = Table.model_validate(yaml.safe_load((ROOT / "config/acr_table.yaml").read_text())["table"])
    path = shared_data / "acr_tables/acr_2025_all.csv.gz"
    start = time.process_time()
    ledger = Ledger("read_table", "rows")
    everything = read_table(path, table, [], [], ledger)
    assert time.process_time() - start < 20
    facts, left_out = ledger.facts, ledger.as_dict()["left_out"]
    assert (ledger.taken, everything.height) == (16009, 14646)
    assert {reason: entry["count"] for reason, entry in left_out.items()} == {
        "repeated": 1345,
        "repeated under another variant number": 18,
    }
    assert (facts["topics"], len(facts["topic_spellings"]), facts["variants"]) == (257, 4, 1263)
    assert set(everything["strength_of_evidence"].drop_nulls()) == {
        *("Strong", "Moderate", "Limited", "Expert Consensus", "Expert Opinion")
    }
    assert not any(title.endswith("PCAs") for title in everything["condition"])


def test_the_papers_topics_are_all_in_the_table(shared_data: Path) -> None:
    table = Table.model_validate(yaml.safe_load((ROOT / "config/acr_table.yaml").read_text())["table"])
    topics = read_topics(ROOT / "config/topics.tsv")
    ledger = Ledger("read_table", "rows")
    rows = read_table(shared_data / "acr_tables/acr_2025_all.csv.gz", table, topics, [], ledger)
    assert set(rows["topic"]) == {topic.name for topic in topics}
    counted = pl.read_csv(shared_data / "acr_tables/paper_topics.csv")
    assert rows.height + 18 == counted["acrac_rows_dedup"].sum()  # 18 rows repeat a text under another number

"""A document that cannot be used is named, with the page and the remedy, and nothing is written."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import guideline_pdf
import pdf_bombs
import pytest
from measured_process import measure
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas
from test_appendix import row
from test_narrative import VARIANT, section

from acrflow.guideline.check import check_documents, find_topics
from acrflow.guideline.qa import parse_topic
from acrflow.io.errors import InputError

ROOT = Path(__file__).resolve().parents[2]


def draw_narrative(
    path: Path,
    category: str = "Usually Appropriate",
    title: str = "Glimmer of the Elbow",
    variant: str = VARIANT,
    rows: int = 60,
) -> None:
    sheet = guideline_pdf.Prose(path)
    sheet.text(220, 88, title, guideline_pdf.BOLD, 12)
    sheet.y = 140
    sheet.heading(f"Variant: 1 {variant}")
    sheet.table(
        [(f"US region {number}", category if number < 2 else "Usually Appropriate", "O") for number in range(rows)]
    )
    sheet.heading("Discussion of Procedures by Variant")
    section(sheet, "A. US Region 1", "It helps.", variant=f"Variant 1: {variant}")
    sheet.save()


@pytest.fixture
def topic(tmp_path: Path) -> Any:
    folder = tmp_path / "documents" / "glimmer"
    folder.mkdir(parents=True)
    draw_narrative(folder / "narrative.pdf")
    rows = [(row(f"US region {number}"), [(f"{number} ({number - 5})", "3")]) for number in range(60)]
    guideline_pdf.draw_appendix(folder / "appendix.pdf", "Glimmer of the Elbow", [(f"Variant 1: {VARIANT}", rows)])
    return folder


def parse(folder: Path) -> Any:
    return parse_topic("glimmer", {kind: folder / f"{kind}.pdf" for kind in ("narrative", "appendix")})


def missing(path: Path) -> None:
    path.unlink()


def web_page(path: Path) -> None:
    path.write_text("<!DOCTYPE html><html><body>Error 500</body></html>")


def not_a_pdf(path: Path) -> None:
    path.write_bytes(b"PK\x03\x04 something else")


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def garbage(path: Path) -> None:
    path.write_bytes(b"%PDF-1.4\n" + b"\x00\xff" * 5000 + b"\n%%EOF\n")


def encrypted(path: Path) -> None:
    sheet = Canvas(str(path), encrypt=StandardEncryption("secret", canPrint=0))
    sheet.drawString(50, 500, "Variant 1: hidden")
    sheet.save()


def scanned(path: Path) -> None:
    sheet = Canvas(str(path))
    sheet.rect(50, 50, 400, 600)
    sheet.showPage()
    sheet.save()


def something_else(path: Path) -> None:
    sheet = Canvas(str(path))
    sheet.drawString(50, 500, "A letter about other things.")
    sheet.save()


BAD: dict[Callable[[Path], None], str] = {
    missing: "missing|cannot be read",
    web_page: r"a web page \(HTML\)",
    not_a_pdf: "not a PDF",
    cut_off: "cut off",
    empty: "not a PDF",
    garbage: "damaged",
    encrypted: "encrypted",
    scanned: "page 1: the (page|PDF) has no text",
    something_else: "page 1: no variant",
}


@pytest.mark.parametrize("name", ["narrative.pdf", "appendix.pdf"])
@pytest.mark.parametrize("spoil", BAD, ids=lambda spoil: spoil.__name__)
def test_a_bad_document_is_named_before_any_work_and_while_parsing(
    topic: Path, spoil: Callable[[Path], None], name: str
) -> None:
    spoil(topic / name)
    for look in (lambda: check_documents(topic.parent, ["glimmer"]), lambda: parse(topic)):
        with pytest.raises(InputError, match=BAD[spoil]) as caught:
            look()
        assert str(topic / name) in caught.value.where
        assert caught.value.remedy


BOMBS: dict[Callable[[Path], None], str] = {
    pdf_bombs.packed_twice: "page 1: it takes more than 800 MB to read, or breaks the reader",
    pdf_bombs.millions_of_objects: "page 1: it takes more than 800 MB to read, or breaks the reader",
    pdf_bombs.many_objects: "page 1: the page holds more than 100000 objects",
    pdf_bombs.many_characters: "page 1: the page holds 25",
    pdf_bombs.endless_path: "page 1: the page's lines have more than 100000 segments",
    pdf_bombs.deeply_nested: "page 1: it takes more than 800 MB to read, or breaks the reader",
    pdf_bombs.huge_page: "page 1: the page measures 1000000000 x 1000000000 points",
    pdf_bombs.thousands_of_pages: "the PDF has 100000 pages",
}


@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: bomb.__name__)
def test_a_bomb_is_named_with_its_page_in_time_and_memory(topic: Path, bomb: Callable[[Path], None]) -> None:
    bomb(topic / "narrative.pdf")
    command = [
        sys.executable,
        str(ROOT / "scripts/guidelines/parse_guideline.py"),
        "--documents",
        str(topic),
    ]
    command += ["--out", str(topic / "out.json")]
    status, stderr, seconds, peak = measure(command)
    assert status == 2 and stderr.startswith(f"ERROR {topic / 'narrative.pdf'}"), stderr
    assert BOMBS[bomb] in stderr and "Remedy:" in stderr and "Traceback" not in stderr
    assert seconds < 60 and peak < 1_000_000_000
    assert sorted(path.name for path in topic.iterdir()) == ["appendix.pdf", "narrative.pdf"]


def test_topics_beside_a_bad_one_pass_the_check_at_once(topic: Path) -> None:
    for name, bomb in (("aaa", pdf_bombs.packed_twice), ("bbb", pdf_bombs.millions_of_objects)):
        shutil.copytree(topic, topic.parent / name)
        bomb(topic.parent / name / "appendix.pdf")
    begin = time.perf_counter()
    bad = check_documents(topic.parent, find_topics(topic.parent))
    assert time.perf_counter() - begin < 10
    assert sorted(bad) == ["aaa", "bbb"]
    assert all(f"{topic.parent / name}/appendix.pdf, page 1" in error.where for name, error in bad.items())


def test_all_missing_documents_are_named_at_once(topic: Path) -> None:
    shutil.copytree(topic, topic.parent / "other")
    (topic / "narrative.pdf").unlink()
    (topic.parent / "other/appendix.pdf").unlink()
    with pytest.raises(InputError, match=r"glimmer/narrative.pdf: .*missing\n.*other/appendix.pdf: .*missing"):
        check_documents(topic.parent, find_topics(topic.parent))


def test_good_documents_pass_the_check(topic: Path) -> None:
    assert check_documents(topic.parent, find_topics(topic.parent)) == {}


def test_real_documents_pass_the_check_in_milliseconds(shared_data: Path) -> None:
    folder = shared_data / "acr"
    topics = find_topics(folder)
    check_documents(folder, topics)
    begin = time.perf_counter()
    check_documents(folder, topics)
    assert (time.perf_counter() - begin) / (2 * len(topics)) < 0.05


def test_topics_are_the_folders_that_hold_a_document(topic: Path) -> None:
    (topic.parent / "notes").mkdir()
    (topic.parent / "aaa").mkdir()
    shutil.copy(topic / "appendix.pdf", topic.parent / "aaa")
    assert find_topics(topic.parent) == ["aaa", "glimmer"]


def test_a_folder_without_topics_is_an_error(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(InputError, match=r"holds no topic|no such folder"):
            find_topics(folder)


def test_documents_of_different_topics_are_refused(topic: Path) -> None:
    draw_narrative(topic / "narrative.pdf", title="Rust of the Knee", variant="Rust of the knee.")
    with pytest.raises(
        InputError, match=r"narrative.pdf, page 1: its title is 'Rust of the Knee'.*'Glimmer of the Elbow'"
    ):
        parse(topic)


def test_a_renamed_guideline_with_the_same_variants_is_kept(topic: Path) -> None:
    draw_narrative(topic / "narrative.pdf", title="Elbow Glimmer")
    guideline, report = parse(topic)
    assert guideline.title == "Glimmer of the Elbow"
    assert report["title"] == {"appendix": "Glimmer of the Elbow", "narrative": "Elbow Glimmer"}


def test_witnesses_who_contradict_each_other_are_refused_with_page_and_row(topic: Path) -> None:
    draw_narrative(topic / "narrative.pdf", category="Usually Not Appropriate")
    message = (
        r"narrative.pdf, page 1, line \d+: 2 of 60 categories differ .* variant 1: US region 0: "
        r"'Usually Not Appropriate' here, 'Usually Appropriate' in .*appendix.pdf, page 1, line \d+"
    )
    with pytest.raises(InputError, match=message):
        parse(topic)


def test_conflicts_below_the_limit_keep_both_values(topic: Path) -> None:
    draw_narrative(topic / "narrative.pdf", category="May Be Appropriate (Disagreement)", rows=1)
    rows: list[Any] = [(row(f"US region {number}", "May be appropriate"), []) for number in range(3)]
    guideline_pdf.draw_appendix(topic / "appendix.pdf", "Glimmer of the Elbow", [(f"Variant 1: {VARIANT}", rows)])
    guideline, report = parse(topic)
    values = {"appendix": "May Be Appropriate", "narrative": "May Be Appropriate (Disagreement)"}
    assert [{key: conflict[key] for key in values} for conflict in report["conflicts"]] == [values]
    assert report["conflicts"][0]["narrative_place"].startswith("page 1, line ")
    assert report["categories"] == {"compared": 1, "agree": 0}
    assert report["rows"]["only_in_appendix"] == ["variant 1: US region 1", "variant 1: US region 2"]
    first = guideline.variants[0].rows[0]
    assert (first.category, first.narrative_category) == tuple(values.values())


def test_the_report_counts_rows_joins_references_and_left_over_text(topic: Path) -> None:
    guideline, report = parse(topic)
    assert (report["rows"]["appendix"], report["rows"]["narrative"]) == (60, 60)
    assert report["categories"] == {"compared": 60, "agree": 60}
    assert len(report["rows_without_reasoning"]) == sum(row.reasoning is None for row in guideline.variants[0].rows)
    assert [flagged["printed"] for flagged in report["flagged_references"]] == ["-5", "-4", "-3", "-2", "-1", "0"]
    assert {flagged["status"] for flagged in report["flagged_references"]} == {"not_a_pmid"}


def test_the_program_prints_one_message_and_writes_nothing(topic: Path, tmp_path: Path) -> None:
    web_page(topic / "narrative.pdf")
    command = [sys.executable, str(ROOT / "scripts/guidelines/parse_guideline.py"), "--topic", "glimmer"]
    command += ["--documents", str(topic)]
    done = subprocess.run(
        [*command, "--out", str(tmp_path / "out.json"), "--qa", str(tmp_path / "qa.json")],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"ERROR {topic / 'narrative.pdf'}: the file is a web page (HTML)")
    assert "Remedy:" in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "out.json").exists() and not (tmp_path / "qa.json").exists()


def test_every_row_of_the_real_topics_has_reasoning_and_no_conflict(shared_data: Path) -> None:
    for folder in sorted((shared_data / "acr").iterdir()):
        guideline, report = parse(folder)
        assert all(row.reasoning for variant in guideline.variants for row in variant.rows)
        assert (report["conflicts"], report["rows_without_reasoning"]) == ([], [])
        assert (report["text_not_used"]["sections"], report["rows"]["only_in_narrative"]) == ([], [])

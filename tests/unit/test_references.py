"""Every cited reference has a row, a PMID or the reason why it has none."""

from collections.abc import Sequence

from acrflow.evidence.matching import Match
from acrflow.evidence.references import list_references
from acrflow.guideline.model import BibliographyEntry, Guideline, Row, RowReference, Study, Variant
from acrflow.io.ledger import Ledger
from acrflow.schemas.evidence import Pmids


def reference(number: int, printed: str | None, quality: str | None = "2") -> RowReference:
    pmid = int(printed) if printed and printed.isdigit() and len(printed) <= 8 else None
    return RowReference(number=number, printed=printed, pmid=pmid, study_quality=quality)


def guideline(*rows: list[RowReference], bibliography: tuple[int, ...] = (), topic: str = "morvane") -> Guideline:
    """An invented topic with one procedure per list of references."""
    empty = dict.fromkeys(Row.model_fields)
    filled = [
        Row(**{**empty, "procedure": f"Scan {n}", "category": "Usually Appropriate", "references": references}
            | {"join": "none", "join_score": 0.0})
        for n, references in enumerate(rows)
    ]  # fmt: skip
    return Guideline(
        topic=topic, title="Morvane", revision=None, year=None,
        variants=[Variant(number=1, text="Initial imaging.", introduction=None, rows=filled)],
        bibliography=[BibliographyEntry(number=n, citation=f"Author {n}. Invented study.") for n in bibliography],
    )  # fmt: skip


def listed(*guidelines: Guideline) -> tuple[dict[int, tuple[int | None, str]], Ledger]:
    ledger = Ledger("list_references", "references")
    frame = Pmids.validate(list_references(guidelines, ledger))
    return {row["number"]: (row["pmid"], row["status"]) for row in frame.iter_rows(named=True)}, ledger


def test_each_reference_has_one_row_and_a_status() -> None:
    topic = guideline(
        [reference(3, "90000003"), reference(1, "-3194700"), reference(7, "123456789"), reference(8, "letter")],
        [reference(3, "90000003"), reference(2, None), reference(5, "42")],
        bibliography=(1, 2, 3, 9),
    )
    rows, ledger = listed(topic)
    assert rows == {
        1: (None, "not_a_pmid"),
        2: (None, "not_found"),
        3: (90000003, "given"),
        5: (42, "given"),  # short PMIDs are PMIDs
        7: (None, "not_a_pmid"),
        8: (None, "not_a_pmid"),
        9: (None, "not_found"),  # the narrative cites it, no appendix row does
    }
    counts = {reason: entry["count"] for reason, entry in ledger.as_dict()["left_out"].items()}
    assert (ledger.taken, ledger.kept, counts) == (
        7,
        2,
        {"not a PMID": 3, "no PMID printed": 1, "cited by no appendix row": 1},
    )


def test_rows_that_disagree_are_settled_by_the_most_and_counted() -> None:
    rows, ledger = listed(
        guideline(
            [reference(1, "90000001"), reference(2, "-5")],
            [reference(1, "90000002", quality="4"), reference(2, "-5")],
            [reference(1, "90000002"), reference(2, "90000009")],
        )
    )
    assert rows == {1: (90000002, "given"), 2: (90000009, "given")}  # a usable PMID beats an unusable one
    conflicts = ledger.facts["conflicts"]
    assert conflicts["pmid"]["count"] == 2
    assert conflicts["pmid"]["examples"][0] == "morvane [1]: 90000002 in 2 rows, 90000001 in 1 rows"
    assert conflicts["study_quality"]["count"] == 1


def test_topics_keep_their_own_numbers_and_a_shared_study_counts_once() -> None:
    one, two = guideline([reference(1, "90000001")]), guideline([reference(1, "90000001")], topic="telvic")
    ledger = Ledger("list_references", "references")
    frame = list_references([one, two], ledger)
    assert frame.select("topic", "number").rows() == [("morvane", 1), ("telvic", 1)]
    assert ledger.facts["distinct_pmids"] == 1


def test_a_topic_without_references_gives_an_empty_table() -> None:
    rows, ledger = listed(guideline([]))
    assert rows == {}
    assert ledger.taken == 0


def test_the_evidence_table_fills_in_what_narrative_and_appendix_lack() -> None:
    topic = guideline([reference(1, None, quality=None), reference(2, "90000002", quality="3")], bibliography=(1, 2))
    placed = "Mirel AB. Scans of morvane. Imagin Radiol. 4(2):17-23, 2011 May."
    empty = dict.fromkeys(Study.model_fields)
    topic.studies = [
        Study(**empty | {"number": n, "citation": placed, "study_quality": quality})
        for n, quality in ((1, "2"), (2, "4"), (3, "1"))
    ]
    asked: list[str] = []

    def search(citations: Sequence[str]) -> list[Match]:
        asked.extend(citations)
        return [Match(None, "not_found", "no record fits")] * len(citations)

    frame = list_references([topic], Ledger("list_references", "references"), search)
    assert frame.select("number", "study_quality").rows() == [(1, "2"), (2, "3"), (3, "1")]  # the appendix goes first
    assert asked == [placed, placed]  # the narrative's "Author 1. Invented study." names no place

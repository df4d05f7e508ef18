"""Retrieved studies reach the rows they speak of, best first, within the budget, with the reasons."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acrflow import schemas
from acrflow.evidence.select import within
from acrflow.io.ledger import Ledger
from acrflow.retrieval import mentions
from acrflow.retrieval.assign import assign
from acrflow.retrieval.evidence import of_rows
from acrflow.schemas.evidence import Condensed, Records
from acrflow.schemas.retrieval import Assigned, Found, Grades, Queries

ROW = {"topic": "telvic_pain", "condition": "Telvic Pain", "variant_number": 1, "variant": "Adult, first episode."}
STUDIES = {  # pmid: title, what was found, MeSH, expected grade
    1: ("CT in telvic pain", "Computed tomography found the stone in 95 of 100 patients.", [], 1.0),
    2: ("A case of telvic pain on CT", "Computed tomography found the stone in one patient.", [], 4.0),
    3: ("Sonography of telvic pain", "Ultrasound found the stone in 60 of 100 patients.", [], 1.0),
    4: ("Ostrel fever", "Patients recovered within a week.", [], 1.0),
    5: ("Imaging of the acute ostrel", "The stone was found.", ["Tomography, X-Ray Computed"], 2.0),
    6: ("CT in telvic pain, hidden", "Computed tomography found everything.", [], 1.0),
}


def tables(rows, studies=STUDIES, hidden=(6,)):
    """What `assign` reads, of these studies, all found for telvic pain."""

    def frame(table, records):
        return pl.DataFrame(records, schema=schemas.polars_schema(table))

    section = [{"label": None, "category": None, "text": "."}]
    return {
        "rows": pl.DataFrame([{**ROW, "id": f"row{number}", **row} for number, row in enumerate(rows)]),
        "found": frame(Found, [
            {"topic": "telvic_pain", "pmid": pmid, "rank": 1, "templates": ["condition"], "cited": pmid in hidden,
             "hidden": pmid in hidden} for pmid in studies]),
        "queries": frame(Queries, [
            {"topic": "telvic_pain", "condition": "Telvic Pain", "procedure": None, "template": "condition", "text": "",
             "query": "telvic pain", "repaired": False, "hits": 6, "status": "found",
             "translation": '"telvic pain"[MeSH Terms] OR "telvic pain"[All Fields]'}]),
        "records": frame(Records, [
            {"pmid": pmid, "status": "received", "title": title, "journal": None, "year": 2020,
             "publication_types": [], "languages": ["eng"], "mesh": mesh, "retracted": False, "notices": [],
             "sections": [{**section[0], "text": text}], "other_abstracts": []}
            for pmid, (title, text, mesh, _) in studies.items()]),
        "condensed": frame(Condensed, [
            {"pmid": pmid, "title": title, "year": 2020, "text": text, "words_before": 9, "words_after": 9,
             "dropped": None, "rewritten": False} for pmid, (title, text, _, _) in studies.items()]),
        "grades": frame(Grades, [
            {"pmid": pmid, "grade": "1", "chance_of_strong": 0.5, "strong": True, "mean_rank": rank,
             "without_abstract": False} for pmid, (_, _, _, rank) in studies.items()]),
    }  # fmt: skip


def assigned(rows, budget=1000, studies=STUDIES, **changes):
    ledger = Ledger("assign_studies", "rows")
    given = tables(rows, studies) | changes
    table = assign(
        **given, budget=budget, count_tokens=lambda lines: [len(line.split()) for line in lines], ledger=ledger
    )
    return Assigned.validate(table), ledger.as_dict()


def test_a_row_gets_the_studies_of_its_procedure_first_and_no_hidden_or_unrelated_one():
    table, ledger = assigned([{"procedure": "CT telvis with IV contrast"}, {"procedure": "US telvis"}])
    of_ct, of_us = (table.filter(id=f"row{number}") for number in (0, 1))
    assert of_ct["pmid"].to_list()[:2] == [1, 2]  # both name CT and the condition, the well-designed one first
    assert of_ct["pmid"].to_list()[2:] == [5, 3]  # CT by its MeSH heading alone; then the condition alone
    assert of_us["pmid"].to_list()[0] == 3
    assert not {4, 6} & {*table["pmid"]}  # names neither; hidden
    assert of_ct.select("number", "procedure_named", "condition_named").rows() == [
        (1, True, "telvic pain"),
        (2, True, "telvic pain"),
        (3, True, None),
        (4, False, "telvic pain"),
    ]
    assert ledger["taken"] == ledger["kept"] == 2 and ledger["facts"]["studies_found"] == 5


def test_the_budget_holds_and_a_row_without_evidence_says_why():
    table, ledger = assigned([{"procedure": "CT telvis"}], budget=20)
    assert table["tokens"].sum() <= 20 and table["pmid"][0] == 1
    _, ledger = assigned([{"procedure": "CT telvis"}], budget=3)
    assert set(ledger["left_out"]) == {"no study short enough for the budget"}
    nothing = tables([{"procedure": "CT telvis"}])["found"].clear()
    table, ledger = assigned([{"procedure": "CT telvis"}], found=nothing)
    assert table.is_empty() and set(ledger["left_out"]) == {"no study of the condition"}
    elsewhere = {"procedure": "CT telvis", "condition": "Morvane Syndrome"}
    table, ledger = assigned([elsewhere], studies={4: STUDIES[4]})
    assert set(ledger["left_out"]) == {"no study names the procedure or the condition"}


def test_without_grades_likeness_alone_decides():
    table, ledger = assigned([{"procedure": "US telvis"}], grades=None)
    assert table["pmid"][0] == 3 and table["grade"].null_count() == table.height
    assert ledger["facts"]["graded"] is False


def test_studies_that_cannot_be_shown_are_counted_by_reason():
    condensed = tables([])["condensed"].with_columns(
        text=pl.when(pl.col("pmid") == 1).then(None).otherwise("text"),
        dropped=pl.when(pl.col("pmid") == 1).then(pl.lit("retracted")),
    )
    table, ledger = assigned([{"procedure": "CT telvis"}], condensed=condensed)
    assert 1 not in set(table["pmid"])
    assert ledger["facts"]["studies_that_cannot_be_shown"] == {"retracted": 1}


def test_evidence_is_numbered_as_the_prompt_shows_it():
    table, _ = assigned([{"procedure": "CT telvis"}])
    shown = of_rows(table, tables([])["condensed"])["row0"]
    assert [study["number"] for study in shown] == [1, 2, 3, 4]
    assert shown[0] == {"number": 1, "pmid": 1, "text": STUDIES[1][1]}


@pytest.mark.parametrize(
    ("text", "named", "not_named"),
    [
        ("contrast-enhanced CT of the telvis", {"ct"}, {"mri", "us", "pet"}),
        ("hospitals in the US were asked", set(), {"us"}),
        ("MR imaging and MRCP", {"mri", "mrcp"}, {"ct"}),
        ("transvaginal ultrasonography", {"us"}, {"radiography"}),
        ("FDG-PET/CT was used", {"pet"}, {"mri"}),
        ("acute abdominal radiographs", {"radiography"}, {"fluoroscopy"}),
        ("Tc-99m bone scintigraphy", {"scan"}, {"ct"}),
        ("the act of contracting", set(), {"ct"}),
    ],
)
def test_kinds_of_procedures_are_known_by_their_words(text, named, not_named):
    found = mentions.modalities_named(pl.DataFrame({"pmid": [1], "text": [text.lower()], "mesh": ["||"]})).row(
        0, named=True
    )
    assert all(found[name] for name in named) and not any(found[name] for name in not_named)


def test_a_procedure_without_a_known_modality_is_known_by_its_words():
    assert mentions.wanted("Percutaneous telvostomy") == mentions.Wanted((), ("percutaneous", "telvostomy"))
    studies = {7: ("Percutaneous telvostomies", "Percutaneous telvostomy helped in telvic pain.", [], 1.0)}
    table, _ = assigned([{"procedure": "Percutaneous telvostomy"}], studies=studies)
    assert table["procedure_named"].to_list() == [True]


@given(st.integers(0, 60), st.lists(st.integers(0, 30), max_size=12))
def test_a_budget_is_never_passed_and_what_still_fits_is_taken(budget, sizes):
    kept = within(budget, enumerate(sizes))
    used = sum(sizes[one] for one in kept)
    assert used <= budget and kept == sorted(kept)
    assert all(
        sizes[one] > budget - sum(sizes[k] for k in kept if k < one) for one in range(len(sizes)) if one not in kept
    )

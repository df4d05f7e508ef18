"""PubMed records are read with every word, and safely."""

from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import polars as pl
import pytest
from eutils_programs import article, articles

from acrflow import schemas
from acrflow.evidence.reader import ARTICLES, BrokenXml, Record, absent, read_records, split_articles
from acrflow.evidence.sources import NoSource, Snapshot, collect_records
from acrflow.io.errors import InputError
from acrflow.io.ledger import Ledger
from acrflow.schemas.evidence import Records

PMID = 90_000_001


def read(xml: str) -> Record:
    [record] = read_records(f"<PubmedArticleSet>{xml}</PubmedArticleSet>".encode())
    return record


def abstract(inner: str) -> str:
    """The text of an abstract of one section."""
    [section] = read(article(PMID, f"<AbstractText>{inner}</AbstractText>"))["sections"]
    return section["text"]


def test_text_in_and_after_inline_markup_is_kept() -> None:
    text = abstract("Below 60 mL per 1.73 m<sup>2</sup> in <b>34 <i>%</i></b> of\n patients &lt;<sub>2</sub> D&amp;E.")
    assert text == "Below 60 mL per 1.73 m2 in 34 % of patients <2 D&E."


def test_a_raised_number_does_not_fuse_with_the_one_before_it() -> None:
    assert abstract("Counts of 10<sup>6</sup> and 10<sup>-3</sup>, 5<sup>th</sup> visit.") == (
        "Counts of 10^6 and 10^-3, 5th visit."
    )


def test_formulas_are_readable() -> None:
    math = '<mml:math xmlns:mml="http://www.w3.org/1998/Math/MathML">{}</mml:math>'
    power = "<mml:msup><mml:mi>x</mml:mi>\n <mml:mn>2</mml:mn></mml:msup>"
    row = "<mml:mrow><mml:mi>a</mml:mi><mml:mo>+</mml:mo><mml:mi>b</mml:mi></mml:mrow>"
    share = f"<mml:mfrac>{row}<mml:mn>2</mml:mn></mml:mfrac>"
    root = "<mml:msqrt><mml:mn>3</mml:mn></mml:msqrt>"
    text = abstract(f"With {math.format(power)} of {math.format(share)} or {math.format(root)}, all rose.")
    assert text == "With x^2 of (a+b)/2 or √(3), all rose."


def test_sections_keep_labels_and_categories() -> None:
    sections = read(
        article(PMID, '<AbstractText Label="AIM" NlmCategory="OBJECTIVE">To scan.</AbstractText>'
                '<AbstractText>It rose.</AbstractText><CopyrightInformation>Nobody.</CopyrightInformation>')
    )["sections"]  # fmt: skip
    assert sections == [
        {"label": "AIM", "category": "OBJECTIVE", "text": "To scan."},
        {"label": None, "category": None, "text": "It rose."},
    ]


def test_an_english_abstract_by_another_hand_stands_in_and_others_are_kept_apart() -> None:
    german = '<OtherAbstract Type="Publisher" Language="ger"><AbstractText>Es stieg.</AbstractText></OtherAbstract>'
    english = '<OtherAbstract Type="PIP"><AbstractText>It rose.</AbstractText></OtherAbstract>'
    record = read(article(PMID, "", extra=german + english))
    assert [section["text"] for section in record["sections"]] == ["It rose."]
    assert [other["language"] for other in record["other_abstracts"]] == ["ger", "eng"]
    assert read(article(PMID, "", extra=german))["sections"] == []


def test_retractions_errata_and_concerns_are_told_apart() -> None:
    def corrected(kind: str) -> str:
        inside = f'<CommentsCorrections RefType="{kind}"><PMID>90000009</PMID></CommentsCorrections>'
        return f"<CommentsCorrectionsList>{inside}</CommentsCorrectionsList>"

    by_note, by_type = (
        read(article(PMID, extra=corrected("RetractionIn"))),
        read(article(PMID, types="Retracted Publication")),
    )
    assert by_note["retracted"] and by_type["retracted"]
    assert read(article(PMID, extra=corrected("RetractedandRepublishedIn")))["retracted"]
    assert by_note["pmid"] == PMID  # not that of the notice
    for kind in ("RetractionOf", "RetractedandRepublishedFrom", "ErratumIn", "ExpressionOfConcernIn"):
        record = read(article(PMID, extra=corrected(kind)))
        assert (record["retracted"], record["notices"]) == (False, [kind])


def test_the_year_is_found_in_a_medline_date() -> None:
    xml = article(PMID).replace("<Year>2020</Year>", "<MedlineDate>1998 Dec-1999 Jan</MedlineDate>")
    assert read(xml)["year"] == 1998


def test_a_book_is_read() -> None:
    record = read(
        "<PubmedBookArticle><BookDocument><PMID>90000002</PMID>"
        "<Book><BookTitle>Invented<sup>®</sup> Reviews</BookTitle>"
        "<PubDate><Year>1999</Year></PubDate></Book><ArticleTitle><i>Morvane</i> Syndrome</ArticleTitle>"
        "<Language>eng</Language><PublicationType>Review</PublicationType><Abstract><AbstractText>It rose."
        "</AbstractText></Abstract></BookDocument></PubmedBookArticle>"
    )
    assert (record["title"], record["journal"], record["year"]) == ("Morvane Syndrome", "Invented® Reviews", 1999)
    assert record["sections"][0]["text"] == "It rose."


@pytest.mark.parametrize(
    "xml",
    [
        '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><PubmedArticleSet>&b;</PubmedArticleSet>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><PubmedArticleSet>&a;</PubmedArticleSet>',
        "<PubmedArticleSet><PubmedArticle>",
        "<html><body>Bad gateway</body></html>",
        "",
        "<PubmedArticleSet><PubmedArticle/></PubmedArticleSet>",
        '<?xml version="1.0" encoding="martian"?><PubmedArticleSet/>',
        "<PubmedArticleSet>" + article(PMID, "<AbstractText>" + "<i>" * 5000 + "</i>" * 5000 + "</AbstractText>"),
        "<PubmedArticleSet>" + article(PMID, "<AbstractText>" + "<i>" * 5000 + "</i>" * 5000 + "</AbstractText>")
        + "</PubmedArticleSet>",
    ],
)  # fmt: skip
def test_unsafe_or_broken_xml_is_refused(xml: str) -> None:
    with pytest.raises(BrokenXml):
        read_records(xml.encode())


def test_a_snapshot_gives_what_it_has_and_names_what_it_lacks(tmp_path: Path) -> None:
    for name, pmids in (("a", [PMID, PMID + 1]), ("b", [PMID + 1, PMID + 2])):
        inside = "".join(articles(pmids).values())
        (tmp_path / f"{name}.xml").write_text(f"<PubmedArticleSet>{inside}</PubmedArticleSet>")
    ledger = Ledger("fetch_records", "PMIDs")
    frame = Records.validate(collect_records(Snapshot(tmp_path), [PMID + 1, PMID, PMID + 5, PMID], ledger))
    assert frame.select("pmid", "status").rows() == [(PMID, "received"), (PMID + 1, "received"), (PMID + 5, "absent")]
    assert ledger.as_dict()["left_out"] == {"absent: no such record": {"count": 1, "examples": [str(PMID + 5)]}}
    assert collect_records(NoSource(), [PMID], ledger)["status"].to_list() == ["absent"]


def test_a_snapshot_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        collect_records(Snapshot(tmp_path / "none"), [PMID], Ledger("fetch_records", "PMIDs"))
    (tmp_path / "broken.xml").write_text("<PubmedArticleSet>")
    with pytest.raises(InputError, match=r"broken\.xml"):
        collect_records(Snapshot(tmp_path), [PMID], Ledger("fetch_records", "PMIDs"))


def test_no_text_of_any_real_record_is_lost(shared_data: Path) -> None:
    """Against `itertext` of the whole abstract; only a sign before a raised or lowered number may be added."""
    files = [shared_data / "pubmed/efetch_mixed_real.xml", *(shared_data / "pubmed/efetch").glob("*.xml")]
    seen = 0
    for file in files:
        records = read_records(file.read_bytes())
        elements = [element for element in fromstring(file.read_bytes()) if element.tag in ARTICLES]
        for record, element in zip(records, elements, strict=True):
            seen += 1
            text = "".join(part["text"] for part in record["sections"])
            assert _letters(text) == _letters(_source(element)), record["pmid"]
            assert record["title"] and record["year"] and record["languages"]
            [split] = read_records(split_articles(file.read_bytes())[record["pmid"]])
            assert split == record  # what the cache keeps reads the same
        frame = pl.DataFrame(records, schema=schemas.polars_schema(Records), orient="row")
        Records.validate(frame)
    assert seen >= 36


def test_an_absent_record_has_the_columns_of_a_received_one() -> None:
    assert absent(PMID).keys() == read(article(PMID)).keys()


def _source(element: Element) -> str:
    """All text of an article's own abstract, else of the one by another hand."""
    for path in (".//Abstract/AbstractText", ".//OtherAbstract/AbstractText"):
        if text := "".join("".join(part.itertext()) for part in element.iterfind(path)):
            return text
    return ""


def _letters(text: str) -> str:
    """Text without white space and without the signs that keep raised and lowered numbers apart."""
    return "".join(text.translate(str.maketrans("", "", "^_")).split())

"""Traces keep every fact of the reasoning, in order, with its citations."""

import re

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from invented_guidelines import guidelines_of

from acrflow.dataset.traces import extract
from acrflow.io.ledger import Ledger
from acrflow.text import sentences
from acrflow.text.citations import CITATION, citations
from acrflow.text.sentences import split_all, split_sentences

WORDS = [
    "MRI",
    "lesion",
    "vs.",
    "et al",
    "i.e.",
    "1.5 mg",
    "(n = 3)",
    "found",
    "The",
    "P = .03",
    "e.g.",
    "Fig. 2",
    "eGFR",
]
WORDS += [
    "[1,4-8]",
    "[12]",
    "[3, 5]",
    ".",
    ". The",
    "\n\n",
    "?",
    "[CI]",
    "[18]F",
    "(see [7])",
    "“velum.”",
    "∯",
    "ca. 3",
]


def solid(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize(
    "sentence",
    [
        "A dose of 1.5 mg was given vs. 3 mg in controls [1,4-8].",
        "Rud et al [28] found no difference (P = .03).",
        "Velan et al. [12] reported lesions of 3 mm.",
        "The scan, i.e. the first one, shows the velum, e.g. in Fig. 2 or Table 3.",
        "The sensitivity was 95%.[4,5]",
        "MRI (velum only. No contrast.) was enough.",
        "eGFR below 30 is a contraindication.",
        "The dose was approx. 12.5% lower, cf. the earlier trial.",
        "It was safe in the U.S. population.",
    ],
)
def test_a_clinical_sentence_stays_whole(sentence):
    text = f"Imaging of the velum is common. {sentence} The rest was normal [9]."
    assert split_sentences(text).sentences == ("Imaging of the velum is common.", sentence, "The rest was normal [9].")


def test_a_citation_behind_the_full_stop_stays_with_its_sentence():
    assert split_sentences("US is quick. [3,4] MRI is slow.").sentences == ("US is quick. [3,4]", "MRI is slow.")


def test_a_closing_sign_stays_with_its_sentence():
    text = 'US has an "A+” grade and "allows early care.” MRI is slow.'
    assert split_sentences(text).sentences == ('US has an "A+” grade and "allows early care.”', "MRI is slow.")


def test_a_sentence_never_spans_two_paragraphs_and_line_breaks_are_blanks():
    assert split_sentences("US is\nquick\n\nMRI is slow.").sentences == ("US is quick", "MRI is slow.")


def test_a_missing_blank_after_a_citation_does_not_hide_a_sentence():
    assert split_sentences("US is quick [5,7].The scan is slow.").sentences == (
        "US is quick [5,7].",
        "The scan is slow.",
    )


def test_text_that_the_splitter_would_swallow_is_kept_whole_and_counted():
    split = split_sentences("US is quick∯yes. MRI is slow.")
    assert split.sentences == ("US is quick∯yes. MRI is slow.",)
    assert split.unsplit == 1


@pytest.mark.parametrize(
    "text",
    [
        "Scans (e.g. CT vs. MRI) rose to 0.5 mg.|E. coli was seen (p = .05).|In 3 vs. 4 patients, ca. 5 % fell!|Done.",
        "Surgery between Jan. 1, 1999, and Dec. 30, 2009.|It was approved by the U.S. Food and Drug Administration.",
        "We asked (It was early. Nobody came) again.|The word “Stop. Now is late” was heard.|They were scanned.",
        "The scan was read with MRI.|It found 12% (3 of 25).|They left in 2009.|Dr. Voss and Prof. Quill stayed.",
    ],
)
def test_sentences_of_an_abstract_end_where_they_end(text: str) -> None:
    assert split_sentences(text.replace("|", " ")).sentences == tuple(text.split("|"))


@given(
    st.lists(
        st.sampled_from([*(set(WORDS) - {"∯"}), "(It", "ended.", "“Stop.", "late”", "MRI.", "2009.", "12%."]),
        max_size=25,
    )
)
@settings(max_examples=200, deadline=None)
def test_where_a_sentence_surely_ends_pysbd_ends_it_too(words: list[str]) -> None:
    text = " ".join(words)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sentences, "_SURE", re.compile("(?!)"))
        everywhere = split_sentences.__wrapped__(text)
    assert split_sentences(text) == everywhere


@given(st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join))
@settings(max_examples=300, deadline=None)
def test_no_text_is_lost_and_no_citation_invented(text):
    sentences = split_sentences(text).sentences
    assert solid("".join(sentences)) == solid(text)
    assert [number for sentence in sentences for number in re.findall(CITATION, sentence)] == re.findall(CITATION, text)
    assert {number for sentence in sentences for number in citations(sentence)} == set(citations(text))


@given(st.text(max_size=80))
@settings(max_examples=200, deadline=None)
def test_no_character_of_any_text_is_lost(text):
    assert solid("".join(split_sentences(text).sentences)) == solid(text)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("[1,4-8]", [1, 4, 5, 6, 7, 8]),
        ("[12, 14–16]", [12, 14, 15, 16]),
        ("[8- 11,21]", [8, 9, 10, 11, 21]),
        ("[3] and [3,2]", [3, 2]),
        ("[9-7]", [9, 7]),
        ("[1-9000]", [1, 9000]),
        ("[18]F-tracer, [CI], [ 11 C], (4)", []),
        ("[95% CI, 1.2-1.8]", []),
    ],
)
def test_citations_are_read_as_numbers(text, numbers):
    assert citations(text) == numbers


def test_every_row_has_its_traces_in_order_and_rows_without_reasoning_are_counted():
    guidelines, ledger = guidelines_of(topics=1, variants=1, copies=1), Ledger("extract_traces", "rows")
    traces = extract(guidelines, ledger)
    us = guidelines.filter(pl.col("procedure") == "US velum 0")["id"][0]
    of_us = traces.filter(pl.col("id") == us)
    assert of_us["position"].to_list() == [0, 1]
    assert of_us["trace"].to_list() == ["US is quick.", "US needs no contrast [3]."]
    assert of_us["citations"].to_list() == [[], [3]]
    assert (ledger.taken, ledger.kept) == (4, 2)
    assert ledger.as_dict()["left_out"]["no reasoning"]["count"] == 2


def test_two_processes_split_as_one_does():
    texts = [f"CT has a sensitivity of {n}.5% [{n}]. It is preferred vs. radiography [2]." for n in range(800)]
    assert split_all([*texts, *texts], workers=2) == {text: split_sentences(text) for text in texts}

"""Condense abstracts: keep what was found, drop how it was looked for."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from acrflow import schemas
from acrflow.io.ledger import Ledger
from acrflow.schemas.evidence import Condensed
from acrflow.text.sentences import split_sentences

RESULTS, CONCLUSIONS = "RESULTS", "CONCLUSIONS"  # NlmCategory of the sections kept


def _words(label: str) -> list[str]:
    """Lower-case words of a label, possessives cut ("Authors' conclusions")."""
    return re.findall(r"[a-z]+", re.sub(r"['’]s?\b", "", label.lower()))


# A label with one of these words names findings, whatever NlmCategory says (often UNASSIGNED or nothing).
# Covers Cochrane's "Main results" and "Authors' conclusions", and mixed ones such as "Methods and Results".
RESULT_WORDS = frozenset(_words("result results finding findings synthesis"))
CONCLUSION_WORDS = frozenset(
    _words(
        "conclusion conclusions concluding interpretation interpretations implication implications recommendation "
        "recommendations discussion impact relevance significance points advances"
    )
)
# Words that headings are made of beside those.
OTHER_HEADING_WORDS = frozenset(
    _words(
        "aim aims analysis author authors background clinical collection context criteria data design eligibility "
        "evidence extraction funding goal goals importance introduction intervention interventions key knowledge "
        "limitations main material materials measure measures measurements method methodology methods objective "
        "objectives outcome outcomes participants patients primary principal procedure procedures purpose rationale "
        "registration reviewer reviewers search secondary selection setting settings sources statistical strategy "
        "study subjects summary trial"
    )
)
SMALL_WORDS = frozenset(_words("and for in of the to"))
_HEADING = re.compile(r"(?:^|(?<=[.!?;)\]]\s))([A-Z][A-Za-z'’&/,-]*(?: [A-Za-z'’&/,-]+){0,5}) ?:(?=\s)")

_NUMBER = re.compile(r"(?<![\w.])[-+−–<>=≥≤±~]*\d+(?:[.,·]\d+)*(?![\w])(?!-?(?:D|dimensional|T)\b)")
_NUMBER_WORD = re.compile(
    r"\b(?:half|third|quarter|majority|most|none|dozen|hundred|thousand|eleven|twelve|\w+teen"
    r"|(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:-\w+)?)\b"
    # small ones only where they count cases: "nine of ten", "five patients", but not "two phases"
    r"|\b(?:no|one|two|three|four|five|six|seven|eight|nine|ten) (?:of|(?:\w+ )?(?:patients?|cases?|subjects?|adults?"
    r"|children|women|men|studies|readers|lesions?|deaths?)|\w+(?: \w+)? (?:was|were|had|occurred|died))\b",
    re.IGNORECASE,
)
_COMPARISON = re.compile(
    r"\b(?:compar\w+ (?:with|to|favou?rably)|versus|vs|than|superior\w*|inferior\w*|significan\w+"
    r"|differ(?:s|ed|ences?)?|no (?:difference|association|benefit|evidence|effect)|higher|lower|greater|fewer"
    r"|increas\w+|decreas\w+|reduc\w+|improv\w+|worse\w*|correlat\w+|associat\w+|predict\w+|outperform\w*"
    r"|equivalent|comparable|similar)\b",
    re.IGNORECASE,
)
_ACCURACY = re.compile(
    r"\b(?:sensitiv\w+|specificit\w+|accura\w+|predictive values?|PPV|NPV|AUC|AUROC|ROC|likelihood ratios?|kappa"
    r"|(?:odds|hazard|risk) ratios?|confidence intervals?|diagnostic (?:yield|performance)"
    r"|false[- ](?:positive|negative)|prevalence|incidence|detect(?:ed|ion)|agreement|percent)\b|%",
    re.IGNORECASE,
)
_CONCLUSION = re.compile(
    r"^(?:in (?:conclusion|summary)|we (?:conclude|found|recommend)|our (?:results|findings|data|study)"
    r"|these (?:results|findings|data)|the (?:results|findings|data)|therefore|thus|this study (?:shows|suggests))\b"
    r"|\brecommend(?:ed|ation)?\b|\bof choice\b|\bshould(?: not)? be\b",
    re.IGNORECASE,
)
# What a study set out to do is no finding, though it speaks of accuracy and comparison; unless it goes on to tell it.
_AIM = re.compile(
    r"^(?:to [a-z]+|we (?:aimed|sought|set out|wanted) to|this (?:study|article|review|paper) (?:aim\w*|was (?:designed"
    r"|undertaken|performed|conducted))|(?:the|our) (?:\w+ )?(?:aim|purpose|objective|goal)s?)\b",
    re.IGNORECASE,
)
_TOLD = re.compile(r"%|\bp ?[<=>]|\b(?:found|showed|revealed|demonstrated|identified|resulted)\b", re.IGNORECASE)

Section = Mapping[str, str | None]


def condense(records: pl.DataFrame, unstructured: str, ledger: Ledger) -> pl.DataFrame:
    """Keep the results and conclusions of each abstract.

    Args:
        records: one row per PMID (`Records`).
        unstructured: abstracts without sections: "findings" keeps the sentences with findings and the last one,
            "whole" keeps all.
        ledger: taken are requested PMIDs, kept are those with a text; left out by reason.

    Returns:
        One row per PMID (`Condensed`) in the given order, words counted before and after. The text consists
        of whole sentences of the abstract, unaltered and in their order, so every number in it is in the source.
        Retracted studies, absent records and records without abstract have no text, and `dropped` says why.

    Source: the condensing of arXiv 2510.05194, section 3.3.3.
    """
    rows = []
    for record in records.select("pmid", "status", "title", "year", "retracted", "sections").iter_rows(named=True):
        text, dropped = None, _why_dropped(record)
        if dropped is None:
            text = condense_sections(record["sections"], unstructured)
            ledger.kept += 1
        else:
            ledger.leave_out(dropped, str(record["pmid"]))
        before = sum(len((section["text"] or "").split()) for section in record["sections"])
        after = len((text or "").split())
        rewritten = None if text is None else False
        rows.append((record["pmid"], record["title"], record["year"], text, before, after, dropped, rewritten))
    condensed = pl.DataFrame(rows, schema=schemas.polars_schema(Condensed), orient="row")
    ledger.taken += len(condensed)
    ledger.facts["retracted"] = condensed.filter(dropped="retracted")["pmid"].to_list()
    ledger.facts["words_before"] = condensed["words_before"].sum()
    ledger.facts["words_after"] = condensed["words_after"].sum()
    return condensed


def condense_sections(sections: Sequence[Section], unstructured: str) -> str:
    """The findings of one abstract with at least one section; see `condense`.

    Headings printed inside the text ("RESULTS: ...") count as sections. Where no section says that it holds results,
    they stand under another heading or none: then the sentences with findings are kept from all of them.
    """
    parts = [part for section in sections for part in _split_at_headings(section)]
    has_results, has_conclusions = any(map(_names_results, parts)), any(map(_names_conclusions, parts))
    if not has_results and not has_conclusions:
        sentences = _sentences(" ".join(part["text"] or "" for part in parts))
        return " ".join(sentences if unstructured == "whole" else _with_findings(sentences))
    texts: list[str] = []
    for part in parts:
        text = part["text"] or ""
        if _names_results(part) or _names_conclusions(part):
            texts.append(text)
        elif not part["label"] or not has_results:
            texts.extend(sentence for sentence in _sentences(text) if _has_finding(sentence))
    return " ".join(texts)


def _sentences(text: str) -> tuple[str, ...]:
    return split_sentences(text).sentences


def _why_dropped(record: Mapping[str, Any]) -> str | None:
    if record["status"] == "absent":
        return "no record"
    if record["retracted"]:
        return "retracted"
    return None if record["sections"] else "no abstract"


def _split_at_headings(section: Section) -> list[Section]:
    """A section cut at the headings printed in its text; text before the first one keeps the section's own."""
    text = section["text"] or ""
    headings = [found for found in _HEADING.finditer(text) if _is_heading(found.group(1))]
    if not headings:
        return [section]
    ends = [found.start() for found in headings[1:]] + [len(text)]
    parts: list[Section] = [{**section, "text": text[: headings[0].start()].strip()}]
    parts += [
        {"label": found.group(1), "category": None, "text": text[found.end() : end].strip()}
        for found, end in zip(headings, ends, strict=True)
    ]
    return [part for part in parts if part["text"]]


def _is_heading(text: str) -> bool:
    """Whether the words before a colon are a heading: made of heading words, not of small ones alone."""
    words = set(_words(text)) - SMALL_WORDS
    return bool(words) and words <= RESULT_WORDS | CONCLUSION_WORDS | OTHER_HEADING_WORDS


def _names_results(section: Section) -> bool:
    return section["category"] == RESULTS or not RESULT_WORDS.isdisjoint(_words(section["label"] or ""))


def _names_conclusions(section: Section) -> bool:
    return section["category"] == CONCLUSIONS or not CONCLUSION_WORDS.isdisjoint(_words(section["label"] or ""))


def _with_findings(sentences: Sequence[str]) -> list[str]:
    """The sentences with a finding, and the last one, which concludes."""
    last = len(sentences) - 1
    return [sentence for index, sentence in enumerate(sentences) if index == last or _has_finding(sentence)]


def _has_finding(sentence: str) -> bool:
    """Whether a sentence gives a number, a comparison, a measure of accuracy or a conclusion, and is no aim."""
    if _AIM.match(sentence) and not _TOLD.search(sentence):
        return False
    return any(pattern.search(sentence) for pattern in (_NUMBER, _NUMBER_WORD, _COMPARISON, _ACCURACY, _CONCLUSION))

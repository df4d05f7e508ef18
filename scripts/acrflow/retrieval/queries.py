"""What is asked of PubMed about a condition: eight templates, in words and as Boolean queries, and the filters.

The templates are those of arXiv 2510.05194, section on retrieved evidence.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from acrflow.config.retrieval import Retrieval
from acrflow.inference.backend import Conversation, Decoding
from acrflow.inference.cache import CachedModel, Progress, longest_first
from acrflow.retrieval.boolean import PROSE, Joined, NoQuery, Query, Term, read, terms

IMAGING = "diagnostic imaging"
TEMPLATES = {
    "condition": "{condition}",
    "imaging": "Diagnostic imaging for {condition}",
    "clinical_evidence": "Clinical evidence for imaging in the evaluation of {condition}",
    "related": "Conditions related to {condition}",
    "synonyms": "Synonyms of {condition}",
    "other_names": "Other names of {condition}",
    "procedure": "Clinical evidence for {procedure} in {condition}",
    "pico": "In patients with {condition}, does {procedure}, compared with other tests, change diagnosis or outcome?",
}
PER_PROCEDURE = ("procedure", "pico")
ANY_PROCEDURE = "imaging"
MOST_NAMES = 8  # of a condition in a query: what PubMed's translation gives beyond is rarely of the condition

SYSTEM = (
    "You write search queries for PubMed. Answer with one Boolean query and nothing else: terms in quotes with a field "
    "such as [tiab] or [MeSH Terms], joined by AND and OR, with parentheses."
)

_EVIDENCE = '"sensitivity and specificity"[mh] OR diagnostic accuracy OR clinical trial[pt] OR systematic review[pt]'
_MODALITIES = "radiography OR ultrasonography OR tomography OR magnetic resonance imaging OR radionuclide imaging"
_OUTCOME = "diagnosis[sh] OR outcome OR management OR prognosis"
_VAGUE = re.compile(
    r"\b(?:suspected|known|possible|initial|evaluation of|imaging of|imaging|screening for|follow-?up of|adult)\b"
)
_SMALL_WORDS = frozenset(re.findall(r"\w+", "a an and as at by for from in is of on or the to with"))
_CONTRAST = re.compile(r"\b(?:without and with|without|with) (?:iv |intravenous |oral )*contrast\b", re.IGNORECASE)


class Question(NamedTuple):
    """One template filled in.

    Attributes:
        topic, condition: the guideline's folder name and title.
        procedure: None where imaging in general is meant.
        template: one of `TEMPLATES`.
    """

    topic: str
    condition: str
    procedure: str | None
    template: str

    @property
    def text(self) -> str:
        """The question in words."""
        return TEMPLATES[self.template].format(condition=self.condition, procedure=self.procedure or ANY_PROCEDURE)


@dataclass(frozen=True)
class Names:
    """How PubMed itself calls a condition: MeSH headings, and the words that it looks for beside them."""

    headings: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Filters:
    """Which studies a search is confined to; retracted ones never count.

    Attributes:
        since, until: years of publication, both included; until None has no end.
        languages: as PubMed names them ("english"); none for all.
        publication_types: for instance "Clinical Trial"; none for all.
    """

    since: int
    until: int | None = None
    languages: tuple[str, ...] = ()
    publication_types: tuple[str, ...] = ()

    @classmethod
    def of(cls, settings: Retrieval) -> "Filters":
        """Those that the configuration asks for."""
        return cls(settings.since, settings.until, tuple(settings.languages), tuple(settings.publication_types))

    def on(self, query: Query) -> Query:
        """The query, confined."""
        for names, field in ((self.languages, "la"), (self.publication_types, "pt")):
            if names:
                query = Joined("AND", query, _any(Term(name, field, " " in name) for name in names))
        query = Joined("AND", query, Term(f"{self.since}:{self.until or 3000}", "dp"))
        return Joined("NOT", query, Term("retracted publication", "pt", True))


Rewriter = Callable[[Question, Names], str]


def questions(topic: str, condition: str, procedures: Sequence[str] = ()) -> list[Question]:
    """The eight questions about a condition, and the last two again for each procedure that is given."""
    asked = [Question(topic, condition, None, template) for template in TEMPLATES]
    return asked + [
        Question(topic, condition, procedure, template)
        for procedure in dict.fromkeys(procedures)
        for template in PER_PROCEDURE
    ]


def names(translation: str) -> Names:
    """What a query translation of PubMed says of a condition.

    Args:
        translation: `QueryTranslation` of an ESearch for the condition's plain words.

    Returns:
        Its MeSH headings, and those of its words that are kin to one of them: a translation also holds the words of a
        condition that have no heading, alone and so of no use.
    """
    try:
        found = terms(read(translation)[0])
    except NoQuery:
        return Names()
    headings = {one.text: None for one in found if (one.field or "").lower().startswith("mesh terms")}
    stems = {word[:5] for heading in headings for word in heading.lower().split() if len(word) > 4}
    words = {
        one.text.lower(): None
        for one in found
        if (one.field or "").lower() == "all fields" and any(word[:5] in stems for word in one.text.lower().split())
    }
    return Names(tuple(headings)[:MOST_NAMES], tuple(words)[:MOST_NAMES])


def mesh_query(question: Question, known: Names) -> str:
    """The Boolean query of a question, without any model.

    Its words have no field, so that PubMed's own translation maps them to MeSH and entry terms; the templates about
    other names use what PubMed's translation of the condition gave.
    """
    core = plain_words(question.condition)
    headings = " OR ".join(f'"{one}"[MeSH Terms]' for one in known.headings)
    modality = plain_words(_CONTRAST.sub(" ", question.procedure)) if question.procedure else _MODALITIES
    majors = " OR ".join(f'"{one}"[majr]' for one in known.headings)
    synonyms = " OR ".join(f'"{one}"[tiab]' for one in known.words)
    return {
        "condition": core,
        "imaging": f"({core}) AND ({IMAGING})",
        "clinical_evidence": f"({core}) AND ({IMAGING}) AND ({_EVIDENCE})",
        "related": f"({headings or core}) AND (differential diagnosis) AND ({IMAGING})",
        "synonyms": f"({synonyms or core}) AND ({IMAGING})",
        "other_names": f'({majors or core}) AND "diagnostic imaging"[sh]',
        "procedure": f"({core}) AND ({modality})",
        "pico": f"({core}) AND ({modality}) AND (compared OR comparison OR versus) AND ({_OUTCOME})",
    }[question.template]


def plain_words(text: str) -> str:
    """The words of a title that say what it is about; where a dash or a colon parts it, either part will do.

    >>> plain_words("Left Telvic Pain-Suspected Ostrel Fever")
    'left telvic pain OR ostrel fever'
    """
    parts = re.split(r"\s+[-–—]+\s+|[–—:;]|-(?=Suspected|Known)", text)
    cleaned = (" ".join(_words(_VAGUE.sub(" ", part.lower()))) for part in parts)
    kept = [part for part in dict.fromkeys(cleaned) if part]
    return " OR ".join(kept) or " ".join(re.findall(r"\w+", text.lower())[:PROSE])


def _words(text: str) -> list[str]:
    """The words that PubMed would look for, no more than a query without operators may have."""
    return [word for word in re.findall(r"[^\W_][\w'-]*", text) if word not in _SMALL_WORDS][:PROSE]


def model_queries(
    asked: Sequence[Question], model: CachedModel, decoding: Decoding, progress: Progress = lambda texts: None
) -> dict[Question, str]:
    """What a language model makes of each question (DeepRetrieval, arXiv 2503.00223, or any instruction model).

    Args:
        model, decoding, progress: see `CachedModel.complete`.

    Returns:
        Its answers as they are; they may be no query (see `boolean.read`). A cut one is empty.
    """
    prompts: dict[Question, Conversation] = {
        question: [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question.text}]
        for question in asked
    }
    answers = model.complete(longest_first(prompts), decoding, progress)
    return {question: "" if answer.truncated else answer.text for question, answer in answers.items()}


def _any(alternatives: Any) -> Query:
    """The terms joined by OR."""
    first, *others = alternatives
    query: Query = first
    for other in others:
        query = Joined("OR", query, other)
    return query

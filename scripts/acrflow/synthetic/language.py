"""Invent guidelines: topics, variants, rated procedures, reasoning and studies, as plain data.

All topics share one small language, so that a topic held out stays readable to a model trained on the others.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from acrflow.synthetic import rules, uncited
from acrflow.synthetic.rules import ACUTE, CHRONIC, FACTS, KIDNEY, KINDS, PREGNANT, SETTINGS, Kind
from acrflow.synthetic.studies import Study, StudyMaker
from acrflow.tasks.appropriateness import DISAGREEMENT, MBA, UA, UNA

REGIONS = ("abdomen", "chest", "abdomen and pelvis", "neck", "pelvis")
OTHER_REGIONS = ("head", "knee")  # no topic is about these
SYMPTOMS = ("pain", "swelling", "bleeding", "weakness", "fever")
_EXTRAS = (("radiography", "ct_both", "cta"), ("radiography", "mra", "doppler"), ("ct_both", "radiography", "doppler"))
_ELSEWHERE = ("ct_without", "radiography", "mri_without", "us")
_MEDIANS = {UA: (7, 8, 9), MBA: (4, 5, 6), UNA: (1, 2, 3)}

_OPENINGS = {
    PREGNANT: "Pregnant patient. {Symptom} of the {region}.",
    ACUTE: "Acute {symptom} of the {region}.",
    KIDNEY: "Kidney failure. {Symptom} of the {region}.",
    CHRONIC: "Chronic {symptom} of the {region}. Prior ultrasound inconclusive.",
}
_DETAILS = ("", "Normal laboratory tests.", "Older patient.", "No fever.", "First visit.")
_LONG_DETAILS = (
    "Older patient with weight loss. Normal laboratory tests. No known mass. No surgery of the {region} before."
)
_INTRODUCTIONS = {
    PREGNANT: "This variant is about patients in pregnancy, for whom radiation and contrast are avoided.",
    ACUTE: "This variant is about patients with acute disease, for whom a fast test is needed.",
    KIDNEY: "This variant is about patients with kidney failure, for whom contrast is avoided.",
    CHRONIC: "This variant is about patients with chronic disease, for whom the first ultrasound found no cause.",
}


@dataclass(frozen=True)
class Reference:
    """An entry of a topic's bibliography."""

    number: int
    study: Study


@dataclass(frozen=True)
class Row:
    """A rated procedure: what a parser must find, in the words of `guideline.model.Row`."""

    procedure: str
    category: str
    strength_of_evidence: str
    adult_rrl: str
    pediatric_rrl: str | None
    rating: int
    median: int | None
    votes: tuple[int, ...]
    references: tuple[Reference, ...]
    narrative_procedure: str
    heading: str | None
    reasoning: str | None


@dataclass(frozen=True)
class Section:
    """The narrative's words on a family of procedures; paragraphs are separated by a blank line."""

    heading: str
    reasoning: str


@dataclass(frozen=True)
class Variant:
    number: int
    text: str
    introduction: str
    rows: tuple[Row, ...]
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class Topic:
    """An invented guideline.

    Attributes:
        background: paragraphs of the introduction.
        bibliography: numbered from 1 in the order of first citation.
    """

    topic: str
    title: str
    revision: str
    year: int
    background: tuple[str, ...]
    variants: tuple[Variant, ...]
    bibliography: tuple[Reference, ...]


@dataclass(frozen=True)
class _Procedure:
    """A procedure that a topic rates; `heading` is None where the narrative says nothing about its family."""

    kind: Kind
    region: str
    heading: str | None

    @property
    def name(self) -> str:
        return self.kind.name.format(region=self.region)


@dataclass(frozen=True)
class _Setup:
    """What the variants of one topic share."""

    index: int
    symptom: str
    region: str
    condition: str  # the title as it reads within a sentence
    procedures: list[_Procedure]

    def fill(self, template: str, spoken: str = "{M}") -> str:
        """Put the topic's words into a template; numbers stay open."""
        words = {"symptom": self.symptom, "Symptom": self.symptom.capitalize(), "region": self.region}
        return template.format(**words, M=spoken, n="{n}", m="{m}")


class _Bibliography:
    """Numbers studies in the order in which the narrative first cites them."""

    def __init__(self) -> None:
        self.references: list[Reference] = []

    def cite(self, studies: Sequence[Study]) -> list[Reference]:
        known = {reference.study for reference in self.references}
        for study in studies:
            if study not in known:
                self.references.append(Reference(len(self.references) + 1, study))
        return [reference for reference in self.references if reference.study in studies]


def brackets(references: Sequence[Reference]) -> str:
    """Citations as guidelines print them: [3], [3,7], [3-5], [1,3-5]."""
    runs: list[list[int]] = []
    for number in sorted({reference.number for reference in references}):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    parts = [f"{run[0]}-{run[-1]}" if len(run) > 2 else ",".join(map(str, run)) for run in runs]
    return f"[{','.join(parts)}]"


def invent(topics: Sequence[tuple[str, str]], seed: int) -> list[Topic]:
    """Invent one guideline per (folder name, title); the same arguments give the same guidelines, always."""
    return [_invent_topic(index, topic, title, seed) for index, (topic, title) in enumerate(topics)]


def records(topics: Sequence[Topic]) -> list[Study]:
    """Every cited study that the invented PubMed has a record of, once, by PMID."""
    studies = {reference.study for topic in topics for reference in topic.bibliography}
    return sorted((s for s in studies if s.recorded and s.pmid is not None), key=lambda study: study.pmid or 0)


def uncited_records(topics: Sequence[Topic], seed: int) -> list[Study]:
    """The studies on each condition that no guideline cites, by PMID: what a search finds beside the cited ones."""
    taken = {reference.study.pmid for topic in topics for reference in topic.bibliography}
    made: list[Study] = []
    for index, topic in enumerate(topics):
        setup = _setup(index, topic.title)
        draw = random.Random(f"{seed} {topic.topic} uncited")
        maker = StudyMaker(index, setup.condition, draw, seed, taken)
        made += uncited.studies(maker, draw, setup.fill)
    return sorted(made, key=lambda study: study.pmid or 0)


def _setup(index: int, title: str) -> _Setup:
    first, *rest = title.split()
    condition = " ".join([first, *(word.lower() for word in rest)])
    region = REGIONS[index % len(REGIONS)]
    return _Setup(index, SYMPTOMS[(index * 2) % len(SYMPTOMS)], region, condition, _procedures(index, region))


def _invent_topic(index: int, topic: str, title: str, seed: int) -> Topic:
    draw = random.Random(f"{seed} {topic}")
    setup = _setup(index, title)
    condition, region = setup.condition, setup.region
    maker = StudyMaker(index, condition, draw, seed)
    studies = {key: maker.studies(key, fact, setup.fill) for key, fact in FACTS.items()}
    bibliography = _Bibliography()
    background = (
        f"{condition} can cause {setup.symptom} of the {region} {brackets(bibliography.cite(maker.background()))}. "
        "Many patients need imaging to find the cause.",
        "The best test depends on the patient. Pregnancy, kidney failure, acute disease and a prior ultrasound matter.",
    )
    variants = tuple(
        _variant(number, setting, setup, studies, bibliography, draw)
        for number, setting in enumerate(draw.sample(SETTINGS, len(SETTINGS)), start=1)
    )
    return Topic(
        topic=topic,
        title=title,
        revision="New" if index % 3 == 0 else "Revised",
        year=2031 + index % 3,
        background=background,
        variants=variants,
        bibliography=tuple(bibliography.references),
    )


def _procedures(index: int, region: str) -> list[_Procedure]:
    """The eight procedures that a topic rates; in every second topic, the last is one of another region."""
    core = ["us", "ct_with", "ct_without", "mri_without", "mri_long" if index % 3 == 1 else "mri_both"]
    made = []
    for key in [*core, *_EXTRAS[index % len(_EXTRAS)]]:
        kind = KINDS[key]
        template = (kind.other_family if index % 4 == 1 else None) or kind.family
        made.append(_Procedure(kind, region, _heading(template, region)))
    if index % 2 == 0:
        kind, other = KINDS[_ELSEWHERE[index // 2 % len(_ELSEWHERE)]], OTHER_REGIONS[index // 2 % len(OTHER_REGIONS)]
        made[-1] = _Procedure(kind, other, None if index == 6 else _heading(kind.family, other))
    return made


def _heading(template: str, region: str) -> str:
    """A family's name in the narrative's title case: CT Abdomen and Pelvis."""
    words = template.format(region=region).split()
    return " ".join(word if word == "and" else word[0].upper() + word[1:] for word in words)


def _variant(
    number: int,
    setting: str,
    setup: _Setup,
    studies: dict[str, tuple[Study, ...]],
    bibliography: _Bibliography,
    draw: random.Random,
) -> Variant:
    details = _LONG_DETAILS if setup.index % 3 == 0 and setting == ACUTE else draw.choice(_DETAILS)
    ending = "Next imaging study." if setting == CHRONIC else "Initial imaging."
    sentences = (_OPENINGS[setting], details, f"Suspected {setup.condition}.", ending)
    text = setup.fill(" ".join(sentence for sentence in sentences if sentence))

    families: dict[str, list[_Procedure]] = {}
    for procedure in setup.procedures:
        families.setdefault(procedure.heading or "", []).append(procedure)
    sections, cited = [], {}
    for heading in sorted(families):
        reasoning, cited[heading] = _reasoning(setting, families[heading], setup, studies, bibliography)
        sections.append(Section(heading, reasoning))
    reasoning_of = {section.heading: section.reasoning for section in sections if section.heading}

    rows = [
        _row(procedure, setting, setup, cited[procedure.heading or ""], reasoning_of.get(procedure.heading or ""), draw)
        for procedure in setup.procedures
    ]
    _disagree(rows, setup.index, number, draw)
    if setup.index == 3 and number == 2:
        rows[0] = replace(rows[0], median=None)
    draw.shuffle(rows)
    rows.sort(key=lambda row: -row.rating)
    kept = tuple(section for section in sections if section.heading)
    return Variant(number, text, _INTRODUCTIONS[setting], tuple(rows), kept)


def _reasoning(
    setting: str,
    family: list[_Procedure],
    setup: _Setup,
    studies: dict[str, tuple[Study, ...]],
    bibliography: _Bibliography,
) -> tuple[str, list[Reference]]:
    """The narrative's words on a family, and the references that they cite."""
    kind = family[0].kind
    if family[0].region != setup.region:
        spoken = f"{kind.spoken} of the {family[0].region}"
        none = f"There is no relevant literature on {spoken} in {setup.condition}."
        return f"{none} {spoken} is not useful, because it does not show the {setup.region}.", []
    paragraphs, cited = [], []
    for key in rules.facts(setting, kind.modality, {procedure.kind.contrast for procedure in family}):
        fact, references = FACTS[key], bibliography.cite(studies[key])
        first, last = brackets(references), brackets(references[-1:])
        reason, support = setup.fill(fact.reason, kind.spoken), setup.fill(fact.support, kind.spoken)
        paragraphs.append(f"{reason[:-1]} {first}. {support[:-1]} {last}.")
        cited += references
    return "\n\n".join(paragraphs), cited


def _row(
    procedure: _Procedure,
    setting: str,
    setup: _Setup,
    references: list[Reference],
    reasoning: str | None,
    draw: random.Random,
) -> Row:
    kind = procedure.kind
    label = rules.rate(setting, kind.modality, kind.contrast, procedure.region == setup.region)
    median = draw.choice(_MEDIANS[label])
    strength = ("Expert Consensus", "Limited", "Moderate", "Strong")[min(len(references), 3)]
    name = procedure.name
    return Row(
        procedure=name,
        category=label,
        strength_of_evidence="Expert Opinion" if strength == "Limited" and setup.index == 5 else strength,
        adult_rrl="Varies" if setup.index == 7 and kind.name.startswith("Radiography") else kind.adult_rrl,
        pediatric_rrl=kind.pediatric_rrl,
        rating=median,
        median=median,
        votes=_votes(median, draw),
        references=tuple(draw.sample(references, len(references))),
        narrative_procedure=_heading(name, setup.region) if setup.index == 4 else name,
        heading=procedure.heading,
        reasoning=reasoning,
    )


def _votes(median: int, draw: random.Random) -> tuple[int, ...]:
    """Nine counts of an odd number of panelists whose median is `median`."""
    while True:
        panel = sorted(min(9, max(1, median + draw.choice((-2, -1, -1, 0, 0, 0, 1, 1, 2)))) for _ in range(17))
        if panel[8] == median:
            return tuple(panel.count(rating) for rating in range(1, 10))


def _disagree(rows: list[Row], index: int, number: int, draw: random.Random) -> None:
    """In a few variants, let the panel disagree on one procedure that the rules call May Be Appropriate."""
    if index % 3 != 1 or number != 1 + index % 2:
        return
    at = next((i for i, row in enumerate(rows) if row.category == MBA), None)
    if at is not None:
        low, high = draw.randint(4, 6), draw.randint(4, 6)
        votes = (1, low, 1, 1, 17 - low - high - 5, 0, 1, high, 1)
        rows[at] = replace(rows[at], category=DISAGREEMENT, rating=5, median=5, votes=votes)

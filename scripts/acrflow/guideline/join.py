"""Which heading explains which row, and which table row is which: procedure names compared by their words.

A name is a modality, a region and qualifiers: "MRI abdomen without and with IV contrast with MRCP". A heading is
mostly a shorter name, a family: "MRI Abdomen" explains every row that has its words. Where two headings fit, the one
that leaves fewer of the row's words unexplained wins; where two fit equally well, none is taken.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Join = Literal["exact", "family", "synonym", "none"]

THRESHOLD = 0.7  # below it nothing is joined
CONTRAST_LEFT_OPEN = 0.95  # a heading that names no contrast, for a row that does
ALTERNATIVE = 0.98  # one of the procedures that a heading names ("CT or MRI Pelvis"), or a name given in brackets
WIDER = 0.75  # a heading that adds a region or a procedure by "and" ("CT Abdomen and Pelvis", for CT abdomen)
QUALIFIER, QUALIFIERS = 0.25, 0.5  # weight of a word of "with MRCP", "with SPECT or SPECT/CT", and of all at most
DISTINCTIVE, DESCRIPTIVE = 1.0, 0.5  # weight of a missing word that another heading has, and of one that none has

# The field's names for one and the same thing, each written as the first. Order matters: longer phrases first.
_SYNONYMS: Sequence[tuple[str, str]] = (
    (r"mr cholangiopancreatography|magnetic resonance cholangiopancreatography", "mrcp"),
    (r"(?:computed tomography|ct) (?:angiography|angiogram)", "cta"),
    (r"(?:magnetic resonance|mr) (?:angiography|angiogram)", "mra"),
    (r"(?:computed tomography|ct) (?:venography|venogram)", "ctv"),
    (r"(?:magnetic resonance|mr) (?:venography|venogram)", "mrv"),
    (r"(?:computed tomography|ct) (?:urography|urogram)", "ctu"),
    (r"(?:magnetic resonance|mr) (?:urography|urogram)", "mru"),
    (r"positron emission tomography", "pet"),
    (r"computed tomography|cat scan", "ct"),
    (r"magnetic resonance imaging|magnetic resonance|mr imaging|mr", "mri"),
    (r"ultrasound|ultrasonography|sonography|sonogram", "us"),
    (r"plain films?|plain radiograph(?:y|s)|x-?rays?|radiograph(?:s|ic)?", "radiography"),
    (r"fluoroscop(?:ic|ically)", "fluoroscopy"),
    (r"mammogram", "mammography"),
    (r"dbt", "digital breast tomosynthesis"),
    (r"arteriogra(?:phy|m)|angiogram", "angiography"),
    (r"(?:radionuclide|nuclear medicine) scan|scintigraphy|scintigram", "scan"),
    (r"nuclear medicine|radionuclide|imaging", ""),
    (r"ventilation[-/ ]perfusion", "v/q"),
    (r"pet-ct", "pet/ct"),
    (r"pet-mri?", "pet/mri"),
    (r"(?:trans)?vaginal us|tvus", "us transvaginal"),
    (r"intravenous|i\.v\.", "iv"),
    (r"contrast-enhanced|contrast enhanced", "contrast"),
)
_SYNONYM_PATTERNS = [(re.compile(rf"(?<![\w/-])(?:{old})(?![\w/-])"), new) for old, new in _SYNONYMS]
_STOP = frozenset(["and", "or", "of", "the", "a", "an", "to", "for", "in", "on", "by", "at", "as"])
_NAMES = "ct cta ctv ctu mri mra mrv mru mrcp us radiography fluoroscopy mammography angiography venography scan dxa"
_MODALITIES = frozenset(_NAMES.split())
_REGIONS = frozenset(
    ["head", "brain", "orbit", "neck", "chest", "abdomen", "pelvis", "spine", "extremity", "breast", "heart"]
)
_PROCEDURE_ADDED = re.compile(rf"\s+and\s+(?=(?:{_NAMES.replace(' ', '|')})\b)")
_CONTRAST = re.compile(
    r"\b(without and with|with and without|without or with|with or without|without and/or with|with and/or without"
    r"|without|with) (iv )?contrast\b"
)
_UNENHANCED = re.compile(r"\b(?:non-?contrast|unenhanced|nonenhanced)\b")
_WORD = re.compile(r"[a-z0-9]+(?:[-/+'][a-z0-9]+)*")


@dataclass(frozen=True)
class Name:
    """A procedure's name taken apart.

    Attributes:
        words: its words (modality, region, technique), plurals and synonyms made one.
        qualifiers: the words after a further "with".
        contrast: "with", "without", "both", or None where the name leaves it open.
    """

    words: frozenset[str]
    qualifiers: frozenset[str]
    contrast: str | None

    @property
    def techniques(self) -> frozenset[str]:
        return frozenset(filter(_is_technique, self.words))

    @property
    def modalities(self) -> frozenset[str]:
        return frozenset(word for word in self.words if word in _MODALITIES or "pet" in re.split("[-/]", word))


@dataclass(frozen=True)
class Match:
    """How a name was found among others: `index` of the other, None for none."""

    index: int | None
    join: Join
    score: float


NO_MATCH = Match(None, "none", 0.0)


def plain(name: str) -> str:
    """The name's letters and digits: equal for two spellings that differ in case, blanks and punctuation."""
    return " ".join(_WORD.findall(name.lower()))


@lru_cache(maxsize=4096)
def parse(name: str) -> Name:
    """Take a procedure's name apart."""
    text = " ".join(name.lower().replace("–", "-").split())
    for pattern, new in _SYNONYM_PATTERNS:
        text = pattern.sub(new, text)
    contrast: str | None = None
    found = _CONTRAST.search(text)
    if found:
        between = found[1].removeprefix("without").removeprefix("with").strip()
        # "with or without" leaves it open, "without and with" is one examination with two phases
        contrast = found[1] if not between else "both" if between.startswith("and ") else None
        text = f"{text[: found.start()]} {text[found.end() :]}"
    elif _UNENHANCED.search(text):
        contrast, text = "without", _UNENHANCED.sub(" ", text)
    main, *further = re.split(r"\bwith(?:out)?\b", text)
    words = _words(main)
    qualifiers = frozenset(word for part in further for word in _words(part)) - words
    if not words:
        words, qualifiers = qualifiers, frozenset()
    return Name(words, qualifiers, contrast)


def _words(text: str) -> frozenset[str]:
    return frozenset(_singular(word) for word in _WORD.findall(text) if word not in _STOP)


def _singular(word: str) -> str:
    if word.endswith("uses") and len(word) > 5:
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is", "/s")):
        return word[:-1]
    return word


@lru_cache(maxsize=4096)
def readings(name: str) -> tuple[str, ...]:
    """The name, then the names it may stand for: without its brackets, what the brackets hold, the parts it lists."""
    found = [name]
    bracket = re.search(r"\(([^()]*)\)", name)
    if bracket:
        name = " ".join(f"{name[: bracket.start()]} {name[bracket.end() :]}".split())
        found.append(name)
        if parse(bracket[1]).modalities:  # "(CT cystography)" is a name, "(not pelvis or hip)" is none
            found.append(bracket[1])
    found += [part for part in _listed(name) if part not in found]
    return tuple(reading for reading in found if parse(reading).words)


def _listed(name: str) -> list[str]:
    """The parts of "CT or MRI Pelvis" or "CT Abdomen or Pelvis", each with modality and region."""
    if re.search(r"\bwith\b.*\bor\b", name, re.IGNORECASE):
        return []  # "with SPECT or SPECT/CT" leaves something open and lists nothing
    parts = [part for part in re.split(r"\s+(?:or|and/or)\s+(?!with)|\s*;\s*|\s+/\s+", name) if part]
    modalities = [parse(part).modalities for part in parts]
    if len(parts) < 2 or not modalities[0]:
        return []
    front = " ".join(sorted(modalities[0]))
    tail = " ".join(sorted(parse(parts[-1]).words - parse(parts[-1]).modalities))
    parts = [part if found else f"{front} {part}" for part, found in zip(parts, modalities, strict=True)]
    return [part if parse(part).words - parse(part).modalities else f"{part} {tail}" for part in parts]


def best_match(names: Sequence[str], candidates: Sequence[str]) -> Match:
    """The candidate that says what one of `names` says.

    Args:
        names: the names of one row (the appendix's, and the narrative table's where it differs).
        candidates: headings, in the document's order.

    Returns:
        exact: the same words in the same order; synonym: the same thing in other words; family: the candidate says
        less (or, by an "and", more) than the name; none: no score reaches `THRESHOLD`, or two candidates tie.
    """
    spelled = [plain(name) for name in names]
    for index, candidate in enumerate(candidates):
        if plain(candidate) in spelled:
            return Match(index, "exact", 1.0)
    common = frozenset(word for candidate in candidates for word in parse(candidate).words)
    scores = [max((similarity(name, candidate, common) for name in names), default=0.0) for candidate in candidates]
    best = max(scores, default=0.0)
    if best < THRESHOLD:
        return NO_MATCH
    winners = {plain(candidates[index]) for index, score in enumerate(scores) if score > best - 1e-9}
    if len(winners) > 1:
        return NO_MATCH
    index = scores.index(best)
    same = any(_same(name, candidates[index]) for name in names)
    return Match(index, "synonym" if same else "family", round(best, 3))


def similarity(name: str, candidate: str, common: frozenset[str] = frozenset()) -> float:
    """How surely the candidate speaks of the name, 0 to 1.

    Args:
        common: words of all candidates; a word that only the name has and no candidate weighs less.
    """
    best = 0.0
    for at, reading in enumerate(readings(name)):
        if " and " in _CONTRAST.sub(" ", reading.lower()):
            common = common | parse(reading).words  # "CT Neck and Chest" is more than a CT chest
        for other_at, other in enumerate(readings(candidate)):
            score = _similarity(parse(reading), parse(other), common)
            score = max(score, WIDER * _part_of(parse(reading), other))
            best = max(best, score * (ALTERNATIVE if at or other_at else 1.0))
    return best


def _similarity(name: Name, candidate: Name, common: frozenset[str]) -> float:
    if candidate.words - name.words - name.qualifiers or not candidate.techniques >= name.techniques:
        return 0.0  # the candidate is narrower, or another examination
    listed = candidate.words & _REGIONS
    if len(listed) > 1 and name.words & _REGIONS > listed:
        return 0.0  # "CT Abdomen and Pelvis" says which regions it means: a CT of the chest as well is another one
    shared = len(name.words & candidate.words)
    unsaid = sum(DISTINCTIVE if word in common else DESCRIPTIVE for word in name.words - candidate.words)
    unsaid += min(QUALIFIERS, QUALIFIER * len(name.qualifiers - candidate.words - candidate.qualifiers))
    unsaid += len(candidate.qualifiers - name.qualifiers - name.words)
    return _contrast_fits(name, candidate) * shared / (shared + unsaid) if shared else 0.0


def _part_of(name: Name, candidate: str) -> float:
    """Whether the candidate adds to the name by an "and": a region ("CT Abdomen and Pelvis") or a procedure."""
    for part in _PROCEDURE_ADDED.split(_CONTRAST.sub(" ", candidate.lower())):
        added = parse(part).words - name.words
        if " and " in candidate and name.words <= parse(part).words and not any(map(_is_technique, added)):
            return _contrast_fits(name, parse(candidate)) if name.qualifiers <= parse(candidate).qualifiers else 0.0
    return 0.0


def _contrast_fits(name: Name, candidate: Name) -> float:
    if candidate.contrast is None:
        return CONTRAST_LEFT_OPEN if name.contrast else 1.0
    if candidate.contrast == name.contrast:
        return 1.0
    # a name without a word on contrast is done without it
    return CONTRAST_LEFT_OPEN if name.contrast is None and candidate.contrast == "without" else 0.0


def _is_technique(word: str) -> bool:
    """Words such as arthrography or myelography: another examination, not another region."""
    return word.endswith("graphy")


def _same(name: str, candidate: str) -> bool:
    """Whether two readings of the names say the same, contrast included."""
    return any(parse(reading) == parse(other) for reading in readings(name) for other in readings(candidate))


def pair(names: Sequence[str], others: Sequence[str]) -> dict[int, int]:
    """Pair two tables' procedures one to one: equal spellings first, then the most similar, best pairs first."""
    pairs: dict[int, int] = {}
    free = dict(enumerate(others))
    for index, name in enumerate(names):
        same = next((at for at, other in free.items() if plain(other) == plain(name)), None)
        if same is not None:
            pairs[index] = same
            del free[same]
    left = [index for index in range(len(names)) if index not in pairs]
    scored = sorted(
        (
            (min(similarity(names[index], other), similarity(other, names[index])), index, at)
            for index in left
            for at, other in free.items()
        ),
        key=lambda item: (-item[0], item[1], item[2]),
    )
    for score, index, at in scored:
        if score >= THRESHOLD and index not in pairs and at in free:
            pairs[index] = at
            del free[at]
    return pairs

"""Bring a topic's witnesses together, and say how well they agree.

The report calls the ratings "appendix", after the document that the ACR prints them in.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from acrflow.guideline import publishers, study_quality
from acrflow.guideline.join import best_match, pair
from acrflow.guideline.model import BibliographyEntry, Guideline, Row, Study, Variant
from acrflow.guideline.witnesses import Narrative, NarrativeVariant, RatedVariant, Ratings, Witnesses, canonical
from acrflow.io.errors import InputError
from acrflow.tasks.appropriateness import DISAGREEMENT, MBA

CONFLICT_SHARE = 0.02  # of the categories that both documents print; above it they are not witnesses of one guideline
SAME_GUIDELINE = "give the documents of one topic, downloaded on the same day"


def parse_topic(topic: str, documents: Mapping[str, Path], publisher: str = "acr") -> tuple[Guideline, dict[str, Any]]:
    """Parse a topic's documents.

    Args:
        documents: the path of each kind that the publisher has (`check.documents_of`).
        publisher: whose they are.

    Returns:
        the guideline and its quality report; see `bring_together`.

    Raises:
        InputError: a document is no guideline of the publisher, or see `bring_together`.
    """
    return bring_together(topic, publishers.load(publisher).read(documents))


def bring_together(topic: str, witnesses: Witnesses) -> tuple[Guideline, dict[str, Any]]:
    """One guideline of what a topic's documents say.

    Returns:
        the guideline (the ratings' figures, the narrative's words) and its quality report: counts, conflicts with
        both values, rows without reasoning, flagged references, studies, text not used.

    Raises:
        InputError: ratings and narrative belong to different topics, or disagree on more than `CONFLICT_SHARE` of the
            categories.
        ValueError: a study quality is not on the scale: the publisher's reader does not translate its key.
    """
    figures, studies = witnesses.ratings, witnesses.studies
    _refuse_unknown_grades(witnesses)
    words = witnesses.narrative or Narrative(figures.path, figures.place, "")
    if witnesses.narrative:
        _refuse_strangers(figures, words)
    report = _Report(topic)
    variants = [_variant(variant, words.variants.get(variant.number), report) for variant in figures.variants]
    appendix_numbers = {variant.number for variant in figures.variants}
    for number, witness in words.variants.items():
        if number not in appendix_numbers:
            report.only_narrative += [_named(number, row.procedure) for row in witness.rows]
    report.refuse_conflicts(figures.path, words.path)
    guideline = Guideline(
        topic=topic,
        title=figures.title or words.title,
        revision=words.revision,
        year=words.year,
        variants=variants,
        bibliography=words.bibliography,
        studies=studies or [],
    )
    found = use_studies(guideline) if studies is not None else None
    return guideline, {**report.as_dict(guideline, figures, words), "evidence_table": found}


def use_studies(guideline: Guideline) -> dict[str, Any]:
    """Give references without study quality the evidence table's, and say how well the two agree.

    A number counts as another citation's where the table and the bibliography begin with other authors: the table is
    then of another edition, and its quality is not taken over.
    """
    listed = {entry.number: entry for entry in guideline.bibliography}
    studies = {study.number: study for study in guideline.studies}
    others = [number for number in studies if number in listed and not _same_citation(studies[number], listed[number])]
    conflicts: dict[int, dict[str, Any]] = {}
    missing, filled = set(), set()
    for reference in [
        reference for variant in guideline.variants for row in variant.rows for reference in row.references
    ]:
        study = studies.get(reference.number)
        if study is None:
            missing.add(reference.number)
        elif reference.number in others or study.study_quality is None:
            continue
        elif reference.study_quality is None:
            reference.study_quality = study.study_quality
            filled.add(reference.number)
        elif reference.study_quality != study.study_quality:
            values = {"appendix": reference.study_quality, "evidence_table": study.study_quality}
            conflicts[reference.number] = {"number": reference.number, **values}
    return {
        "studies": len(studies),
        "study_quality_taken_over": sorted(filled),
        "study_quality_conflicts": [conflicts[number] for number in sorted(conflicts)],
        "references_without_study": sorted(missing),
        "other_citation_in_bibliography": sorted(others),
    }


def _same_citation(study: Study, entry: BibliographyEntry) -> bool:
    """Whether both begin with the same author; the rest is printed with small differences."""
    return canonical(study.citation)[:8] == canonical(entry.citation)[:8]


def _refuse_unknown_grades(witnesses: Witnesses) -> None:
    rows = [row for variant in witnesses.ratings.variants for row in variant.rows]
    grades = {reference.study_quality for row in rows for reference in row.references}
    grades |= {study.study_quality for study in witnesses.studies or []}
    unknown = grades - {None, *study_quality.RANK}
    if unknown:
        raise ValueError(f"study quality {sorted(map(str, unknown))} is not on the scale {list(study_quality.RANK)}")


def _refuse_strangers(figures: Ratings, words: Narrative) -> None:
    """Documents of different topics: neither the titles nor most of the variants are the same."""
    if canonical(figures.title) == canonical(words.title):
        return
    same = sum(_same_text(variant, words.variants.get(variant.number)) for variant in figures.variants)
    if 2 * same < len(figures.variants):
        what = f"its title is '{words.title}', but that of {figures.path}, {figures.place}, is '{figures.title}'"
        raise InputError(f"{words.path}, {words.place}", what, SAME_GUIDELINE)


def _same_text(variant: RatedVariant, witness: NarrativeVariant | None) -> bool:
    return witness is not None and canonical(variant.text) == canonical(witness.text)


def _named(variant: int, procedure: str) -> str:
    return f"variant {variant}: {procedure}"


class _Report:
    """What `qa.json` will say, gathered while the rows are joined."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.compared = 0
        self.conflicts: list[dict[str, Any]] = []
        self.shortened: list[dict[str, Any]] = []
        self.contradicted: list[dict[str, Any]] = []
        self.renamed: list[dict[str, Any]] = []
        self.only_appendix: list[str] = []
        self.only_narrative: list[str] = []
        self.unused_sections: list[str] = []
        self.unused_section_characters = 0

    def conflict(
        self, variant: int, procedure: str, column: str, values: tuple[str, str], places: tuple[str, str]
    ) -> None:
        """Keep both values, the appendix's and the narrative's, with the places they stand at."""
        found = {
            "variant": variant,
            "procedure": procedure,
            "column": column,
            **dict(zip(("appendix", "narrative"), values, strict=True)),
            **dict(zip(("appendix_place", "narrative_place"), places, strict=True)),
        }
        self.conflicts.append(found)
        if column == "category":
            # "(Disagreement)" left out is a shorter print of the same category, no sign of another guideline
            (self.shortened if set(values) == {DISAGREEMENT, MBA} else self.contradicted).append(found)

    def refuse_conflicts(self, appendix: Path, narrative: Path) -> None:
        """Two witnesses who disagree on more than `CONFLICT_SHARE` of the categories."""
        if len(self.contradicted) > CONFLICT_SHARE * self.compared:
            first = self.contradicted[0]
            what = (
                f"{len(self.contradicted)} of {self.compared} categories differ from the appendix's; the first is "
                f"{_named(first['variant'], first['procedure'])}: '{first['narrative']}' here, '{first['appendix']}' "
                f"in {appendix}, {first['appendix_place']}"
            )
            raise InputError(f"{narrative}, {first['narrative_place']}", what, SAME_GUIDELINE)

    def as_dict(self, guideline: Guideline, figures: Ratings, words: Narrative) -> dict[str, Any]:
        """The report as plain values."""
        rows = [(variant.number, row) for variant in guideline.variants for row in variant.rows]
        flagged = {
            (reference.number, reference.printed)
            for _, row in rows
            for reference in row.references
            if reference.pmid is None
        }
        return {
            "topic": self.topic,
            "title": {"appendix": figures.title, "narrative": words.title},
            "variants": {"appendix": len(figures.variants), "narrative": len(words.variants)},
            "rows": {
                "appendix": len(rows),
                "narrative": sum(len(variant.rows) for variant in words.variants.values()),
                "only_in_appendix": self.only_appendix,
                "only_in_narrative": self.only_narrative,
                "renamed": self.renamed,
            },
            "categories": {
                "compared": self.compared,
                "agree": self.compared - len(self.contradicted) - len(self.shortened),
            },
            "conflicts": self.conflicts,
            "joins": dict(Counter(row.join for _, row in rows)),
            "rows_without_reasoning": [_named(number, row.procedure) for number, row in rows if row.reasoning is None],
            "flagged_references": [
                {"number": number, "printed": printed, "status": "not_a_pmid" if printed else "no_pmid"}
                for number, printed in sorted(flagged, key=lambda item: (item[0], item[1] or ""))
            ],
            "text_not_used": {
                "sections": self.unused_sections,
                "section_characters": self.unused_section_characters,
                "appendix_characters": figures.unused,
                "narrative_characters": words.unused,
            },
        }


def _variant(figures: RatedVariant, words: NarrativeVariant | None, report: _Report) -> Variant:
    witness = words or NarrativeVariant(figures.number, "")
    if words and witness.text and canonical(witness.text) != canonical(figures.text):
        report.conflict(figures.number, "", "variant", (figures.text, witness.text), (figures.place, witness.place))
    pairs = pair([row.procedure for row in figures.rows], [row.procedure for row in witness.rows])
    headings = [section.heading for section in witness.sections]
    used: set[int] = set()
    rows = []
    for at, row in enumerate(figures.rows):
        printed = witness.rows[pairs[at]] if at in pairs else None
        names = [row.procedure, *([printed.procedure] if printed else [])]
        match = best_match(names, headings)
        section = witness.sections[match.index] if match.index is not None else None
        if match.index is not None:
            used.add(match.index)
        if printed is None:
            report.only_appendix.append(_named(figures.number, row.procedure))
        else:
            report.compared += 1
            places = (row.place, printed.place)
            if printed.procedure.lower() != row.procedure.lower():
                report.renamed.append(
                    {"variant": figures.number, "appendix": row.procedure, "narrative": printed.procedure}
                )
            if printed.category != row.category:
                report.conflict(figures.number, row.procedure, "category", (row.category, printed.category), places)
            if _level(printed.radiation) != _level(row.adult_rrl):
                values = (row.adult_rrl or "", printed.radiation or "")
                report.conflict(figures.number, row.procedure, "adult_rrl", values, places)
        rows.append(
            Row(
                procedure=row.procedure,
                category=row.category,
                strength_of_evidence=row.strength_of_evidence,
                adult_rrl=row.adult_rrl,
                pediatric_rrl=row.pediatric_rrl,
                rating=row.rating,
                median=row.median,
                votes=row.votes,
                references=row.references,
                narrative_procedure=printed.procedure if printed else None,
                narrative_category=printed.category if printed else None,
                reasoning=(section.text or None) if section else None,
                heading=section.heading if section else None,
                join=match.join,
                join_score=match.score,
            )
        )
    paired = set(pairs.values())
    report.only_narrative += [
        _named(figures.number, row.procedure) for at, row in enumerate(witness.rows) if at not in paired
    ]
    for at, part in enumerate(witness.sections):
        if at not in used:
            report.unused_sections.append(_named(figures.number, part.heading))
            report.unused_section_characters += len(part.text)
    return Variant(number=figures.number, text=figures.text, introduction=witness.introduction, rows=rows)


def _level(radiation: str | None) -> str:
    """The symbol in front of a radiation level: the narrative prints no doses."""
    return (radiation or "").split(" ")[0].lower()

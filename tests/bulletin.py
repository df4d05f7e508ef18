"""A second publisher, invented: a topic is a CSV file of ratings with their reasons, and perhaps one of studies.

This one file makes it known to acrflow; `test_publishers` puts it into a copy of the library.
"""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from acrflow.guideline.model import BibliographyEntry, RowReference, Study
from acrflow.guideline.publishers import Document, Publisher
from acrflow.guideline.witnesses import Narrative, NarrativeVariant, RatedRow, RatedVariant, Ratings, Section, Witnesses
from acrflow.io.errors import InputError
from acrflow.text.citations import pmid_of

CATEGORIES = {"do": "Usually Appropriate", "consider": "May Be Appropriate", "avoid": "Usually Not Appropriate"}
STUDY_QUALITY = {"high": "1", "moderate": "2", "low": "3", "very low": "4"}  # the bulletin's key
AGAIN = "export the topic again from the bulletin"


def look(path: Path) -> None:
    with open(path, encoding="utf-8") as file:
        if file.readline().strip() != "topic,scenario,text,procedure,advice,because,sources":
            raise InputError(f"{path}, line 1", "not the header of the bulletin's ratings", AGAIN)


def read(documents: Mapping[str, Path]) -> Witnesses:
    studies = list(_studies(documents["studies"])) if "studies" in documents else []
    references = {study.number: reference for study, reference in studies}
    path, title = documents["ratings"], ""
    rated: dict[int, RatedVariant] = {}
    words: dict[int, NarrativeVariant] = {}
    for place, line in _lines(path):
        title, number = line["topic"], int(line["scenario"])
        if line["advice"] not in CATEGORIES:
            raise InputError(f"{path}, {place}", f"no advice is called '{line['advice']}'", AGAIN)
        cited = [references[int(source)] for source in line["sources"].split()]
        row = RatedRow(place, line["procedure"], CATEGORIES[line["advice"]], references=cited)
        rated.setdefault(number, RatedVariant(place, number, line["text"])).rows.append(row)
        reason = Section(line["procedure"], line["because"])
        words.setdefault(number, NarrativeVariant(number, line["text"])).sections.append(reason)
    bibliography = [BibliographyEntry(number=study.number, citation=study.citation) for study, _ in studies]
    narrative = Narrative(path, "line 2", title, variants=words, bibliography=bibliography)
    return Witnesses(Ratings(path, "line 2", title, list(rated.values())), narrative, [study for study, _ in studies])


def _studies(path: Path) -> Iterator[tuple[Study, RowReference]]:
    for _, line in _lines(path):
        graded = {"number": int(line["number"]), "study_quality": STUDY_QUALITY.get(line["trust"])}
        unsaid = dict.fromkeys(("study_type", "patients", "objective", "results"))
        reference = RowReference(printed=line["pmid"] or None, pmid=pmid_of(line["pmid"]), **graded)
        yield Study(citation=line["citation"], **graded, **unsaid), reference


def _lines(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    with open(path, encoding="utf-8", newline="") as file:
        for number, line in enumerate(csv.DictReader(file), start=2):
            yield f"line {number}", line


PUBLISHER = Publisher({"ratings": Document(("ratings.csv",)), "studies": Document(("studies.csv",), False)}, look, read)

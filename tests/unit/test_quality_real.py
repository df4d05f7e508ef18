"""The grader on two real topics: trained on one's evidence table, tested on the other's.

No PubMed records of these studies are at hand: title, journal and year come from the printed citation, the abstract is
what the evidence table prints as objective and results, and there are no publication types.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from acrflow.evidence.citation import read_citation
from acrflow.evidence.reader import Record, absent
from acrflow.guideline.model import Study
from acrflow.guideline.qa import parse_topic
from acrflow.guideline.study_quality import STRONG
from acrflow.retrieval.features import features
from acrflow.retrieval.quality import figures, fit, grade

DEFAULT = Path(__file__).resolve().parents[2].parent / "shared" / "data"
FOLDER = Path(os.environ.get("ACRFLOW_SHARED_DATA", DEFAULT)) / "acr"
TOPICS = ("acute_pancreatitis", "left_lower_quadrant_pain")


def record(study: Study) -> Record:
    cited = read_citation(study.citation)
    parts = [{"label": None, "category": None, "text": text} for text in (study.objective, study.results) if text]
    return absent(study.number) | {
        "title": cited.title, "journal": cited.journal, "year": cited.year, "sections": parts, "status": "received",
    }  # fmt: skip


@pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no real guidelines in {FOLDER}")
@pytest.mark.parametrize("trained_on", TOPICS)
def test_a_grader_of_one_real_topic_orders_the_studies_of_the_other(trained_on: str) -> None:
    values, grades = {}, {}
    for topic in TOPICS:
        kinds = ("narrative", "appendix", "evidence_table")
        documents = {kind: FOLDER / topic / f"{kind}.pdf" for kind in kinds}
        studies = [one for one in parse_topic(topic, documents)[0].studies if one.study_quality]
        values[topic] = features(map(record, studies))
        grades[topic] = np.array([one.study_quality for one in studies])
    [tested_on] = set(TOPICS) - {trained_on}
    ours = grade(
        fit(values[trained_on], grades[trained_on], np.full(len(grades[trained_on]), trained_on), 1), values[tested_on]
    )
    measured = figures(grades[tested_on], ours)
    print(trained_on, "->", tested_on, measured)
    weak = ~np.isin(grades[tested_on], STRONG)
    assert ours["chance"][~weak].mean() > ours["chance"][weak].mean()
    assert measured["average_precision"] > measured["share_of_strong"]  # better than a coin

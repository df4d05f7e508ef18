"""The American College of Radiology's Appropriateness Criteria, as PDF or as saved web pages.

The appendix has the ratings, the narrative the words, the evidence table the studies.
"""

from collections.abc import Mapping
from pathlib import Path

from acrflow.guideline.publishers import Addresses, Document, Publisher
from acrflow.guideline.witnesses import Witnesses

DOCUMENTS = {
    "narrative": Document(("narrative.pdf",)),
    "appendix": Document(("appendix.pdf", "appendix.html")),
    "evidence_table": Document(("evidence_table.pdf", "evidence_table.html"), needed=False),
}

ADDRESSES = Addresses(
    url="https://acsearch.acr.org/list",
    pages={
        "narrative.pdf": "TopicNarrativePdf?topicId={acr_id}",
        "appendix.pdf": "GenerateAppendixPDF?PanelName={panel}&TopicId={acr_id}",
        "appendix.html": "GetAppendix?PanelName={panel}&TopicId={acr_id}",  # query by analogy, not verified
        "evidence_table.pdf": "DownloadPdf?TopicId={acr_id}&TopicName={title}",
        "evidence_table.html": "GetEvidence?TopicId={acr_id}&TopicName={title}",  # query by analogy, not verified
    },
    owner="the ACR",
    consent="accept_acr_terms",
)

# what is printed, in small letters, and the grade it stands for; the scale of `study_quality` is the ACR's own
STUDY_QUALITY = {"1": "1", "2": "2", "3": "3", "4": "4", "good": "Good", "inadequate": "Inadequate"}


def look(path: Path) -> None:
    """See that a narrative or an appendix can be opened and names a variant on its first pages."""
    from acrflow.guideline.publishers.acr.first_pages import look_at

    look_at(path)


def read(documents: Mapping[str, Path]) -> Witnesses:
    """Read a topic's documents."""
    from acrflow.guideline.publishers.acr.appendix import read_appendix
    from acrflow.guideline.publishers.acr.evidence_table import read_evidence_table
    from acrflow.guideline.publishers.acr.narrative import read_narrative

    ratings, narrative = read_appendix(documents["appendix"]), read_narrative(documents["narrative"])
    table = documents.get("evidence_table")
    return Witnesses(ratings, narrative, read_evidence_table(table) if table else None)


PUBLISHER = Publisher(DOCUMENTS, look, read, ADDRESSES)

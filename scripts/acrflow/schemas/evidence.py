# mypy: disable-error-code="valid-type"
# (pandera reads `pl.List(pl.Int64)` as a column type, which mypy takes for a call in an annotation)
"""Tables of the room `evidence`."""

import pandera.polars as pa
import polars as pl

from acrflow.schemas import Table

REFERENCE_STATUS = ("given", "matched", "ambiguous", "not_found", "not_a_pmid")


SECTION = pl.Struct({"label": pl.String, "category": pl.String, "text": pl.String})


OTHER_ABSTRACT = pl.Struct({"language": pl.String, "type": pl.String, "sections": pl.List(SECTION)})


class Pmids(Table):
    """Every cited reference: one row per topic x reference number."""

    topic: str
    number: int
    pmid: int = pa.Field(nullable=True, gt=0)
    status: str = pa.Field(isin=REFERENCE_STATUS)
    printed: str = pa.Field(nullable=True)  # what the appendix prints in brackets
    study_quality: str = pa.Field(nullable=True)  # "1" (best) ... "4" (weakest), "Good", "Inadequate"
    citation: str = pa.Field(nullable=True)  # the narrative's bibliography entry


class Records(Table):
    """One row per requested PMID; `status` says whether PubMed (or the snapshot) had it."""

    pmid: int = pa.Field(unique=True)
    status: str = pa.Field(isin=("received", "absent"))
    title: str = pa.Field(nullable=True)
    journal: str = pa.Field(nullable=True)
    year: int = pa.Field(nullable=True)
    publication_types: pl.List(pl.String)
    languages: pl.List(pl.String)
    mesh: pl.List(pl.String)
    retracted: bool
    notices: pl.List(pl.String)  # PubMed's names for retractions, errata and expressions of concern
    sections: pl.List(SECTION)  # the abstract: label and NlmCategory may be null
    other_abstracts: pl.List(OTHER_ABSTRACT)  # in other languages or by other hands


class Condensed(Table):
    """One row per requested PMID: what was found, in the abstract's own sentences or as a model put it."""

    pmid: int = pa.Field(unique=True)
    title: str = pa.Field(nullable=True)
    year: int = pa.Field(nullable=True)
    text: str = pa.Field(nullable=True)  # None where `dropped` says why
    words_before: int = pa.Field(ge=0)
    words_after: int = pa.Field(ge=0)
    dropped: str = pa.Field(nullable=True, isin=("retracted", "no abstract", "no record"))
    rewritten: bool = pa.Field(nullable=True)  # by a model, its numbers checked; None where there is no text

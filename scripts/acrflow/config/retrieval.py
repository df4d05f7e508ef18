"""What evidence is retrieved, typed.

This module imports neither torch nor polars.
"""

from pydantic import Field, model_validator

from acrflow.config.language_model import LanguageModel
from acrflow.config.section import Positive, Section


class Rewriter(LanguageModel):
    """A language model that writes the queries; what is no Boolean query is repaired or rejected, and counted."""

    model: str = Field("DeepRetrieval/DeepRetrieval-PubMed-3B", description="hub name, folder, or name on the server")
    batch: Positive = Field(16, description="queries generated at once")
    new_tokens: Positive = Field(600, description="longest answer, in tokens; a longer one is rejected")


class Retrieval(Section):
    """Evidence for conditions that no guideline covers: how it is searched for (target `retrieval`)."""

    rewriter: Rewriter | None = Field(
        None, description="a language model that writes the queries; null takes MeSH and PubMed's own translation"
    )
    per_procedure: bool = Field(False, description="ask about each procedure of a topic too: two queries each")
    studies: Positive = Field(25, le=10_000, description="studies taken per query, the most relevant ones")
    since: int = Field(2013, description="first year of publication")
    until: int | None = Field(None, description="last year of publication; null has no end")
    languages: list[str] = Field(["english"], description="as PubMed names them; [] for all")
    publication_types: list[str] = Field(
        [], description="as PubMed names them, for instance Clinical Trial; [] for all"
    )
    hide_cited: bool = Field(
        True, description="the guideline's own references are no evidence, so that retrieved and ACR's can be compared"
    )

    sjr: str | None = Field(None, description="journal ranks of scimagojr.com (CSV), for grading; null for none")
    grader: str | None = Field(
        None, description="folder of a grader trained elsewhere; null trains one on this run's evidence tables"
    )

    @model_validator(mode="after")
    def _years_in_order(self) -> "Retrieval":
        if self.until is not None and self.until < self.since:
            raise ValueError("until is before since")
        return self

"""Where guidelines come from, typed: topic lists, a table of rows, the download.

This module imports neither torch nor polars.
"""

from typing import Literal

from pydantic import Field, model_validator

from acrflow.config.section import Section

TABLE_ENDINGS = (".csv", ".csv.gz", ".parquet", ".xlsx")


class Topics(Section):
    """Topic lists: tab-separated files with the columns topic, title, role and, for downloads, acr_id and panel."""

    invented: str = Field("config/demo_topics.tsv", description="topics to invent when `documents` is `invented`")
    download: str = Field("config/topics.tsv", description="topics to download when `documents` is `download`")
    table: str | None = Field(
        None, description="topics to take when `documents` is a table, with their roles; null takes all, to train on"
    )
    leave_out: list[str] = Field([], description="names of topics to leave out, whatever the source")


class Columns(Section):
    """Which column of the table holds what; null: the table has none."""

    topic: str = Field("topic", description="the guideline's title")
    variant: str = Field("variant", description="the scenario; a leading `Variant 1:` gives its number")
    procedure: str = "procedure"
    appropriateness: str = Field("appropriateness", description="one of the four categories, in any spelling")
    reasoning: str | None = Field(None, description="text on the procedure")
    strength_of_evidence: str | None = None
    adult_rrl: str | None = Field(None, description="adult relative radiation level")
    pediatric_rrl: str | None = Field(None, description="pediatric relative radiation level")
    rating: str | None = Field(None, description="1 to 9")
    median: str | None = Field(None, description="1 to 9")
    votes: str | None = Field(None, description="nine counts, as a list or as text with blanks or commas between")


class Table(Section):
    """How a table of rated rows is read (used when `documents` is a table)."""

    columns: Columns = Field(default_factory=Columns)
    suffixes: dict[str, str] = Field({}, description="column: text to cut off the end of its values where it stands")
    unlisted: Literal["leave_out", "train_test"] = Field(
        "leave_out", description="topics of the table that the topic list does not name: leave_out, or train_test"
    )

    @model_validator(mode="after")
    def _suffixes_fit_the_columns(self) -> "Table":
        unknown = sorted(set(self.suffixes) - {"topic", "variant", "procedure", "reasoning", "strength_of_evidence"})
        if unknown:
            raise ValueError(f"suffixes: no text to cut in {', '.join(unknown)}")
        return self


class Pages(Section):
    """Where the lists have a topic's documents: page and query with {acr_id}, {panel}, {title}; null: not wanted."""

    narrative_pdf: str | None = "TopicNarrativePdf?topicId={acr_id}"
    appendix_pdf: str | None = "GenerateAppendixPDF?PanelName={panel}&TopicId={acr_id}"
    appendix_html: str | None = Field(
        "GetAppendix?PanelName={panel}&TopicId={acr_id}", description="query by analogy, not verified"
    )
    evidence_table_pdf: str | None = "DownloadPdf?TopicId={acr_id}&TopicName={title}"
    evidence_table_html: str | None = Field(
        "GetEvidence?TopicId={acr_id}&TopicName={title}", description="query by analogy, not verified"
    )

    @model_validator(mode="after")
    def _only_known_fields(self) -> "Pages":
        for page in self.files().values():
            try:
                (page or "").format(acr_id="", panel="", title="")
            except (KeyError, ValueError, IndexError) as error:
                raise ValueError(f"{page}: use {{acr_id}}, {{panel}} and {{title}} only ({error})") from None
        return self

    def files(self) -> dict[str, str | None]:
        """File name -> page and query."""
        return {".".join(name.rsplit("_", 1)): page for name, page in self.model_dump().items()}


class Download(Section):
    """The polite download of guideline documents."""

    accept_acr_terms: bool = Field(False, description="you have read and accept the ACR's terms of use")
    url: str = Field("https://acsearch.acr.org/list", description="base address of the guideline lists")
    pages: Pages = Field(default_factory=Pages)
    contact: str | None = Field(None, description="your address, told to the server with acrflow's name and version")
    seconds_between_requests: float = Field(1.0, ge=0, description="pause between two requests, in seconds")
    folder: str = Field("cache/documents", description="folder of downloaded documents, shared by all runs")

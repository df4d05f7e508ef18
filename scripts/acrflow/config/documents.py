"""Where guidelines come from, typed: publishers, topic lists, a table of rows, the download.

This module imports neither torch nor polars.
"""

import pkgutil
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from acrflow.config.section import Section

TABLE_ENDINGS = (".csv", ".csv.gz", ".parquet", ".xlsx")
PUBLISHERS_FOLDER = Path(__file__).parents[1] / "guideline/publishers"


def known_publishers() -> list[str]:
    """Names of the publishers: the modules of `acrflow/guideline/publishers/`, found without importing them."""
    return sorted(module.name for module in pkgutil.iter_modules([str(PUBLISHERS_FOLDER)]))


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


class Download(Section):
    """The polite download of guideline documents."""

    accept_acr_terms: bool = Field(False, description="you have read and accept the ACR's terms of use")
    url: str | None = Field(None, description="base address of the guideline lists; null: the publisher's")
    pages: dict[str, str | None] = Field(
        {},
        description="corrections, file name: page and query with {acr_id}, {panel}, {title}; null: not wanted",
    )
    contact: str | None = Field(None, description="your address, told to the server with acrflow's name and version")
    seconds_between_requests: float = Field(1.0, ge=0, description="pause between two requests, in seconds")
    folder: str = Field("cache/documents", description="folder of downloaded documents, shared by all runs")

    @field_validator("pages")
    @classmethod
    def _only_known_fields(cls, pages: dict[str, str | None]) -> dict[str, str | None]:
        for page in pages.values():
            try:
                (page or "").format(acr_id="", panel="", title="")
            except (KeyError, ValueError, IndexError) as error:
                raise ValueError(f"{page}: use {{acr_id}}, {{panel}} and {{title}} only ({error})") from None
        return pages

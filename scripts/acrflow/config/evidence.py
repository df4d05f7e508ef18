"""Where the evidence of a prompt comes from, and what examples rendered with it are called."""

from typing import Literal

from pydantic import Field

from acrflow.config.language_model import LanguageModel
from acrflow.config.section import Positive, Section

EvidenceKind = Literal["none", "acr", "retrieved"]
# The examples of a prompt that shows evidence end in its kind; the prompt itself is named after ACR's.
ENDINGS: dict[EvidenceKind, str] = {"acr": "_evidence", "retrieved": "_retrieved", "none": "_without"}


def examples_name(prompt: str, evidence: EvidenceKind) -> str:
    """Name of a prompt's rendered examples, with evidence of a kind (`ENDINGS`); of one that shows none, its own.

    >>> examples_name("reasoning_evidence", "retrieved"), examples_name("reasoning", "retrieved")
    ('reasoning_retrieved', 'reasoning')
    """
    start = prompt.removesuffix(ENDINGS["acr"])
    return prompt if start == prompt else start + ENDINGS[evidence]


def prompt_name(examples: str) -> str:
    """Name of the prompt of rendered examples: the reverse of `examples_name`."""
    ending = next((one for one in ENDINGS.values() if examples.endswith(one)), None)
    return examples if ending is None else examples.removesuffix(ending) + ENDINGS["acr"]


class Condenser(LanguageModel):
    """A language model that condenses abstracts; a text with a number that its abstract lacks is not used."""

    batch: Positive = Field(16, description="abstracts generated at once")
    new_tokens: Positive = Field(600, description="longest text, in tokens; a longer one is not used")


class Evidence(Section):
    """Where the cited abstracts come from and how much of them goes into a prompt."""

    source: str = Field("entrez", description="entrez, none, invented, or a folder of EFetch XML files")
    url: str = Field("https://eutils.ncbi.nlm.nih.gov/entrez/eutils", description="base address of the E-utilities")
    email: str | None = Field(None, description="your address, sent to NCBI; the key is read from NCBI_API_KEY")
    cache: str = Field("cache/pubmed", description="folder of fetched records, shared by all runs")
    refresh_days: float | None = Field(
        None, ge=0, description="records fetched longer ago than this are fetched again; null keeps them for good"
    )
    off_peak: bool = Field(True, description="more than 100 requests wait for NCBI's off-peak hours, as NCBI asks")
    unstructured: Literal["findings", "whole"] = Field(
        "findings", description="abstracts without sections: keep the sentences with findings, or the whole text"
    )
    condenser: Condenser | None = Field(
        None, description="a language model that condenses abstracts in place of the rule; null keeps the rule's text"
    )
    tokens: Positive = Field(3300, description="token budget of the evidence block of a prompt")

"""Which rows are used, how they are split, and what writes their traces."""

from typing import Literal

from pydantic import Field

from acrflow.config.evidence import Condenser
from acrflow.config.section import Positive, Section, Share


class Distiller(Condenser):
    """A language model that writes the reasoning as one-fact sentences; what the checker doubts is not used."""

    model: str = Field(
        "meta-llama/Llama-4-Scout-17B-16E-Instruct", description="hub name, folder, or name on the server"
    )
    new_tokens: Positive = Field(1500, description="longest answer, in tokens; a longer one is not used")
    attempts: Positive = Field(3, description="how often a text is asked for before the split sentences stand")
    temperature: float = Field(0.7, gt=0, description="of the attempts after the first, which is greedy")


class Dataset(Section):
    """Which rows are used and how they are split."""

    distiller: Distiller | None = Field(
        None, description="a language model that writes the traces; null splits the reasoning into sentences"
    )
    split: Literal["row", "variant", "topic"] = Field("row", description="what the test split is drawn by")
    test_share: Share = Field(0.3, description="share of the rows (or variants, or topics) held out for testing")
    disagreement: Literal["drop", "keep"] = Field(
        "drop", description="rows rated Disagreement: drop, or keep as May Be"
    )
    prompt_tokens: Positive = Field(4500, description="longer prompts are left out and counted")

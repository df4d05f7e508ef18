"""How predictions are made and measured."""

from typing import Annotated, Literal

from pydantic import Field

from acrflow.config.evidence import EvidenceKind, examples_name
from acrflow.config.section import NAME, Positive, Section

# The baselines by name, in the order of every table; each is a function of `acrflow.evaluation.baselines`.
BASELINES = ("majority", "majority_procedure", "nearest_neighbour", "tfidf_logreg", "minilm_logreg")


class Reference(Section):
    """A prompted model behind an OpenAI-compatible server."""

    model: str = Field(description="the model's name on the server")
    url: str = Field("http://127.0.0.1:8000/v1", description="base address of the server")
    key: str = Field("OPENAI_API_KEY", description="environment variable that holds the key; a local server needs none")
    evidence: EvidenceKind = Field("acr", description="in the prompt: none, acr, or retrieved (see `retrieval`)")
    at_once: Positive = Field(8, description="requests under way at a time")

    @property
    def prompt(self) -> str:
        """Name of the prompt it is asked with."""
        return "reasoning" if self.evidence == "none" else "reasoning_evidence"

    @property
    def examples(self) -> str:
        """Name of its rendered examples: the prompt, and where the evidence comes from."""
        return examples_name(self.prompt, self.evidence)


class Evaluation(Section):
    """How predictions are made and measured."""

    batch: Positive = Field(16, description="prompts generated at once")
    backend: Literal["transformers", "vllm"] = Field(
        "vllm", description="vllm loads the base once for all adapters; transformers one job per adapter"
    )
    merge: bool = Field(
        False, description="merge each adapter into the base before it answers, in float32 (twice the memory)"
    )
    bootstrap: Positive = Field(1000, description="bootstrap draws of every interval")
    samples: Annotated[int, Field(ge=0)] = Field(0, description="sampled runs beside the greedy one, seeds 1, 2, ...")
    temperature: float = Field(1.0, gt=0, description="of the sampled runs")
    top_p: float = Field(1.0, gt=0, le=1, description="of the sampled runs")
    other_evidence: list[EvidenceKind] = Field(
        ["retrieved", "none"],
        description="adapters that read evidence answer again with these kinds of it; retrieved ones are searched for",
    )
    references: dict[Annotated[str, Field(pattern=NAME)], Reference] = Field(
        {}, description="models behind an OpenAI-compatible server, prompted and not trained, for comparison"
    )

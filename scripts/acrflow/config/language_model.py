"""Which language model answers, and where it runs: the part that every step has which asks one. Imports no torch."""

from typing import Literal

from pydantic import Field

from acrflow.config.base import TEMPLATE, TemplateOptions
from acrflow.config.section import Section


class LanguageModel(Section):
    """An instruction model in this process (transformers, vLLM) or behind an OpenAI-compatible server."""

    model: str = Field(description="hub name, folder, or the model's name on the server")
    revision: str | None = Field(None, description="commit of the hub repository")
    backend: Literal["transformers", "vllm", "server"] = Field("server", description="what generates")
    url: str = Field("http://127.0.0.1:8000/v1", description="base address of an OpenAI-compatible server")
    key: str = Field("OPENAI_API_KEY", description="environment variable that holds the server's key")
    dtype: Literal["float32", "bfloat16"] = Field("bfloat16", description="type of the weights")
    quantization: Literal["none", "4bit"] = Field("none", description="4bit needs a GPU and bitsandbytes")
    template: TemplateOptions = Field({}, description=TEMPLATE)

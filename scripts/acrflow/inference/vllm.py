"""The vLLM backend: the base loaded once, each adapter a LoRA request, or one adapter merged into it."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from acrflow.config.language_model import LanguageModel
from acrflow.inference.backend import (
    Conversation,
    Decoding,
    Generated,
    batch_seed,
)
from acrflow.inference.candidates import trees
from acrflow.io.errors import InputError
from acrflow.io.files import read_json, whole_folder
from acrflow.models.base import rank_for
from acrflow.models.tokenizer import load_tokenizer, prompt_texts, prompt_tokens


class VllmBackend:
    """vLLM; keeps the order and the batches that it is given.

    An unmerged LoRA in vLLM depends slightly on what is batched together, so batches are generated one after the other.
    """

    def __init__(self, settings: LanguageModel, adapters: Mapping[str, Path], merge: bool = False):
        try:
            from vllm import LLM
            from vllm.lora.request import LoRARequest
        except ImportError as error:
            remedy = "install the cuda extra (pip install .[cuda]) or set evaluation.backend to transformers"
            raise InputError("evaluation.backend", f"vllm cannot be imported: {error}", remedy) from error
        shapes = {name: read_json(folder / "adapter_config.json") for name, folder in adapters.items()}
        model = settings.model
        self._requests: dict[str, Any] = {}
        options: dict[str, Any] = {}
        if merge and shapes:
            if len(shapes) > 1:
                raise InputError("evaluation.merge", "vLLM holds one merged model at a time", "give one adapter")
            model = str(merged(settings, next(iter(adapters.values()))))
        elif shapes:
            dora = [name for name, shape in shapes.items() if shape.get("use_dora")]
            if dora:
                what = f"vLLM does not serve DoRA adapters ({', '.join(dora)})"
                raise InputError("evaluation.backend", what, "set evaluation.merge to true, or use transformers")
            rank = max(shape["r"] for shape in shapes.values())
            options = {
                "enable_lora": True,
                "max_loras": 1,  # adapters answer one after the other
                "max_lora_rank": rank_for(rank),
            }
            self._requests = {
                name: LoRARequest(name, number, str(folder.resolve()))
                for number, (name, folder) in enumerate(adapters.items(), start=1)
            }
        revision = settings.revision if model == settings.model else None
        self._tokenizer = load_tokenizer(settings.model, settings.revision, settings.template)
        self._llm = LLM(
            model=model,
            revision=revision,
            tokenizer_revision=revision,
            dtype="float32" if merge and shapes else settings.dtype,
            quantization="bitsandbytes" if settings.quantization == "4bit" else None,
            logprobs_mode="processed_logprobs",  # `choose` reads them after all but the candidates are masked
            **options,
        )

    def generate(
        self, conversations: Sequence[Conversation], decoding: Decoding, batch_number: int, adapter: str | None = None
    ) -> list[Generated]:
        """See `Backend.generate`."""
        from vllm import SamplingParams

        draw: dict[str, Any] = {"temperature": 0.0}
        if decoding.seed is not None:
            draw = {"temperature": decoding.temperature, "top_p": decoding.top_p, "top_k": 0}
        params = []
        for index in range(len(conversations)):
            seed = None if decoding.seed is None else batch_seed(decoding.seed, batch_number) + index
            # the end of a turn, which is not every model's own end of sequence
            ends = {"stop_token_ids": [self._tokenizer.eos_token_id]}
            params.append(SamplingParams(max_tokens=decoding.max_new_tokens, seed=seed, **ends, **draw))
        outputs = self._complete(prompt_tokens(self._tokenizer, conversations), params, adapter)
        return [Generated(first.text, len(first.token_ids), first.finish_reason == "length") for first in outputs]

    def choose(
        self,
        conversations: Sequence[Conversation],
        openings: Sequence[str],
        candidates: Sequence[str],
        adapter: str | None = None,
    ) -> list[list[float] | None]:
        """See `Backend.choose`; one token per branching, on the prefix that is still in the cache."""
        from vllm import SamplingParams

        built = trees(self._tokenizer, prompt_texts(self._tokenizer, conversations), openings, candidates)
        branchings = [branching for one in built if one for branching in one.branchings]
        params = [
            SamplingParams(max_tokens=1, temperature=0.0, logprobs=len(one.children), allowed_token_ids=[*one.children])
            for one in branchings
        ]
        outputs = self._complete([list(one.prefix) for one in branchings], params, adapter)
        found = []
        for branching, output in zip(branchings, outputs, strict=True):
            known = {token: value.logprob for token, value in output.logprobs[0].items()}
            found.append([known.get(child, -math.inf) for child in branching.children])
        values = iter(found)
        return [None if one is None else one.probabilities([next(values) for _ in one.branchings]) for one in built]

    def _complete(self, prompts: list[list[int]], params: list[Any], adapter: str | None) -> list[Any]:
        """The first output of each prompt."""
        inputs = [{"prompt_token_ids": tokens} for tokens in prompts]
        lora = self._requests.get(adapter) if adapter is not None else None
        outputs = self._llm.generate(inputs, params, lora_request=lora, use_tqdm=False)
        return [output.outputs[0] for output in outputs]


def merged(base: LanguageModel, adapter: Path) -> Path:
    """A folder with the base and the adapter merged, made beside the adapter in float32, anew each time.

    In bfloat16 most of an adapter that was trained at a learning rate of 5e-6 would be lost: its update is smaller
    than half a unit in the last place of the weights that it is added to.
    """
    from peft import PeftModel

    from acrflow.models.base import load_base

    folder = adapter.with_name(f".{adapter.name}.merged")
    model = load_base(base.model, base.revision, "float32", "none")
    with whole_folder(folder) as temporary:
        PeftModel.from_pretrained(model, str(adapter)).merge_and_unload().save_pretrained(temporary)
        load_tokenizer(base.model, base.revision, base.template).save_pretrained(temporary)
    return folder

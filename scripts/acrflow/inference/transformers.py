"""The transformers backend: batched generation with left padding; runs anywhere."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from acrflow.config.language_model import LanguageModel
from acrflow.inference.backend import Conversation, Decoding, Generated, batch_seed
from acrflow.inference.candidates import Branching, Tree, trees
from acrflow.io.errors import InputError
from acrflow.models.base import load_base
from acrflow.models.tokenizer import load_tokenizer, prompt_texts, prompt_tokens


class TransformersBackend:
    """The base model, loaded once, and its adapters, switched on one at a time."""

    def __init__(self, settings: LanguageModel, adapters: Mapping[str, Path], merge: bool = False):
        import torch

        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._tokenizer = load_tokenizer(settings.model, settings.revision, settings.template)
        self._merge, self._merged = merge, ""
        self._adapters = tuple(adapters)
        # merged in float32: in bfloat16 most of an adapter is smaller than the last place of the weights it is added to
        dtype = "float32" if merge and adapters else settings.dtype
        model: Any = load_base(settings.model, settings.revision, dtype, settings.quantization)
        for name, folder in adapters.items():
            model = _with_adapter(model, name, str(folder), settings.model)
        self._model = model.eval() if settings.quantization == "4bit" else model.to(self._device).eval()
        ends = self._model.generation_config.eos_token_id  # one, several (Llama 3.1) or none
        self._ends = sorted({self._tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])} - {None})

    def generate(
        self, conversations: Sequence[Conversation], decoding: Decoding, batch_number: int, adapter: str | None = None
    ) -> list[Generated]:
        """See `Backend.generate`."""
        import torch
        from transformers import GenerationConfig

        inputs = self._padded(prompt_tokens(self._tokenizer, conversations))
        # a config of our own: the model's may bring top-k 50 or a temperature that nobody asked for
        sampling = {"temperature": decoding.temperature, "top_p": decoding.top_p, "top_k": 0}
        config = GenerationConfig(
            max_new_tokens=decoding.max_new_tokens,
            do_sample=decoding.seed is not None,
            eos_token_id=self._ends,
            pad_token_id=self._tokenizer.pad_token_id,
            **({} if decoding.seed is None else sampling),
        )
        if decoding.seed is not None:
            torch.manual_seed(batch_seed(decoding.seed, batch_number))
        with torch.inference_mode(), self._using(adapter):
            output = self._model.generate(**inputs, generation_config=config)
        return [self._completion(row) for row in output[:, inputs["input_ids"].shape[1] :].tolist()]

    def choose(
        self,
        conversations: Sequence[Conversation],
        openings: Sequence[str],
        candidates: Sequence[str],
        adapter: str | None = None,
    ) -> list[list[float] | None]:
        """See `Backend.choose`; one forward pass over the batch."""
        import torch

        built = trees(self._tokenizer, prompt_texts(self._tokenizer, conversations), openings, candidates)
        # a branching on the way to another one is read from the same sequence
        prefixes = [(one, prefix) for one in built if one is not None for prefix in longest_prefixes(one)]
        if not prefixes:
            return [None] * len(built)
        inputs = self._padded([list(prefix) for _, prefix in prefixes])
        last = 1 + max(len(prefix) - len(one.prefix) for tree, prefix in prefixes for one in tree.on_the_way(prefix))
        positions = (inputs["attention_mask"].cumsum(1) - 1).clamp(min=0)
        with torch.inference_mode(), self._using(adapter):
            logits = self._model(**inputs, position_ids=positions, use_cache=False, logits_to_keep=last).logits.float()
        values: dict[tuple[int, Branching], list[float]] = {}
        for at, (tree, prefix) in enumerate(prefixes):
            for one in tree.on_the_way(prefix):
                place = len(one.prefix) - len(prefix) - 1  # from the end, where padding does not count
                values[id(tree), one] = logits[at, place, list(one.children)].tolist()
        return [
            None if one is None else one.probabilities([values[id(one), place] for place in one.branchings])
            for one in built
        ]

    def _padded(self, prompts: list[list[int]]) -> Any:
        return self._tokenizer.pad({"input_ids": prompts}, padding_side="left", return_tensors="pt").to(self._device)

    @contextmanager
    def _using(self, adapter: str | None) -> Iterator[None]:
        """The adapter switched on, beside the base or merged into it; without one, the base alone."""
        if self._merged and self._merged != adapter:
            self._model.unmerge_adapter()
            self._merged = ""
        if adapter is not None:
            self._model.set_adapter(adapter)
            if self._merge and not self._merged:
                self._model.merge_adapter([adapter])
                self._merged = adapter
        with self._model.disable_adapter() if self._adapters and adapter is None else nullcontext():
            yield

    def _completion(self, tokens: list[int]) -> Generated:
        """Cut at the first end of sequence, which may also be the padding token."""
        end = next((i for i, token in enumerate(tokens) if token in self._ends), None)
        own = tokens if end is None else tokens[: end + 1]
        text = str(self._tokenizer.decode(own, skip_special_tokens=True))
        return Generated(text=text, tokens=len(own), truncated=end is None)


def _with_adapter(model: Any, name: str, folder: str, base: str) -> Any:
    """The model with one adapter more."""
    from peft import PeftModel

    try:
        if isinstance(model, PeftModel):
            model.load_adapter(folder, adapter_name=name)
            return model
        return PeftModel.from_pretrained(model, folder, adapter_name=name)
    except (RuntimeError, ValueError) as error:
        remedy = "use the base model that the adapter was trained on, named in its recipe.json"
        raise InputError(folder, f"the adapter does not fit {base}: {error}", remedy) from error


def longest_prefixes(tree: Tree) -> list[tuple[int, ...]]:
    """The branchings' prefixes that no other branching's prefix continues."""
    prefixes = [branching.prefix for branching in tree.branchings]
    return [one for one in prefixes if not any(other != one and other[: len(one)] == one for other in prefixes)]

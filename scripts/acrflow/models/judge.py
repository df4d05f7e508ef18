"""The judge: a language model that answers with a score, loaded once per process."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from acrflow.io.errors import InputError

if TYPE_CHECKING:
    import torch
from acrflow.models.loading import _load_or_explain, pick_device
from acrflow.models.tokenizer import Options, load_tokenizer, prompt_texts

BASE = "base"  # the run's own base model


JUDGE_TOKENS = 2048  # longest question to the judge; a longer one loses its start


class Judge:
    """A language model that answers with a score.

    Args:
        name: hub name or folder.
        device: "auto", "cpu" or "cuda".
        revision: commit of the hub repository.
        template: options of its chat template.

    Attributes:
        highest: 10 where the tokenizer has "10" as one token, else 9.
    """

    def __init__(self, name: str, device: str = "auto", revision: str | None = None, template: Options | None = None):
        import torch
        from transformers import AutoModelForCausalLM

        self._device = pick_device(device)
        dtype = torch.float32 if self._device == "cpu" else torch.bfloat16
        # unless told so, transformers would ask on the terminal whether to run a model's code
        safe = {"trust_remote_code": False, "revision": revision, "use_safetensors": True}
        self._tokenizer = load_tokenizer(name, revision, template)
        self._tokenizer.padding_side = self._tokenizer.truncation_side = "left"
        model = _load_or_explain(
            "models.judge",
            name,
            lambda: AutoModelForCausalLM.from_pretrained(name, dtype=dtype, **safe),
        )
        self._model = model.to(self._device).eval()
        scores = [self._tokenizer.encode(str(score), add_special_tokens=False) for score in range(11)]
        if any(len(tokens) != 1 for tokens in scores[:10]):
            raise InputError("models.judge", f"{name} does not write 0 to 9 as one token each", "name another judge")
        self.highest = 10 if len(scores[10]) == 1 else 9
        self._score_tokens = [tokens[0] for tokens in scores[: self.highest + 1]]

    def expected_scores(
        self, questions: list[str], least_mass: float, alike: Sequence[str] | None = None
    ) -> list[float | None]:
        """Expected score of each question, 0 to 1, without generating anything.

        Args:
            questions: what the judge is asked.
            least_mass: the probability that all scores together must have.
            alike: a mark for each question; those with the same mark begin alike (a group of completions is rated
                against the same gold), and what they share is read once. None: none do.

        Returns:
            None where the probability of all scores together is below `least_mass`.
        """
        import torch

        groups: dict[str, list[int]] = {}
        for place in range(len(questions)):
            groups.setdefault(alike[place] if alike else str(place), []).append(place)
        ids = self._tokens(questions, pad=False)["input_ids"] if questions else []
        # one pass over all on a GPU. On a CPU group by group: wide batches of long texts leave its caches
        batches = [[group] for group in groups.values()] if self._device == "cpu" else [list(groups.values())]
        found: list[float | None] = [None] * len(questions)
        ladder = torch.arange(self.highest + 1) / self.highest
        for batch in batches if questions else []:
            logits = self._last_logits([[ids[place] for place in group] for group in batch])
            probabilities = logits.float().softmax(-1)[:, self._score_tokens].cpu()
            mass = probabilities.sum(-1)
            scores = ((probabilities @ ladder) / mass).tolist()
            for place, score, share in zip(
                (one for group in batch for one in group), scores, mass.tolist(), strict=True
            ):
                found[place] = score if share > 0 and share >= least_mass else None
        return found

    def _last_logits(self, groups: list[list[list[int]]]) -> "torch.Tensor":
        """The logits after each text; what the texts of a group have in common at the start is read once for all."""
        import torch
        from transformers import DynamicCache

        shared = [shared_start(group) for group in groups]
        before = self._padded([group[0][:length] for group, length in zip(groups, shared, strict=True)])
        after = self._padded([text[length:] for group, length in zip(groups, shared, strict=True) for text in group])
        rows = torch.tensor([row for row, group in enumerate(groups) for _ in group], device=self._device)
        mask = torch.cat([before["attention_mask"][rows], after["attention_mask"]], 1)
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        cache, width = DynamicCache(config=self._model.config), before["input_ids"].shape[1]
        with torch.inference_mode():
            first = (before["attention_mask"].cumsum(1) - 1).clamp(min=0)
            self._model(**before, position_ids=first, past_key_values=cache, use_cache=True, logits_to_keep=1)
            cache.batch_select_indices(rows)
            logits: torch.Tensor = self._model(
                input_ids=after["input_ids"],
                attention_mask=mask,
                position_ids=positions[:, width:],
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            ).logits[:, -1]
        return logits

    def answers(self, questions: list[str], max_new_tokens: int) -> list[str]:
        """The judge's answers, decoded greedily in one batch."""
        import torch
        from transformers import GenerationConfig

        if not questions:
            return []
        tokens = self._tokens(questions)
        # a config of our own: the model's may bring sampling; its ends of sequence are kept, there may be several
        config = GenerationConfig(
            max_new_tokens=max_new_tokens,
            do_sample=False,
            eos_token_id=self._model.generation_config.eos_token_id or self._tokenizer.eos_token_id,
            pad_token_id=self._tokenizer.pad_token_id,
        )
        with torch.inference_mode():
            output = self._model.generate(
                input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"], generation_config=config
            )
        answers: list[str] = self._tokenizer.batch_decode(
            output[:, tokens["input_ids"].shape[1] :], skip_special_tokens=True
        )
        return answers

    def _padded(self, texts: list[list[int]]) -> Any:
        return self._tokenizer.pad({"input_ids": texts}, return_tensors="pt").to(self._device)

    def _tokens(self, questions: list[str], pad: bool = True) -> Any:
        """The questions as the judge reads them; padded, on the left, as tensors."""
        texts = prompt_texts(self._tokenizer, [[{"role": "user", "content": question}] for question in questions])
        tokens = self._tokenizer(
            texts,
            return_tensors="pt" if pad else None,
            padding=pad,
            truncation=True,
            max_length=JUDGE_TOKENS,
            add_special_tokens=False,
        )
        return tokens.to(self._device) if pad else tokens


def shared_start(texts: list[list[int]]) -> int:
    """How many tokens the texts begin with alike, of each at least its last one excepted."""
    shortest = min(map(len, texts)) - 1
    return next((at for at in range(shortest) if len({text[at] for text in texts}) > 1), shortest)


def judge(
    name: str, base: str, device: str = "auto", revision: str | None = None, template: Options | None = None
) -> Judge:
    """The process's one judge of that name.

    Args:
        base: the base model, for the name `base`; `revision` and `template` are the base's too.
    """
    if name != BASE:
        return _judge(name, device, None, ())
    return _judge(base, device, revision, tuple(sorted((template or {}).items())))


@lru_cache(maxsize=2)
def _judge(name: str, device: str, revision: str | None, template: tuple[tuple[str, Any], ...]) -> Judge:
    return Judge(name, device, revision, dict(template))

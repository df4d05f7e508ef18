"""The base model's tokenizer, with a padding token that is not the end of sequence, and counts made with it."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from acrflow.io.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# A base without padding token gets the first of these that its vocabulary has (Llama 3, Qwen, Llama 2 and kin).
PADDING = ("<|finetune_right_pad_id|>", "<|endoftext|>", "<pad>", "<|pad|>", "[PAD]", "<unk>")
REMEDY = "give a folder with tokenizer.json and tokenizer_config.json, or a hub name that you may read and reach"


def load_tokenizer(name: str, revision: str | None = None) -> "PreTrainedTokenizerBase":
    """Load a tokenizer.

    Args:
        name: a local folder or a name on the hub.
        revision: commit of the hub repository.

    Raises:
        InputError: it cannot be had, or lacks a chat template, an end-of-sequence token, or a padding token of its own.
            A padding token equal to the end of sequence is refused, since training would mask the real end and the
            model would never stop.
    """
    if _is_a_path(name) and not Path(name).is_dir():  # a hub would be asked for it, with half a minute of retries
        raise InputError(name, "no such folder", REMEDY)
    from transformers import PreTrainedTokenizerFast  # half of AutoTokenizer's import time: 2.1 s against 4.8 s of CPU

    try:
        tokenizer = PreTrainedTokenizerFast.from_pretrained(name, revision=revision or "main")
    except (OSError, ValueError, KeyError, ImportError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(name, f"no tokenizer: {reason}", REMEDY) from error
    if not tokenizer.chat_template:
        raise InputError(name, "the tokenizer has no chat template", "use an instruction-tuned base model")
    if tokenizer.eos_token_id is None:
        raise InputError(name, "the tokenizer has no end-of-sequence token", "set eos_token in tokenizer_config.json")
    if tokenizer.pad_token_id in (None, tokenizer.eos_token_id):
        vocabulary = tokenizer.get_vocab()
        spare = [token for token in PADDING if token in vocabulary and token != tokenizer.eos_token]
        if not spare:
            what = f"no padding token other than the end of sequence {tokenizer.eos_token}"
            raise InputError(name, what, "set pad_token in tokenizer_config.json to a token that texts never hold")
        tokenizer.pad_token = spare[0]
    return tokenizer


def _is_a_path(name: str) -> bool:
    """Whether `name` cannot be a hub name, which has one slash at most."""
    return name.startswith((".", "/", "~")) or name.count("/") > 1


def count_tokens(tokenizer: "PreTrainedTokenizerBase", texts: list[str]) -> list[int]:
    """Tokens of each text, special tokens that the text does not spell out not counted; one call for all."""
    if not texts:
        return []
    return [len(ids) for ids in tokenizer(texts, add_special_tokens=False)["input_ids"]]


def counter(tokenizer: "PreTrainedTokenizerBase", lines: Iterable[str]) -> Callable[[str], int]:
    """A count of tokens for any of `lines`, with the line break after it; all are counted now, in one call."""
    known = list(dict.fromkeys(lines))
    counts = dict(zip(known, count_tokens(tokenizer, [f"{line}\n" for line in known]), strict=True))
    return counts.__getitem__

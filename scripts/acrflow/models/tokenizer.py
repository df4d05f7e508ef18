"""Tokenizers of base models: the chat template, the end of a turn, padding, and counts.

The one place that knows what differs between instruct models (Llama 3, Qwen 2.5 and 3, SmolLM2, Gemma, MedGemma):
whether the template has a system role, its options (`base.template`), which token ends an answer, which one pads. What
is mended is mended in the tokenizer itself, so that TRL, vLLM and whoever loads an adapter's folder read the same.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from acrflow.io.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Conversation = list[dict[str, str]]  # messages, each with role and content
Options = Mapping[str, bool | int | float | str]

# A base without padding token gets the first of these that its vocabulary has (Llama 3, Qwen, Llama 2 and kin).
PADDING = ("<|finetune_right_pad_id|>", "<|endoftext|>", "<pad>", "<|pad|>", "[PAD]", "<unk>")
REMEDY = "give a folder with tokenizer.json and tokenizer_config.json, or a hub name that you may read and reach"
# A template without system role (Gemma 2, Mistral) gets the system text as the start of the user's, as Gemma 3 has it.
FOLD_SYSTEM = (
    "{%- if messages[0]['role'] == 'system' %}{%- set messages = [{'role': 'user', "
    "'content': messages[0]['content'] + '\\n\\n' + messages[1]['content']}] + messages[2:] %}{%- endif %}"
)
SYSTEM, ASKED, ANSWER = "Hear this.", "What now?", "Nothing yet."  # a conversation to try a template with


def load_tokenizer(
    name: str, revision: str | None = None, template: Options | None = None
) -> "PreTrainedTokenizerBase":
    """Load a tokenizer, ready for conversations with a system text.

    Args:
        name: a local folder or a name on the hub.
        revision: commit of the hub repository.
        template: options of the chat template (`base.template`), written into it.

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
    _prepare_template(name, tokenizer, template or {})
    _end_with_the_turn(tokenizer)
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


def _prepare_template(name: str, tokenizer: "PreTrainedTokenizerBase", options: Options) -> None:
    """Write the options into the chat template, and a way for the system text if it has none."""
    from jinja2 import TemplateError

    template = tokenizer.chat_template
    if isinstance(template, dict):  # several by name, some for tools
        template = template.get("default", next(iter(template.values())))
    written = "".join(f"{{%- set {key} = {json.dumps(value)} %}}" for key, value in options.items())
    tokenizer.chat_template = written + template
    conversation = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": ASKED}]
    try:
        heard = SYSTEM in prompt_texts(tokenizer, [conversation])[0]
    except TemplateError:  # the template's own refusal
        heard = False
    if heard:
        return
    tokenizer.chat_template = FOLD_SYSTEM + tokenizer.chat_template
    try:
        prompt_texts(tokenizer, [conversation])
    except TemplateError as error:
        remedy = "name an instruction-tuned model, and in base.template options that its chat template knows"
        raise InputError(name, f"the chat template takes no plain conversation: {error}", remedy) from None


def _end_with_the_turn(tokenizer: "PreTrainedTokenizerBase") -> None:
    """Make the token that ends an answer in the chat template the end of sequence.

    Trainers and generation stop at the end of sequence alone; Gemma names <eos> and ends a turn with <end_of_turn>.
    """
    conversation = [{"role": "user", "content": ASKED}, {"role": "assistant", "content": ANSWER}]
    after = str(tokenizer.apply_chat_template(conversation, tokenize=False)).rpartition(ANSWER)[2]
    special = set(tokenizer.all_special_ids) | {
        number for number, token in tokenizer.added_tokens_decoder.items() if token.special
    }
    ends = [number for number in tokenizer(after, add_special_tokens=False)["input_ids"] if number in special]
    if ends and tokenizer.eos_token_id != ends[0]:
        tokenizer.eos_token = tokenizer.convert_ids_to_tokens(ends[0])


def prompt_texts(tokenizer: "PreTrainedTokenizerBase", conversations: Sequence[Conversation]) -> list[str]:
    """The prompts as the model reads them, up to where its answer begins."""
    if not conversations:
        return []
    texts = tokenizer.apply_chat_template(list(conversations), add_generation_prompt=True, tokenize=False)
    return [str(text) for text in texts]


def prompt_tokens(tokenizer: "PreTrainedTokenizerBase", conversations: Sequence[Conversation]) -> list[list[int]]:
    """The prompts as token ids: the chat template adds every special token, once."""
    return _token_ids(tokenizer, prompt_texts(tokenizer, conversations))


def answer_tokens(tokenizer: "PreTrainedTokenizerBase", answers: list[str]) -> list[list[int]]:
    """Answers as the model is to write them after a prompt: the text as it stands, and the end of the turn.

    Not by the chat template: Qwen 3's rewrites an answer that holds a think block, Llama 3's and Gemma's trim it.
    """
    return [[*ids, tokenizer.eos_token_id] for ids in _token_ids(tokenizer, answers)]


def check_end(tokenizer: "PreTrainedTokenizerBase", conversation: Conversation, answer: str) -> None:
    """Check on one example that training sees the end of the sequence.

    Raises:
        InputError: the tokenizer has no end-of-sequence token, pads with it (the real end would be masked), or its
            chat template does not write it after an answer: a model trained so never stops.
    """
    name = tokenizer.name_or_path
    if tokenizer.eos_token_id is None or tokenizer.eos_token_id == tokenizer.pad_token_id:
        what = f"end of sequence {tokenizer.eos_token}, padding {tokenizer.pad_token}: the end is missing or masked"
        raise InputError(name, what, "give the tokenizer a padding token of its own")
    prompt = prompt_texts(tokenizer, [conversation])[0]
    whole = tokenizer.apply_chat_template([*conversation, {"role": "assistant", "content": answer}], tokenize=False)
    ids, start = _token_ids(tokenizer, [str(whole), prompt])
    if tokenizer.eos_token_id not in ids[len(start) :]:
        what = f"the chat template does not end an answer with {tokenizer.eos_token}"
        raise InputError(name, what, "mend the tokenizer's chat template, or set eos_token to the token it writes")


def count_tokens(tokenizer: "PreTrainedTokenizerBase", texts: list[str]) -> list[int]:
    """Tokens of each text, special tokens that the text does not spell out not counted; one call for all."""
    return [len(ids) for ids in _token_ids(tokenizer, texts)]


def _token_ids(tokenizer: "PreTrainedTokenizerBase", texts: list[str]) -> list[list[int]]:
    ids: list[list[int]] = tokenizer(texts, add_special_tokens=False)["input_ids"] if texts else []
    return ids


def counter(tokenizer: "PreTrainedTokenizerBase", lines: Iterable[str]) -> Callable[[str], int]:
    """A count of tokens for any of `lines`, with the line break after it; all are counted now, in one call."""
    known = list(dict.fromkeys(lines))
    counts = dict(zip(known, count_tokens(tokenizer, [f"{line}\n" for line in known]), strict=True))
    return counts.__getitem__

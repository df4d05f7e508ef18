"""The demo's base model: a tiny Llama that has read the run's training texts and knows none of the answers.

Its tokenizer is made from the words of all documents, since a prompt's length is counted before the splits are drawn;
the model itself reads the training split alone, so that no reasoning of a held-out row is in it.

It learns how prompts, reasoning and answers look, from conversations whose labels are drawn at random. A random label
is often drawn once and kept for all rows whose variant and procedure open with the same words (`REMEMBERED`): no such
label says anything about appropriateness, but the model learns that an answer depends on the question. Without it,
the answer ignores the question so thoroughly that neither SFT nor GRPO finds a way back in a hundred steps (measured:
both collapse to the majority label; with it, GRPO from this base reaches 34 to 76 macro F1 on held-out rows, by seed).
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from acrflow.config.base import TinyBase
from acrflow.models.tokenizer import prompt_texts
from acrflow.tasks import completion
from acrflow.tasks.appropriateness import LABELS
from acrflow.tasks.prompts import Prompt, messages

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM, PreTrainedTokenizerBase, PreTrainedTokenizerFast

BEGIN, HEADER, END_HEADER, END, PAD = SPECIAL = (
    "<|begin_of_text|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eot_id|>",
    "<|finetune_right_pad_id|>",
)
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "<|start_header_id|>{{ message['role'] }}<|end_header_id|>\n\n{{ message['content'] | trim }}<|eot_id|>"
    "{% endfor %}{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
POSITIONS = 4096  # longest text that the model can be given, in tokens
CONTEXT = 320  # tokens of a training text; a longer one loses the start of its prompt
EVIDENCE_WORDS = 25  # words of each abstract in a training text
REASONED = 3  # texts with reasoning for each one without
REMEMBERED = 0.7  # share of the texts whose random label is that of their opening words

# Texts grow: answers alone, then with the question, then with the system text and evidence. A whole conversation is
# ten times as long as its answer, and only the answers are trained on.
ALONE, UNINSTRUCTED = 0.25, 0.5  # shares of the texts of the first two kinds
INITIALIZER_RANGE = 0.08  # at the default 0.02 a model this small stays stuck near 50 % well-formed completions

Message = dict[str, str]


@dataclass(frozen=True)
class Corpus:
    """What the base model reads.

    Attributes:
        rows: condition, variant, procedure and traces (may be empty) of some rows; no label.
        abstracts: condensed abstracts.
    """

    rows: list[dict[str, Any]]
    abstracts: list[str]


def draw_texts(corpus: Corpus, prompts: list[Prompt], settings: TinyBase, seed: int) -> list[list[Message]]:
    """Draw the conversations of all steps, each ending with the answer; their labels are random.

    Args:
        settings: `tagged` is the share of the texts that show the think and answer tags, the others lack them.
    """
    draw = random.Random(seed)
    weights = [REASONED if prompt.reasoned else 1 for prompt in prompts]
    count = settings.steps * settings.batch
    texts = []
    for place in range(count):
        prompt = draw.choices(prompts, weights)[0]
        row = draw.choice(corpus.rows)
        reasoning = None
        if prompt.reasoned:
            reasoning = first_words(draw.choice(row["traces"] or [row["procedure"]]), settings.reasoning_words)
        answer = completion.write(reasoning, random_label(row, draw, seed))
        if draw.random() >= settings.tagged:
            answer = _without_tags(answer).strip()
        evidence = [
            {"number": draw.randint(1, 40), "pmid": None, "text": first_words(text, EVIDENCE_WORDS)}
            for text in draw.sample(corpus.abstracts, min(2, len(corpus.abstracts)))
        ]
        asked: list[Message] = []
        if place >= (ALONE + UNINSTRUCTED) * count:
            asked = messages(prompt, {**row, "evidence": evidence})
        elif place >= ALONE * count:
            asked = messages(prompt, {**row, "evidence": []})[1:]
        texts.append([*asked, {"role": "assistant", "content": answer}])
    return texts


def random_label(row: dict[str, Any], draw: random.Random, seed: int) -> str:
    """A random label: drawn anew, or (`REMEMBERED`) drawn once for the opening words of variant and procedure."""
    if draw.random() < REMEMBERED:
        opening = (text.split()[:1] for text in (row["variant"], row["procedure"]))
        draw = random.Random(f"{seed} {list(opening)}")
    return draw.choice(LABELS)


def first_words(text: str, count: int) -> str:
    """The first `count` words; a text that is cut ends with a full stop."""
    words = text.split()
    return text if len(words) <= count else " ".join(words[:count]).rstrip(".,;:") + "."


def make_tokenizer(texts: Iterable[list[Message]], vocabulary: int) -> "PreTrainedTokenizerFast":
    """Train a byte-level BPE on the conversations; the tags are tokens, the pad token is not the end of sequence.

    Args:
        vocabulary: number of tokens, the 256 bytes, the special tokens and the tags included.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - len(completion.TAGS),
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    without_tags = (_without_tags(message["content"]) for text in texts for message in text)
    bpe.train_from_iterator(without_tags, trainer)
    # ordinary tokens, not special ones: decoding a completion must keep its tags
    bpe.add_tokens([AddedToken(tag, special=False, normalized=False) for tag in completion.TAGS])
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        bos_token=BEGIN,
        eos_token=END,
        pad_token=PAD,
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
        model_max_length=POSITIONS,
        padding_side="left",
    )


def _without_tags(text: str) -> str:
    for tag in completion.TAGS:
        text = text.replace(tag, " ")
    return text


def make_model(tokenizer: "PreTrainedTokenizerBase", hidden: int, layers: int, seed: int) -> "LlamaForCausalLM":
    """A randomly initialised Llama with heads of 32 dimensions."""
    import torch
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    tokens = {
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=3 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=max(1, hidden // 32),
        num_key_value_heads=max(1, hidden // 32),
        max_position_embeddings=POSITIONS,
        initializer_range=INITIALIZER_RANGE,
        tie_word_embeddings=False,
        dtype="float32",
        **tokens,
    )
    model = LlamaForCausalLM(config)
    model.generation_config = GenerationConfig(do_sample=True, **tokens)
    return model


def train(
    model: "LlamaForCausalLM",
    tokenizer: "PreTrainedTokenizerBase",
    texts: list[list[Message]],
    settings: TinyBase,
    progress: Callable[[int, float], None],
) -> list[float]:
    """Train on each text once, in order, on the tokens of its answer; one-cycle schedule.

    Returns:
        The loss of every step (nats per token).
    """
    import torch

    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings.learning_rate, total_steps=settings.steps)
    losses = []
    model.train()
    for step in range(settings.steps):
        batch = _batch(tokenizer, texts[step * settings.batch : (step + 1) * settings.batch])
        loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        progress(step + 1, losses[-1])
    model.eval()
    return losses


def _batch(tokenizer: "PreTrainedTokenizerBase", texts: list[list[Message]]) -> dict[str, Any]:
    """Tokens, mask and labels of some texts, padded on the right; only answers have labels."""
    import torch
    from torch.nn.utils.rnn import pad_sequence

    ids, labels = [], []
    for *asked, answer in texts:
        prompt = prompt_texts(tokenizer, [asked])[0] if asked else BEGIN
        answered = tokenizer.encode(answer["content"] + END, add_special_tokens=False)[-CONTEXT:]
        before = tokenizer.encode(prompt, add_special_tokens=False)[-max(1, CONTEXT - len(answered)) :]
        ids.append(torch.tensor(before + answered))
        labels.append(torch.tensor([-100] * len(before) + answered))
    tokens = pad_sequence(ids, batch_first=True, padding_value=tokenizer.pad_token_id)
    return {
        "input_ids": tokens,
        "attention_mask": (tokens != tokenizer.pad_token_id).long(),
        "labels": pad_sequence(labels, batch_first=True, padding_value=-100),
    }


def tokenizer_for(corpus: Corpus, prompts: list[Prompt], settings: TinyBase, seed: int) -> "PreTrainedTokenizerFast":
    """The tokenizer of a run's texts."""
    return make_tokenizer(draw_texts(corpus, prompts, settings, seed)[-2000:], settings.vocabulary)


def make(
    corpus: Corpus,
    tokenizer: "PreTrainedTokenizerBase",
    prompts: list[Prompt],
    settings: TinyBase,
    seed: int,
    out: Path,
    progress: Callable[[int, float], None] = lambda step, loss: None,
) -> list[float]:
    """Make the model, train it on texts of `corpus`, and save it (safetensors) with its tokenizer to the folder `out`.

    Args:
        progress: called with each step, counted from 1, and its loss.

    Returns:
        The loss of every step.
    """
    model = make_model(tokenizer, settings.hidden, settings.layers, seed)
    losses = train(model, tokenizer, draw_texts(corpus, prompts, settings, seed), settings, progress)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    return losses

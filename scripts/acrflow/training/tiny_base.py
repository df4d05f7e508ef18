"""The demo's base model: a tiny Llama that has read the run's own texts and knows none of the answers.

It learns how prompts, reasoning and answers look. The label of every text is drawn at random, and so are the
pairing of variant, procedure, evidence and reasoning: no label can be learned here, only in the adapters.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from acrflow import completion
from acrflow.dataset.prompts import Prompt, messages
from acrflow.labels import LABELS

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

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
CONTEXT = 320  # tokens of a training text; longer ones lose words of their prompt's start
ALONE = 0.6  # share of the texts, the first ones, that lack the prompt: they teach form at a tenth of the tokens
RESTATED = 0.5  # share of the reasoning that repeats the question's words; the rest are traces of other rows
EVIDENCE_WORDS = 25  # words of each abstract in a training text
INITIALIZER_RANGE = 0.08  # at the default 0.02 a model this small stays stuck near 50 % well-formed completions

Message = dict[str, str]


@dataclass(frozen=True)
class Corpus:
    """What the base model reads: the parts that its texts are drawn from, each part on its own.

    Attributes:
        scenarios: (condition, variant) pairs.
        procedures: procedure names.
        traces: reasoning sentences.
        abstracts: (pmid, text) of condensed abstracts.
    """

    scenarios: list[tuple[str, str]]
    procedures: list[str]
    traces: list[str]
    abstracts: list[tuple[int, str]]


def draw_texts(
    corpus: Corpus, prompts: list[Prompt], count: int, tagged: float, reasoning_words: int, seed: int
) -> list[list[Message]]:
    """Draw conversations with random labels: first answers alone, then system, user and assistant.

    Args:
        tagged: share of the reasoning texts that show the think and answer tags; the others lack them.
        reasoning_words: longest reasoning, in words; the rest of a trace is cut.
    """
    draw = random.Random(seed)
    texts = []
    for place in range(count):
        prompt = draw.choice(prompts)
        condition, variant = draw.choice(corpus.scenarios)
        chosen = draw.sample(corpus.abstracts, min(2, len(corpus.abstracts)))
        row = {
            "condition": condition,
            "variant": variant,
            "procedure": draw.choice(corpus.procedures),
            "evidence": [
                {"number": draw.randint(1, 40), "pmid": pmid, "text": first_words(text, EVIDENCE_WORDS)}
                for pmid, text in chosen
            ],
        }
        label = draw.choice(LABELS)
        reasoning = None
        if prompt.reasoned and (not corpus.traces or draw.random() < RESTATED):
            reasoning = f"{first_words(variant, 4)} {first_words(row['procedure'], reasoning_words)}."
        elif prompt.reasoned:
            reasoning = first_words(draw.choice(corpus.traces), reasoning_words)
        answer = completion.write(reasoning, label)
        if draw.random() >= tagged:
            for tag in completion.TAGS:
                answer = answer.replace(tag, " ")
        asked = [] if place < ALONE * count else messages(prompt, row)
        texts.append([*asked, {"role": "assistant", "content": answer.strip()}])
    return texts


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


def make_model(tokenizer: "PreTrainedTokenizerFast", hidden: int, layers: int, seed: int) -> "LlamaForCausalLM":
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
    tokenizer: "PreTrainedTokenizerFast",
    texts: list[list[Message]],
    batch: int,
    learning_rate: float,
    progress: Callable[[int, float], None] = lambda step, loss: None,
) -> list[float]:
    """Train on each text once, in order, next-token loss on all tokens, one-cycle schedule.

    Returns:
        The loss of every step (nats per token).
    """
    import torch

    steps = len(texts) // batch
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, total_steps=steps)
    losses = []
    model.train()
    for step in range(steps):
        rendered = tokenizer.apply_chat_template(texts[step * batch : (step + 1) * batch], tokenize=False)
        tokens = tokenizer(
            rendered,
            return_tensors="pt",
            padding=True,
            padding_side="left",
            truncation=True,
            truncation_side="left",
            max_length=CONTEXT,
            add_special_tokens=False,
        )
        labels = tokens["input_ids"].masked_fill(tokens["attention_mask"] == 0, -100)
        loss = model(**tokens, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        progress(step + 1, losses[-1])
    model.eval()
    return losses


def make(
    corpus: Corpus, prompts: list[Prompt], settings: Any, seed: int, out: Path, progress: Callable[..., None]
) -> list[float]:
    """Make tokenizer and model, train, and save both (safetensors) to the folder `out`.

    Args:
        settings: `acrflow.config.TinyBase`.

    Returns:
        The loss of every step.
    """
    count = settings.steps * settings.batch
    texts = draw_texts(corpus, prompts, count, settings.tagged, settings.reasoning_words, seed)
    tokenizer = make_tokenizer(texts[-2000:], settings.vocabulary)
    model = make_model(tokenizer, settings.hidden, settings.layers, seed)
    losses = train(model, tokenizer, texts, settings.batch, settings.learning_rate, progress)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    return losses

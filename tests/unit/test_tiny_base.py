"""The demo's base model: knows the language, none of the answers."""

import math
from collections import Counter

from transformers import AutoModelForCausalLM, AutoTokenizer

from acrflow.config.base import TinyBase
from acrflow.synthetic import tiny_base as base
from acrflow.tasks import completion
from acrflow.tasks.appropriateness import LABELS
from acrflow.tasks.prompts import Prompt

SETTINGS = TinyBase(steps=60, batch=20, tagged=0.5)


def test_labels_are_balanced_and_do_not_come_from_the_corpus(corpus: base.Corpus, prompts: list[Prompt]) -> None:
    """The corpus holds no label at all; over many seeds a row gets each label about as often."""
    seen = Counter(
        completion.parse(text[-1]["content"]).label
        for seed in range(40)
        for text in base.draw_texts(base.Corpus(corpus.rows[:1], []), prompts, SETTINGS, seed)
    )
    labelled = sum(seen[label] for label in LABELS)
    assert all(0.2 < seen[label] / labelled < 0.47 for label in LABELS)
    assert all(set(row) == {"condition", "variant", "procedure", "traces"} for row in corpus.rows)


def test_texts_grow_from_answers_to_whole_conversations_and_show_the_tags_in_a_share(
    corpus: base.Corpus, prompts: list[Prompt]
) -> None:
    texts = base.draw_texts(corpus, prompts, SETTINGS, seed=1)
    assert [len(text) for text in (texts[0], texts[600], texts[-1])] == [1, 2, 3]
    tagged = sum(completion.ANSWER in text[-1]["content"] for text in texts) / len(texts)
    assert 0.4 < tagged < 0.6
    assert base.draw_texts(corpus, prompts, SETTINGS, seed=1) == texts


def test_the_tokenizer_keeps_tags_labels_and_any_sign(tiny_base: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_base)
    text = completion.write("CT – ☢ ≥ 3 µg [1,2].", LABELS[1])
    tokens = tokenizer.encode(text, add_special_tokens=False)
    assert tokenizer.decode(tokens, skip_special_tokens=True) == text
    assert {tokenizer.convert_tokens_to_ids(tag) for tag in completion.TAGS} <= set(tokens)
    assert tokenizer.pad_token_id not in (None, tokenizer.eos_token_id)
    chat = tokenizer.apply_chat_template([{"role": "user", "content": "x"}], tokenize=False, add_generation_prompt=True)
    assert chat.endswith("<|start_header_id|>assistant<|end_header_id|>\n\n")


def test_the_model_is_saved_whole_and_knows_where_to_stop(tiny_base: str) -> None:
    model = AutoModelForCausalLM.from_pretrained(tiny_base, use_safetensors=True)
    tokenizer = AutoTokenizer.from_pretrained(tiny_base)
    assert model.generation_config.eos_token_id == tokenizer.eos_token_id
    assert model.generation_config.pad_token_id == tokenizer.pad_token_id


def test_long_documents_are_cut_to_the_context_and_keep_their_answer(corpus: base.Corpus, tiny_base: str) -> None:
    """Real variants and traces run to hundreds of words."""
    tokenizer = AutoTokenizer.from_pretrained(tiny_base)
    answer = completion.write("CT is fast.", LABELS[0])
    texts = [[{"role": "user", "content": "word " * 5000}, {"role": "assistant", "content": answer}]]
    batch = base._batch(tokenizer, texts)
    assert batch["input_ids"].shape == (1, base.CONTEXT)
    kept = batch["labels"][0][batch["labels"][0] != -100]
    assert tokenizer.decode(kept) == answer + tokenizer.eos_token
    assert base.first_words("One, two, three four.", 2) == "One, two."


def test_training_lowers_the_loss(corpus: base.Corpus, prompts: list[Prompt], tmp_path_factory) -> None:
    settings = TinyBase(vocabulary=500, hidden=32, layers=1, steps=12, batch=8)
    tokenizer = base.tokenizer_for(corpus, prompts, settings, 2)
    losses = base.make(corpus, tokenizer, prompts, settings, seed=2, out=tmp_path_factory.mktemp("base"))
    assert losses[-1] < losses[0] < 2 * math.log(500)

"""Any instruct model: its prompt, its answer, and where it stops, by the published rules of its family."""

from pathlib import Path
from typing import Any

import pytest
from chat_models import FAMILIES, Family, write_chat_tokenizer

from acrflow.io.errors import InputError
from acrflow.models.tokenizer import answer_tokens, check_end, load_tokenizer, prompt_texts, prompt_tokens

CONVERSATION = [{"role": "system", "content": "You rate imaging."}, {"role": "user", "content": "CT of the knee?"}]
ANSWER = "<think>CT is fast.</think><answer>x</answer>"


@pytest.fixture(params=FAMILIES.values(), ids=FAMILIES.keys())
def family(request: pytest.FixtureRequest) -> Family:
    found: Family = request.param
    return found


@pytest.fixture
def tokenizer(family: Family, tmp_path: Path) -> Any:
    return load_tokenizer(write_chat_tokenizer(family, tmp_path))


def test_the_system_text_is_heard_whether_or_not_there_is_a_role_for_it(family: Family, tokenizer: Any) -> None:
    prompt = prompt_texts(tokenizer, [CONVERSATION])[0]
    assert f"{family.system}You rate imaging." in prompt
    assert prompt.count("You rate imaging.") == prompt.count("CT of the knee?") == 1
    assert prompt.index("You rate imaging.") < prompt.index("CT of the knee?")
    assert prompt.rstrip().endswith(("assistant<|end_header_id|>", "<|im_start|>assistant", "<start_of_turn>model"))


def test_a_conversation_without_a_system_text_is_left_as_it_is(family: Family, tokenizer: Any, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    asked = [[CONVERSATION[1]]]
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    assert prompt_texts(tokenizer, asked) == theirs.apply_chat_template(
        asked, tokenize=False, add_generation_prompt=True
    )


def test_an_answer_ends_with_the_turn_and_padding_is_another_token(family: Family, tokenizer: Any) -> None:
    assert tokenizer.eos_token == family.turn
    assert tokenizer.pad_token not in (None, family.turn)
    check_end(tokenizer, CONVERSATION, ANSWER)


def test_what_is_trained_on_is_the_answer_as_it_stands_after_the_very_prompt(tokenizer: Any) -> None:
    """Qwen 3's template would take the think block apart and write it anew."""
    prompt, answer = prompt_tokens(tokenizer, [CONVERSATION])[0], answer_tokens(tokenizer, [ANSWER])[0]
    assert tokenizer.decode(prompt) == prompt_texts(tokenizer, [CONVERSATION])[0]
    assert prompt.count(tokenizer.bos_token_id) <= 1 or tokenizer.bos_token == "<|im_start|>"
    assert tokenizer.decode(answer[:-1]) == ANSWER
    assert answer[-1] == tokenizer.eos_token_id


def test_what_was_mended_is_saved_with_the_tokenizer(family: Family, tokenizer: Any, tmp_path: Path) -> None:
    """An adapter's folder brings its tokenizer: TRL, vLLM and users read the prompt that the adapter was trained on."""
    from transformers import AutoTokenizer

    tokenizer.save_pretrained(tmp_path / "adapter")
    saved = AutoTokenizer.from_pretrained(tmp_path / "adapter")
    prompt = saved.apply_chat_template(CONVERSATION, tokenize=False, add_generation_prompt=True)
    assert prompt == prompt_texts(tokenizer, [CONVERSATION])[0]
    assert saved.eos_token == family.turn
    again = load_tokenizer(str(tmp_path / "adapter"))
    assert prompt_texts(again, [CONVERSATION]) == [prompt]


def test_thinking_is_switched_off_by_an_option_of_the_template(tmp_path: Path) -> None:
    name = write_chat_tokenizer(FAMILIES["qwen_3"], tmp_path)
    empty = "<think>\n\n</think>\n\n"
    thinking, plain = (
        prompt_texts(load_tokenizer(name, template=options), [CONVERSATION])[0]
        for options in ({}, {"enable_thinking": False})
    )
    assert plain == thinking + empty
    assert empty not in thinking


@pytest.mark.parametrize(("value", "written"), [("26 Jul 2024", "26 Jul 2024"), (3, "3"), (0.5, "0.5"), (True, "True")])
def test_an_option_of_any_kind_reaches_the_template(value: Any, written: str, tmp_path: Path) -> None:
    family = FAMILIES["llama_3"]
    dated = Family(**{**vars(family), "template": "{{ date }}" + family.template})
    tokenizer = load_tokenizer(write_chat_tokenizer(dated, tmp_path), template={"date": value})
    assert prompt_texts(tokenizer, [CONVERSATION])[0].startswith(written)


def test_a_template_that_drops_the_system_text_in_silence_gets_it_too(tmp_path: Path) -> None:
    deaf = (
        "{% for message in messages if message['role'] != 'system' %}<{{ message['content'] }}><|eot_id|>{% endfor %}"
    )
    family = Family(**{**vars(FAMILIES["llama_3"]), "template": deaf})
    prompt = prompt_texts(load_tokenizer(write_chat_tokenizer(family, tmp_path)), [CONVERSATION])[0]
    assert prompt == "<You rate imaging.\n\nCT of the knee?><|eot_id|>"


def test_a_template_that_takes_no_conversation_is_refused(tmp_path: Path) -> None:
    never = "{{ raise_exception('pass documents') }}"
    family = Family(**{**vars(FAMILIES["llama_3"]), "template": never})
    with pytest.raises(InputError, match=r"no plain conversation: pass documents\n.*Remedy: name an instruction-tuned"):
        load_tokenizer(write_chat_tokenizer(family, tmp_path))

"""A prompt file becomes messages in one way, and a broken one is refused with its reason."""

import subprocess
import sys
from pathlib import Path

import pytest

from acrflow.io.errors import InputError
from acrflow.tasks.appropriateness import LABELS
from acrflow.tasks.prompts import evidence_block, load_prompt, messages, prompt_hash

PROMPTS = Path(__file__).resolve().parents[2] / "config" / "prompts"
SHIPPED = sorted(PROMPTS.glob("*.yaml"))
ROW = {
    "condition": "Morvane syndrome",
    "variant": "Adult {procedure}.",
    "procedure": "US velum",
    "evidence": [
        {"number": 4, "pmid": 99_000_004, "text": "US found {condition} in 9 of 10."},
        {"number": 11, "pmid": 99_000_011, "text": "MRI is slow."},
    ],
}


def test_the_four_prompts_are_shipped():
    assert [path.stem for path in SHIPPED] == ["label", "label_evidence", "reasoning", "reasoning_evidence"]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_prompt_says_what_its_name_says(path):
    prompt = load_prompt(path)
    assert prompt.name == path.stem
    assert prompt.reasoned == path.stem.startswith("reasoning")
    assert prompt.evidenced == path.stem.endswith("evidence")
    assert all(label in prompt.system for label in LABELS)
    assert len(prompt.system.split()) <= 60


def test_the_row_fills_the_prompt_and_its_own_braces_stay():
    system, user = messages(load_prompt(PROMPTS / "reasoning_evidence.yaml"), ROW)
    assert (system["role"], user["role"]) == ("system", "user")
    assert user["content"] == (
        "Condition: Morvane syndrome\nVariant: Adult {procedure}.\nProcedure: US velum\n"
        "Evidence:\n[4] US found {condition} in 9 of 10.\n[11] MRI is slow."
    )


def test_a_prompt_without_evidence_shows_none_and_needs_none():
    row = {name: value for name, value in ROW.items() if name != "evidence"}
    assert "US found" not in messages(load_prompt(PROMPTS / "reasoning.yaml"), row)[1]["content"]


@pytest.mark.parametrize("evidence", [[], None])
def test_a_row_without_studies_says_so(evidence):
    user = messages(load_prompt(PROMPTS / "label_evidence.yaml"), {**ROW, "evidence": evidence})[1]
    assert user["content"].endswith("Evidence:\nnone")
    assert evidence_block([]) == "none"


def test_the_hash_stands_for_the_messages():
    prompt = load_prompt(PROMPTS / "label.yaml")
    assert prompt_hash(messages(prompt, ROW)) == prompt_hash(messages(prompt, ROW))
    assert prompt_hash(messages(prompt, ROW)) != prompt_hash(messages(prompt, {**ROW, "procedure": "MRI velum"}))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("system: a", "expected the keys system and user, found system"),
        ("- a", "found list"),
        ("system: [", "not a prompt file"),
        ("system: 3\nuser: a", "not both text"),
        (
            "system: <answer>x</answer>\nuser: '{condition} {variant} {procedure} {colour}'",
            "unknown placeholder {colour}",
        ),
        ("system: <answer>x</answer>\nuser: '{condition} {variant}'", "placeholder {procedure} is missing"),
        ("system: judge\nuser: '{condition} {variant} {procedure}'", "does not ask for an answer block"),
    ],
)
def test_a_broken_prompt_file_is_refused_with_its_reason(tmp_path, text, problem):
    path = tmp_path / "own.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        load_prompt(path)
    assert problem in str(error.value)
    assert str(path) in str(error.value)


def test_rendering_loads_neither_torch_nor_polars():
    code = "import sys, acrflow.tasks.prompts; sys.exit(bool({'torch', 'polars', 'transformers'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=PROMPTS.parents[1] / "scripts").returncode == 0

"""The roster names every model of a run with what decides its predictions; the layout follows from it."""

from pathlib import Path
from typing import Any

import pytest

from acrflow.config import configuration
from acrflow.config.configuration import RESERVED
from acrflow.config.evaluation import BASELINES
from acrflow.config.roster import Roster, read_roster, roster
from acrflow.guideline.topics import Topic
from acrflow.io.errors import InputError
from acrflow.workflow.layout import Layout, prompt_of, shows

GRPO = {"method": "grpo", "rewards": {"answer": 1.0}}
VALUES: dict[str, Any] = {
    "run": "r",
    "base": {"model": "some/base", "revision": "abc"},
    "training": {"grpo": {"completion_tokens": 900}},
    "adapters": {
        "sft": {"method": "sft"},
        "long": {**GRPO, "evidence": "acr", "seeds": [5], "training": {"completion_tokens": 2000}},
    },
    "evaluation": {"references": {"large": {"model": "a-large-one"}}},
}


def load(**values: Any) -> configuration.Config:
    return configuration.load({**VALUES, **values}, "test")


def test_every_model_has_its_base_prompt_examples_seed_and_length_limit() -> None:
    made = roster(load())
    assert [(one.name, one.kind) for one in made.models] == [
        *[("sft", "adapter"), ("long", "adapter"), ("long-seed5", "adapter"), ("large", "reference"), ("base", "base")],
        *((name, "baseline") for name in BASELINES),
        ("panel", "ceiling"),
    ]
    further = made.model("long-seed5")
    assert (further.adapter, further.seed, further.examples) == ("long", 5, "reasoning_evidence")
    assert (further.loaded.model, further.loaded.revision) == ("some/base", "abc")
    assert made.model("large").loaded.model == "a-large-one"


def test_an_adapter_is_evaluated_at_its_own_length_limit() -> None:
    made = roster(load())
    limits = {name: made.model(name).completion_tokens for name in ("sft", "long", "long-seed5", "base", "large")}
    assert limits == {"sft": 900, "long": 2000, "long-seed5": 2000, "base": 900, "large": 900}


def test_a_roster_is_read_as_it_was_written_and_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    made = roster(load())
    (tmp_path / "roster.json").write_text(made.model_dump_json())
    assert read_roster(tmp_path / "roster.json") == made
    with pytest.raises(InputError, match="the models are sft, long"):
        made.model("longer")
    with pytest.raises(InputError, match="a baseline has no prompt"):
        made.model("majority").examples_with(None)
    (tmp_path / "roster.json").write_text('{"run": "r", "models": [{"name": "x", "kind": "thing"}]}')
    for path in (tmp_path / "roster.json", tmp_path / "nowhere.json"):
        with pytest.raises(InputError, match="rule write_roster"):
            read_roster(path)


def test_a_model_more_changes_no_other_models_entry() -> None:
    topics = [Topic("knee", "Knee", "train_test")]
    before, after = (Layout(load(adapters=adapters), topics) for adapters in (
        VALUES["adapters"], {"first": GRPO, **VALUES["adapters"]},
    ))  # fmt: skip
    assert after.entries("sft", "long") == before.entries("sft", "long")
    assert len(after.entries()) == len(before.entries()) + 1


def test_the_baselines_are_those_that_can_be_trained() -> None:
    from acrflow.evaluation import baselines

    assert [name for name in BASELINES if not callable(getattr(baselines, name, None))] == []


@pytest.mark.parametrize("name", ["majority", "measure", "train_adapter", "write_roster", "all", "base", "panel"])
@pytest.mark.parametrize("kind", ["adapters", "references"])
def test_an_adapter_or_reference_named_as_a_rule_a_target_or_another_model_is_refused(name: str, kind: str) -> None:
    values: dict[str, Any] = {"adapters": {**VALUES["adapters"], name: GRPO}}
    if kind == "references":
        values = {"evaluation": {"references": {name: {"model": "m"}}}}
    with pytest.raises(InputError, match=f"{name}: the name is reserved"):
        load(**values)


def test_every_rule_is_a_reserved_name() -> None:
    import re

    root = Path(__file__).resolve().parents[2]
    text = "\n".join(path.read_text() for path in [root / "Snakefile", *root.glob("rules/*.smk")])
    rules = {a or b for a, b in re.findall(r"^\s*(?:rule (\w+):|use rule \w+ as (\w+) with:)", text, re.MULTILINE)}
    assert len(rules) > 35
    assert rules <= RESERVED


def test_the_layout_names_folders_splits_and_steps() -> None:
    topics = [Topic("knee", "Knee", "train_test"), Topic("hip", "Hip", "generalization")]
    layout = Layout(load(), topics)
    assert (layout.run, layout.splits, layout.held_out) == ("results/r", ["test", "generalization"], ["hip"])
    assert layout.examples == ["label", "reasoning", "reasoning_evidence"]
    assert layout.examples_again == ["reasoning_retrieved", "reasoning_without"] and layout.retrieves
    assert layout.readers == ["long", "long-seed5"]
    assert layout.generators == ["sft", "long", "long-seed5", "base"]
    assert {"train_adapter.long-seed5", "assign_studies"} <= set(layout.steps)
    assert layout.reward_files("long-seed5") == ["acrflow/rewards/answer.py"]
    nothing = Layout(load(evaluation={"other_evidence": []}), topics[:1])
    assert not nothing.retrieves and nothing.splits == ["test"] and "assign_studies" not in nothing.steps


def test_the_tiny_base_and_its_tokenizer_are_files_of_the_run_and_a_hub_name_is_none() -> None:
    topics = [Topic("knee", "Knee", "train_test")]
    tiny, hub = Layout(load(base={"model": "tiny"}), topics), Layout(load(), topics)
    assert (tiny.base_of("long"), tiny.base_files()) == ("results/r/models/base", ["results/r/models/base"])
    assert tiny.tokenizer_files == ["results/r/models/tokenizer"]
    assert (hub.base_of(), hub.base_files("sft", "long"), hub.tokenizer_files) == ("some/base", [], [])
    assert hub.revision == ["--revision=abc"]


def test_what_examples_show_and_which_prompt_they_are_made_with() -> None:
    assert [shows(f"reasoning_{kind}") for kind in ("evidence", "retrieved", "without")] == [None, "retrieved", "none"]
    assert prompt_of("reasoning_without") == "config/prompts/reasoning_evidence.yaml"
    assert isinstance(roster(load()), Roster)

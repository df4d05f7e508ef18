"""What a reward says of itself reaches the configuration, the recipe and the training: nothing is said twice."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
import yaml
from tiny_training import ROOT

from acrflow import rewards
from acrflow.config import configuration, registry
from acrflow.config.recipe import Recipe
from acrflow.io.errors import InputError

NEW = '''
"""Reward: invented."""

from acrflow.models.embedder import Embedder
from acrflow.rewards import reward


@reward(columns=("traces",), low=0.0, high=1.0)
def NAME(completions: list[str], traces: list[list[str]], *, embedder: Embedder, sharp: float = 2.0, how: str):
    if sharp <= 1:
        raise ValueError("sharp must be above 1")
    return [1 / sharp for _ in embedder.encode(completions)]
'''


def recipe(reward: str, **options: Any) -> Recipe:
    adapters = {"mine": {"method": "grpo", "rewards": {reward: {"options": options}}}}
    return configuration.load({"adapters": adapters}, "test").recipe("mine")


@pytest.fixture
def invented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Write the file of a reward to a folder that counts among those of the rewards."""
    monkeypatch.setattr(rewards, "__path__", [*rewards.__path__, str(tmp_path)])
    monkeypatch.setattr(registry, "FOLDER", tmp_path)
    registry.find_reward.cache_clear()

    def write(name: str, text: str) -> None:
        (tmp_path / f"{name}.py").write_text(text)

    return write


def test_a_new_reward_that_asks_for_the_embedder_gets_it_without_another_line(invented: Any) -> None:
    invented("novel_one", NEW.replace("NAME", "novel_one"))
    wanted = recipe("novel_one", how="so")
    assert wanted.models.embedder == "sentence-transformers/all-MiniLM-L6-v2"
    assert (wanted.models.judge, wanted.models.device) == (None, "auto")
    embedder = MagicMock()
    embedder.encode = list
    reward = rewards.load("novel_one", wanted.rewards["novel_one"].options, {"embedder": lambda: embedder})
    assert reward(["a", "b"], traces=[[], []]) == [0.5, 0.5]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"sharpp": 3.0, "how": "so"}, r"unknown option sharpp \(did you mean sharp\?\); known are sharp, how"),
        ({"sharp": "3", "how": "so"}, r"sharp: Input should be a valid number"),
        ({"sharp": True, "how": "so"}, r"sharp: Input should be a valid number"),
        ({"sharp": 0.5, "how": "so"}, r"sharp must be above 1"),
        ({"sharp": 3}, r"how: this key is missing"),
    ],
)
def test_an_option_that_cannot_be_is_refused_with_the_configuration(
    invented: Any, options: dict[str, Any], named: str
) -> None:
    invented("novel_two", NEW.replace("NAME", "novel_two"))
    with pytest.raises(InputError, match=r"test: adapters\.mine\.rewards\.novel_two\.options: .*" + named):
        recipe("novel_two", **options)


@pytest.mark.parametrize(
    ("name", "text", "named"),
    [
        ("misnamed", NEW.replace("NAME", "other"), "no function misnamed under @reward"),
        ("bare", "def bare(completions):\n    return []\n", "no function bare under @reward"),
        ("curious", NEW.replace("NAME", "curious").replace('"traces"', '"outcome"'), "asks for the column outcome"),
        ("broken", "def broken(:\n", "cannot be imported: SyntaxError"),
        ("lost", "import no_such_package\n", "cannot be imported: ModuleNotFoundError: .*no_such_package"),
    ],
)
def test_a_file_that_is_no_reward_is_named_with_the_configuration(
    invented: Any, name: str, text: str, named: str
) -> None:
    invented(name, text)
    with pytest.raises(InputError, match=rf"adapters\.mine\.rewards: acrflow/rewards/{name}\.py .*{named}"):
        recipe(name)


@pytest.mark.parametrize(
    ("reward", "options", "named"),
    [
        ("chance", {"sed": 1}, r"unknown option sed \(did you mean seed\?\)"),
        ("format", {"strict": True}, "unknown option strict; format has none"),
        ("answer", {"class_weights": {"perhaps": 1.0}}, "cannot weigh by"),
        ("answer", {"class_weights": "heavy"}, "should be 'balanced'"),
        ("reasoning_judge", {"mode": "guess"}, "'expected_score' or 'generate'"),
        ("soft_overlong", {"stretch": 0}, "stretch must be above 0"),
    ],
)
def test_the_shipped_rewards_refuse_what_they_cannot_use(reward: str, options: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=rf"adapters\.mine\.rewards\.{reward}\.options: .*{named}"):
        recipe(reward, **options)


def test_the_models_of_a_recipe_are_those_that_its_rewards_ask_for() -> None:
    assert recipe("answer").models.model_dump() == {"embedder": None, "judge": None, "device": None}
    assert recipe("reasoning_judge").models.judge == "Qwen/Qwen1.5-1.8B-Chat"
    assert recipe("reasoning_embedding").models.judge is None


def test_balanced_class_weights_pass_the_configuration() -> None:
    assert recipe("answer", class_weights="balanced").rewards["answer"].options == {"class_weights": "balanced"}


def test_the_recipe_of_every_shipped_adapter_is_frozen_and_survives_json() -> None:
    values = [{}, *(yaml.safe_load((ROOT / f"config/{name}.yaml").read_text()) for name in ("demo", "gazal_r1"))]
    for value in values:
        config = configuration.load(value, "test")
        for folder in config.trained():
            ours = config.recipe(folder)
            assert Recipe.model_validate_json(ours.model_dump_json()) == ours
            with pytest.raises(ValueError, match="frozen"):
                ours.training.steps = 1


@pytest.mark.parametrize("name", ["demo", "config", "gazal_r1"])
def test_reading_a_configuration_with_its_rewards_loads_neither_torch_nor_polars(name: str) -> None:
    code = (
        "import sys, yaml; from acrflow.config import configuration; "
        f"config = configuration.load(yaml.safe_load(open('config/{name}.yaml')), 'x'); "
        "[config.recipe(folder) for folder in config.trained()]; "
        "print(*{'torch', 'polars', 'transformers', 'numpy'} & set(sys.modules))"
    )
    environment = {"PYTHONPATH": "scripts"}
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (loaded.returncode, loaded.stdout.strip()) == (0, ""), loaded.stderr


def test_the_manual_lists_every_reward() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    manual = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    assert [name for name in registry.known_rewards() if f"`{name}`" not in manual] == []

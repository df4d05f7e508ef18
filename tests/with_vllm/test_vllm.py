"""vLLM answers as transformers does, token by token. Run by `make test-vllm` in an environment of its own.

Everything in float32 on a CPU, with a tiny base model made on the spot and adapters with random weights, large enough
to change most answers.
"""

from pathlib import Path
from typing import Any

import pytest

from acrflow.config.base import TinyBase
from acrflow.config.language_model import LanguageModel
from acrflow.inference.backend import Decoding, Generated, open_language_model
from acrflow.io.errors import InputError
from acrflow.synthetic import tiny_base
from acrflow.tasks.appropriateness import LABELS
from acrflow.tasks.prompts import load_prompt, messages

ROOT = Path(__file__).resolve().parents[2]
GREEDY = Decoding(max_new_tokens=32)
CONVERSATIONS = [
    messages(
        load_prompt(ROOT / "config/prompts/reasoning.yaml"),
        {"condition": condition, "variant": variant, "procedure": procedure},
    )
    for condition, variant in (("Telvic Pain", "Acute pain of the pelvis."), ("Ostrel Fever", "Pregnant. Fever."))
    for procedure in ("CT pelvis with IV contrast", "US pelvis", "MRI chest", "Radiography ostrel")
]

pytestmark = pytest.mark.vllm


@pytest.fixture(autouse=True)
def modest(monkeypatch: pytest.MonkeyPatch) -> None:
    """1 GB for vLLM's cache, which would else be 92 % of the machine; and no word unless something is wrong."""
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")
    monkeypatch.setenv("VLLM_LOGGING_LEVEL", "ERROR")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base model of 1 layer and 64 dimensions that has seen the format."""
    folder = tmp_path_factory.mktemp("models") / "base"
    prompts = [load_prompt(path) for path in sorted((ROOT / "config/prompts").glob("*.yaml"))]
    traces = ["CT is fast and useful in acute disease [1].", "Contrast can harm the kidney [2,3]."]
    rows = [{"condition": "Telvic Pain", "variant": "Acute pain.", "procedure": "US pelvis", "traces": traces}]
    corpus = tiny_base.Corpus(rows, ["CT found the cause in 82 of 100 patients."])
    settings = TinyBase(vocabulary=500, hidden=64, layers=1, steps=60, batch=16)
    tokenizer = tiny_base.tokenizer_for(corpus, prompts, settings, 1)
    tiny_base.make(corpus, tokenizer, prompts, settings, 1, folder)
    return folder


@pytest.fixture(scope="module")
def adapters(base: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A LoRA, an rsLoRA and a DoRA adapter."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    shapes: dict[str, dict[str, Any]] = {"lora": {}, "rslora": {"use_rslora": True}, "dora": {"use_dora": True}}
    folders = {}
    for seed, (name, shape) in enumerate(shapes.items()):
        torch.manual_seed(seed)
        modules = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
        config = LoraConfig(r=8, lora_alpha=8, target_modules=modules, init_lora_weights=False, **shape)
        model = get_peft_model(AutoModelForCausalLM.from_pretrained(base, dtype="float32"), config)
        folders[name] = tmp_path_factory.mktemp("adapters") / name
        model.save_pretrained(folders[name])
    return folders


def answers(backend: str, base: Path, adapters: dict[str, Path], merge: bool = False) -> dict[str | None, Any]:
    """Greedy answers and label probabilities of each adapter; without merging, of the base (None) too."""
    settings = LanguageModel.model_validate({"model": str(base), "backend": backend, "dtype": "float32"})
    opened = open_language_model(settings, adapters, merge)
    found: dict[str | None, Any] = {}
    for name in [*([] if merge else [None]), *adapters]:
        generated = opened.generate(CONVERSATIONS, GREEDY, 0, name)
        chosen = opened.choose(CONVERSATIONS, ["<answer>"] * len(CONVERSATIONS), LABELS, name)
        found[name] = generated, chosen
    return found


def agree(ours: tuple[list[Generated], Any], theirs: tuple[list[Generated], Any]) -> None:
    assert ours[0] == theirs[0]  # text, tokens, and whether it was cut
    for mine, other in zip(ours[1], theirs[1], strict=True):
        assert mine == pytest.approx(other, abs=1e-4)


def test_adapters_beside_one_loaded_base_answer_as_in_transformers(base: Path, adapters: dict[str, Path]) -> None:
    served = {name: adapters[name] for name in ("lora", "rslora")}
    vllm, transformers = answers("vllm", base, served), answers("transformers", base, served)
    for name in (None, "lora", "rslora"):
        agree(vllm[name], transformers[name])
    for name in ("lora", "rslora"):  # the adapters were really at work
        changed = [one != other for one, other in zip(vllm[name][0], vllm[None][0], strict=True)]
        assert sum(changed) > len(changed) // 2


def test_a_dora_adapter_is_refused_unmerged_and_answers_the_same_merged(base: Path, adapters: dict[str, Path]) -> None:
    dora = {"dora": adapters["dora"]}
    with pytest.raises(InputError, match="DoRA"):
        answers("vllm", base, dora)
    agree(answers("vllm", base, dora, merge=True)["dora"], answers("transformers", base, dora)["dora"])

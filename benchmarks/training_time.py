"""Seconds of a GRPO step of `llm_eval` and of `medreason_embed`, against one of `citations` with the same evidence.

`ratio` is that of the trainings, whole steps, taken in turns. On a CPU it counts processor seconds of one thread
(process and children), which other programs on the machine change little; `ratio_of_wall_time` is beside it.
`ratio_within_a_step` is that of a step with and without the seconds of its rewards, which are all that differs.

The trainings are real ones, in the paper's proportions: groups of 6 completions, a judge of a quarter of the policy's
size. On a CPU the policy has 53 million parameters, a step is one prompt, and prompts and completions are an eighth of
the paper's limits; on a GPU it has 8 billion, a step is two prompts, and they are whole. The policy's weights are
random and it writes nothing that could be judged: the rewards read prepared completions of that length instead, all
well formed and right, so that none is spared. The gold's embeddings are kept from the warm-up on.

On a GPU also: how many completions are best generated at once, and what sharing the prompts' prefixes is worth.
"""

import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import mean, stdev
from typing import Any
from unittest import mock

from harness import PROCESSOR, ROOT, help_or_go, write
from material import random_model, reasonings

ADAPTERS = ("citations", "llm_eval", "medreason_embed")
WANTED = {"llm_eval": "at most 1.25", "medreason_embed": "at most 1.10 on a CPU, 1.05 on a GPU"}
PARTS = ("generation", "rewards", "loss", "rest")
# policy and judge: hidden size and layers
CPU: dict[str, Any] = {
    "policy": (640, 9),
    "judge": (320, 9),
    "prompt": 560,
    "completion": 125,
    "prompts": 1,
    "steps": 1,
    "runs": 4,
}
GPU: dict[str, Any] = {
    "policy": (4096, 36),
    "judge": (2048, 32),
    "prompt": 4500,
    "completion": 1000,
    "prompts": 2,
    "steps": 8,
    "runs": 3,
}
GENERATED_AT_ONCE = (12, 48, 96)


def main() -> None:
    """Train the three in turns; on a GPU, then look for the best way to generate."""
    import torch

    gpu = torch.cuda.is_available()
    scale = GPU if gpu else CPU
    with tempfile.TemporaryDirectory() as scratch:
        facts = prepare(Path(scratch), scale, gpu)
        job = {"folder": scratch, **{name: scale[name] for name in ("completion", "prompts", "steps")}, "gpu": gpu}
        run = in_a_process_of_its_own if gpu else measure
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in ADAPTERS}
        for turn in range(scale["runs"] + 1):
            # a warm-up loads what the rewards need; then there and back, so that no adapter is always the first
            for name in ADAPTERS[1:] if turn == 0 else ADAPTERS[:: 1 if turn % 2 else -1]:
                measured = run({**job, "adapter": name})
                print(f"{'warm-up' if turn == 0 else turn}  {name}  {measured['seconds']:.1f} s a step", flush=True)
                if turn:
                    runs[name].append(measured)
            if turn:
                report(runs, facts)  # what was measured stands, should the rest be interrupted
        if gpu:
            report(runs, {**facts, "sweep": sweep(job)})


def prepare(folder: Path, scale: dict[str, Any], gpu: bool) -> dict[str, Any]:
    """Make policy, judge, examples and prepared completions; what they are, in words."""
    import json

    import polars as pl

    from acrflow import schemas
    from acrflow.dataset.examples import render
    from acrflow.io.ledger import Ledger
    from acrflow.models.tokenizer import count_tokens, load_tokenizer
    from acrflow.schemas.dataset import Examples
    from acrflow.tasks.appropriateness import LABELS
    from acrflow.tasks.prompts import load_prompt

    traces, kind = reasonings(2000 if gpu else 600, folder)
    texts = [" ".join(sentences) for sentences in traces]
    sizes = {
        name: random_model(texts, *scale[name], folder / name, dtype="bfloat16" if gpu else "float32")
        for name in ("policy", "judge")
    }
    tokenizer = load_tokenizer(str(folder / "policy"), None)
    lengths = count_tokens(tokenizer, texts)
    fitting = [at for at, length in enumerate(lengths) if length <= scale["completion"] - 16]
    said, gold = [texts[at] for at in fitting[24:]], [traces[at] for at in fitting[:24]]
    (folder / "said.json").write_text(json.dumps(said))
    rows, study = [], 0
    for number, sentences in enumerate(gold):
        evidence: list[dict[str, Any]] = []
        while sum(lengths[one["number"] - 1] + 12 for one in evidence) < scale["prompt"] - 300:
            evidence.append({"number": study % len(texts) + 1, "pmid": 1, "text": texts[study % len(texts)]})
            study += 1
        rows.append(
            {
                **{"id": str(number), "topic": "t", "variant_number": 1, "votes": None},
                **{"condition": "Telvic pain", "variant": "Acute pain. Initial imaging.", "procedure": "US telvis"},
                **{"appropriateness": LABELS[number % 3], "traces": sentences, "evidence": evidence},
            }
        )
    prompt = load_prompt(ROOT / "config" / "prompts" / "reasoning_evidence.yaml")
    frame = pl.DataFrame(rows, infer_schema_length=None)
    examples = render(frame, prompt, tokenizer, 10**6, Ledger("benchmark", "rows"))
    schemas.write(Examples, examples, folder / "examples.parquet")
    return {
        "policy": f"{sizes['policy'] / 1e6:.0f} M parameters, random weights, LoRA r 32",
        "judge": f"{sizes['judge'] / 1e6:.0f} M parameters, random weights, expected score",
        "embedder": "all-MiniLM-L6-v2",
        "material": f"{kind} reasoning; prompts {mean(examples['prompt_tokens']):.0f}, "
        f"completions {scale['completion']}, prepared reasoning {mean(lengths[at] for at in fitting):.0f} tokens",
    }


def measure(job: dict[str, Any]) -> dict[str, float]:
    """Train one adapter for some steps; means per step of seconds, whole and by part, with tokens/s and peak memory."""
    import json
    import shutil

    import torch

    from acrflow import schemas
    from acrflow.config.training import Launch
    from acrflow.schemas.dataset import Examples
    from acrflow.training import checkpoints, grpo, measured
    from acrflow.training.log import read_log
    from acrflow.training.recipe import resolve
    from acrflow.training.train import Environment, train

    folder = Path(job["folder"])
    resolved = resolve(recipe(job), str(folder / "policy"), folder / "examples.parquet")
    examples = schemas.read(Examples, folder / "examples.parquet")
    said = json.loads((folder / "said.json").read_text())
    load = grpo.load_rewards
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    checkpoints.prepare(folder / "checkpoints", resolved, restart=False)
    launch = Launch(vllm_memory=0.3, vllm_tensor_parallel=1)
    environment = Environment(str(folder / "policy"), folder / "checkpoints", launch=launch)
    prepared: Callable[..., Any] = lambda *given: [Prepared(reward, said) for reward in load(*given)]  # noqa: E731
    clock = measured._now if job["gpu"] else processor_seconds
    if not job["gpu"]:
        torch.set_num_threads(1)
    with (
        mock.patch.object(grpo, "load_rewards", prepared),
        mock.patch.object(measured, "_now", clock),
        shared_prefixes(job.get("share_prefixes", True)),
    ):
        last = train(resolved, examples, environment)
    assert last is not None
    log = read_log(last)
    means = dict(log.group_by("metric").mean().select("metric", "value").iter_rows())
    return {
        "seconds": means["seconds"],
        "wall": means["step_time"],
        **{part: means[f"seconds/{part}"] for part in PARTS},
        "generated_tokens_per_second": 6
        * job["prompts"]
        * means["completions/mean_length"]
        / means["seconds/generation"],
        **({"peak_gigabytes": torch.cuda.max_memory_allocated() / 1e9} if job["gpu"] else {}),
    }


def processor_seconds() -> float:
    """What this process and its ended children have had of processors, in seconds."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def recipe(job: dict[str, Any]) -> Any:
    """The shipped adapter's recipe, with what differs here."""
    from acrflow.config import configuration

    folder, gpu = Path(job["folder"]), job["gpu"]
    settings = {
        **{"steps": job["steps"], "save_every": job["steps"], "completion_tokens": job["completion"]},
        **{"optimizer": "adamw_torch", "accumulation": job["prompts"], "generation_batch": job.get("generation_batch")},
        **{"rollouts": "vllm" if gpu else "transformers"},
    }
    values = {
        "base": {"model": str(folder / "policy"), "dtype": "bfloat16" if gpu else "float32", "quantization": "none"},
        "models": {"embedder": "bundled", "judge": str(folder / "judge")},
        "training": {"grpo": settings},
    }
    return configuration.load(values, "benchmark").recipe(job["adapter"])


class Prepared:
    """A reward that reads prepared completions, right and well formed, in place of the policy's."""

    def __init__(self, reward: Any, said: list[str]):
        self.__name__, self.columns = reward.__name__, reward.columns
        self._reward, self._said, self._used = reward, said, 0

    def __call__(self, completions: list[Any], appropriateness: list[str], **rest: Any) -> Any:
        from acrflow.tasks import completion

        texts = []
        for label in appropriateness:
            texts.append(completion.write(self._said[self._used % len(self._said)], label))
            self._used += 1
        return self._reward(texts, appropriateness=appropriateness, **rest)


def shared_prefixes(share: bool) -> Any:
    """vLLM keeps what it computed for a prompt's beginning, or does not; TRL leaves that at vLLM's default: it does."""
    from contextlib import nullcontext
    from functools import partial

    if share:
        return nullcontext()
    from trl.generation import vllm_generation

    return mock.patch.object(vllm_generation, "LLM", partial(vllm_generation.LLM, enable_prefix_caching=False))


def in_a_process_of_its_own(job: dict[str, Any]) -> dict[str, float]:
    """`measure`, with all of the GPU's memory given back afterwards."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measure, job).result()


def sweep(job: dict[str, Any]) -> dict[str, dict[str, float]]:
    """`citations` with more completions generated at once, and without sharing prefixes."""
    ways: dict[str, dict[str, Any]] = {
        **{f"{count} at once": {"generation_batch": count} for count in GENERATED_AT_ONCE},
        "12 at once, prefixes not shared": {"generation_batch": 12, "share_prefixes": False},
    }
    found = {name: in_a_process_of_its_own({**job, "adapter": "citations", **way}) for name, way in ways.items()}
    return {name: {key: round(value, 3) for key, value in measured.items()} for name, measured in found.items()}


def report(runs: dict[str, list[dict[str, float]]], facts: dict[str, Any]) -> None:
    """One result for each adapter with a reward of its own."""
    seconds = {name: [run["seconds"] for run in measured] for name, measured in runs.items()}
    wall = {name: mean(run["wall"] for run in measured) for name, measured in runs.items()}
    by_part = {
        name: {key: round(mean(run[key] for run in measured), 3) for key in measured[0]}
        for name, measured in runs.items()
    }
    for name in ADAPTERS[1:]:
        write(
            f"training_time_{name}",
            ours=mean(seconds[name]),
            baseline=mean(seconds["citations"]),
            ratio=mean(seconds[name]) / mean(seconds["citations"]),
            unit="s/step",
            runs=len(seconds[name]),
            spread={
                which: round(stdev(seconds[of]), 3) if len(seconds[of]) > 1 else None
                for which, of in (("ours", name), ("baseline", "citations"))
            },
            ratio_by_turn=[
                round(one / other, 3) for one, other in zip(seconds[name], seconds["citations"], strict=True)
            ],
            ratio_of_wall_time=round(wall[name] / wall["citations"], 3),
            ratio_within_a_step=round(
                by_part[name]["seconds"] / (by_part[name]["seconds"] - by_part[name]["rewards"]), 3
            ),
            clock="wall" if "peak_gigabytes" in by_part[name] else PROCESSOR,
            baseline_is="citations: the same evidence, answer and format alone",
            seconds_by_part={"ours": by_part[name], "baseline": by_part["citations"]},
            wanted=f"ratio {WANTED[name]} (fewer is better)",
            **facts,
        )


if __name__ == "__main__":
    help_or_go(__doc__)
    main()

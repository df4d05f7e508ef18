"""Train one adapter on a base model, by SFT or GRPO.

Goes on from the last checkpoint of an interrupted training with the same recipe. SIGTERM saves a checkpoint and ends
with status 143; nothing is written to --out before the last step is done.
"""

import argparse
import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from acrflow.io.errors import InputError, run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spec", required=True, help="the adapter's recipe: JSON, or a file that holds it")
    parser.add_argument("--base", required=True, help="base model: folder or hub name")
    parser.add_argument(
        "--examples", type=Path, required=True, help="training examples (examples/<prompt>.train.parquet)"
    )
    parser.add_argument(
        "--checkpoints",
        type=Path,
        required=True,
        help="folder of checkpoints, outside --out; at the end it holds what --out was written from",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the adapter, written whole")
    parser.add_argument("--ledger", type=Path, required=True, help="JSON: examples in, trained on, left out")
    parser.add_argument("--init-from", type=Path, help="folder of the adapter to start from, if the recipe names one")
    parser.add_argument("--tensorboard", type=Path, help="folder for TensorBoard's event files (default: none)")
    parser.add_argument(
        "--launch", type=json.loads, default={}, help="the configuration's section `launch` as JSON, for vLLM rollouts"
    )
    parser.add_argument("--restart", action="store_true", help="drop the checkpoints and begin at step 0")
    args = parser.parse_args()
    spec = read_spec(args.spec)

    from acrflow import schemas
    from acrflow.cluster import locks
    from acrflow.io.ledger import Ledger
    from acrflow.report.adapter_card import quarters
    from acrflow.schemas.dataset import examples_table
    from acrflow.training import checkpoints, recipe
    from acrflow.training.adapter import check_start
    from acrflow.training.examples import to_train_on
    from acrflow.training.processes import is_main, main_first
    from acrflow.training.train import Place, train, write_adapter

    ledger = Ledger(f"train_adapter.{spec['adapter']}", "examples")
    table = examples_table(recipe.task_of(spec))
    examples = to_train_on(schemas.read(table, args.examples), spec, args.examples, ledger)
    if args.init_from:
        check_start(args.init_from, spec["training"]["lora"])
    resolved = recipe.resolve(spec, args.base, args.examples, args.init_from)
    with locks.held(args.checkpoints) if is_main() else nullcontext() as lock:
        if lock and lock.waited and recipe.made_by(args.out, resolved):
            print(f"{spec['adapter']}: trained by the process that held the lock")
            ledger.write(args.ledger)
            return
        with main_first() as main_process:
            checkpoints.prepare(args.checkpoints, resolved, args.restart and main_process)
        ours = {"still_ours": lock.check} if lock else {}
        place = Place(args.base, args.checkpoints, args.init_from, args.tensorboard, args.launch, **ours)
        last = train(resolved, examples, place)
        if last is None:  # one of several processes; the main one writes
            return
        log = write_adapter(resolved, args.base, last, len(examples), args.out)
        ledger.write(args.ledger)
        checkpoints.finish(args.checkpoints)

    figure = "loss" if spec["method"] == "sft" else "reward"
    first, final = quarters(log, figure)
    print(
        f"{spec['adapter']}: {spec['training']['steps']} steps on {len(examples)} examples, "
        f"{figure} {first:.2f} -> {final:.2f}"
    )


def read_spec(text: str) -> dict[str, Any]:
    """The spec from JSON text or from the file of that name."""
    try:
        spec: dict[str, Any] = json.loads(
            text if text.lstrip().startswith("{") else Path(text).read_text(encoding="utf-8")
        )
    except (OSError, json.JSONDecodeError) as error:
        raise InputError("--spec", f"no recipe: {error}", "pass JSON or the path of a JSON file") from error
    return spec


if __name__ == "__main__":
    run(main)

"""Train one adapter on a base model, by SFT or GRPO.

Goes on from the last checkpoint of an interrupted training with the same recipe. SIGTERM saves a checkpoint and ends
with status 143; nothing is written to --out before the last step is done.
"""

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

from acrflow.errors import InputError, run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spec", required=True, help="the adapter's recipe: JSON, or a file that holds it")
    parser.add_argument("--base", required=True, help="base model: folder or hub name")
    parser.add_argument(
        "--examples", type=Path, required=True, help="training examples (examples/<prompt>.train.parquet)"
    )
    parser.add_argument(
        "--checkpoints", type=Path, required=True, help="folder of checkpoints, outside --out; deleted at the end"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the adapter, written whole")
    parser.add_argument("--restart", action="store_true", help="drop the checkpoints and begin at step 0")
    args = parser.parse_args()
    spec = read_spec(args.spec)

    from acrflow import schemas
    from acrflow.training import checkpoints, recipe
    from acrflow.training.card import quarters
    from acrflow.training.train import train, write_adapter

    examples = schemas.read(schemas.Examples, args.examples)
    if examples.is_empty():
        raise InputError(
            args.examples, "no examples to train on", "see the ledgers of build_dataset and render_examples"
        )
    resolved = recipe.resolve(spec, args.base, args.examples)
    checkpoints.prepare(args.checkpoints, resolved, args.restart)
    last = train(resolved, args.base, examples, args.checkpoints)
    log = write_adapter(resolved, args.base, last, len(examples), args.out)
    shutil.rmtree(args.checkpoints)  # the adapter stands; with them, a rebuild would do no work

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

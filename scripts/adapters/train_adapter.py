"""Train one adapter on a base model, by SFT or GRPO.

Goes on from the last checkpoint of an interrupted training with the same recipe. SIGTERM saves a checkpoint and ends
with status 143; nothing is written to --out before the last step is done.
"""

import argparse
import json
from contextlib import nullcontext
from pathlib import Path

from pydantic import ValidationError

from acrflow.config.recipe import Recipe
from acrflow.config.section import problems
from acrflow.config.training import Launch
from acrflow.io.errors import InputError, run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", required=True, help="the adapter's recipe: JSON, or a file that holds it")
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
        "--launch",
        type=Launch.model_validate_json,
        default=Launch(),
        help="the configuration's section `launch` as JSON, for vLLM rollouts",
    )
    parser.add_argument("--restart", action="store_true", help="drop the checkpoints and begin at step 0")
    args = parser.parse_args()
    recipe = read_recipe(args.recipe)

    from acrflow import schemas
    from acrflow.cluster import locks
    from acrflow.io.ledger import Ledger
    from acrflow.schemas.dataset import Examples
    from acrflow.training import checkpoints
    from acrflow.training.adapter import check_start
    from acrflow.training.examples import to_train_on
    from acrflow.training.processes import is_main, main_first
    from acrflow.training.recipe import made_by, resolve
    from acrflow.training.train import Environment, train, write_adapter

    ledger = Ledger(f"train_adapter.{recipe.adapter}", "examples")
    examples = to_train_on(schemas.read(Examples, args.examples), recipe, args.base, args.examples, ledger)
    if args.init_from:
        check_start(args.init_from, recipe.training.lora)
    resolved = resolve(recipe, args.base, args.examples, args.init_from)
    with locks.held(args.checkpoints) if is_main() else nullcontext() as lock:
        if lock and lock.waited and made_by(args.out, resolved.model_dump(mode="json")):
            print(f"{recipe.adapter}: trained by the process that held the lock")
            ledger.write(args.ledger)
            return
        with main_first() as main_process:
            checkpoints.prepare(args.checkpoints, resolved, args.restart and main_process)
        ours = {"still_ours": lock.check} if lock else {}
        environment = Environment(args.base, args.checkpoints, args.init_from, args.tensorboard, args.launch, **ours)
        last = train(resolved, examples, environment)
        if last is None:  # one of several processes; the main one writes
            return
        write_adapter(resolved, args.base, last, args.out)
        ledger.write(args.ledger)
        checkpoints.finish(args.checkpoints)
    print(f"{recipe.adapter}: {recipe.training.steps} steps on {len(examples)} examples")


def read_recipe(text: str) -> Recipe:
    """The recipe from JSON text or from the file of that name, which may be a trained adapter's."""
    try:
        values = json.loads(text if text.lstrip().startswith("{") else Path(text).read_text(encoding="utf-8"))
        return Recipe.model_validate({key: values[key] for key in values if key not in ("inputs", "versions")})
    except (OSError, json.JSONDecodeError) as error:
        raise InputError("--recipe", f"no recipe: {error}", "pass JSON or the path of a JSON file") from error
    except ValidationError as error:
        remedy = "pass what Config.recipe gives, as JSON"
        raise InputError("--recipe", f"no recipe: {problems(error)}", remedy) from None


if __name__ == "__main__":
    run(main)

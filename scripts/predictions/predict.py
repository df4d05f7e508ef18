"""Complete the prompts of all splits with the base model, adapters or a served model, greedily and sampled.

A base is loaded once for all its adapters, one base after the other. What is done is cached, batch by batch, and taken
up by the next call.
"""

import argparse
import gc
from functools import cache, partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from acrflow.io.errors import InputError, run

if TYPE_CHECKING:
    from acrflow.config.roster import Model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--roster", type=Path, required=True, help="roster.json: base, examples, length limit of each")
    parser.add_argument("--models", nargs="+", required=True, metavar="NAME", help="those that predict")
    parser.add_argument("--evidence", choices=["none", "acr", "retrieved"], help="in the prompt (default: their own)")
    parser.add_argument("--adapters", type=Path, help="folder with a PEFT adapter per model of that kind")
    parser.add_argument("--task", default="appropriateness", help="what is asked of a model (default: appropriateness)")
    parser.add_argument("--merge", action="store_true", help="merge the adapter into the base before it answers")
    parser.add_argument("--examples", type=Path, required=True, help="folder with {examples}.{split}.parquet")
    parser.add_argument("--splits", nargs="+", required=True, help="names of the splits")
    parser.add_argument("--draws", nargs="+", default=["greedy"], help="greedy, or seeds of sampled runs")
    parser.add_argument("--temperature", type=float, default=1.0, help="of sampled runs (default 1.0)")
    parser.add_argument("--top-p", type=float, default=1.0, help="of sampled runs (default 1.0)")
    parser.add_argument("--batch", type=int, default=16, help="prompts generated at once (default 16)")
    parser.add_argument("--backend", choices=["transformers", "vllm", "server"], default="transformers")
    parser.add_argument("--url", default="http://127.0.0.1:8000/v1", help="address of an OpenAI-compatible server")
    parser.add_argument("--key", default="OPENAI_API_KEY", help="environment variable that holds the server's key")
    parser.add_argument("--at-once", type=int, default=8, help="requests to the server under way at a time (default 8)")
    parser.add_argument("--cache", type=Path, required=True, help="folder where completions are cached")
    parser.add_argument("--out", type=Path, required=True, help="folder for {model}/{split}.{draw}.parquet")
    args = parser.parse_args()
    for draw in args.draws:
        if draw != "greedy" and not draw.isdigit():
            raise InputError("--draws", f"{draw!r} is neither greedy nor a seed", "give greedy or a whole number")

    from tqdm import tqdm

    from acrflow import schemas, tasks
    from acrflow.config.language_model import LanguageModel
    from acrflow.config.roster import read_roster
    from acrflow.inference.backend import Decoding, open_language_model
    from acrflow.inference.cache import CachedModel
    from acrflow.inference.predict import identity, predict, table
    from acrflow.schemas.dataset import examples_table
    from acrflow.schemas.inference import Predictions

    task, roster = tasks.load(args.task), read_roster(args.roster)
    wanted = [roster.model(name) for name in args.models]
    if args.adapters is None and any(model.kind == "adapter" for model in wanted):
        parser.error("--adapters is needed for adapters")

    tables: dict[Path, Any] = {}
    for models in by_base(wanted):
        settings = LanguageModel(backend=args.backend, url=args.url, key=args.key, **models[0].loaded.model_dump())
        adapters = {model.name: args.adapters / model.name for model in models if model.kind == "adapter"}
        opened = cache(partial(open_language_model, settings, adapters, args.merge, args.at_once))
        gc.collect()  # the base before it leaves the GPU
        for model, split, draw in product(models, args.splits, args.draws):
            adapter = model.name if model.kind == "adapter" else None
            file = args.examples / f"{model.examples_with(args.evidence)}.{split}.parquet"
            examples = schemas.read(examples_table(task), file)
            seed = None if draw == "greedy" else int(draw)
            decoding = Decoding(model.longest, seed, args.temperature, args.top_p)
            made_by = identity(settings, adapters.get(model.name), args.merge)
            cached = CachedModel(opened, made_by, args.cache / model.name / f"{split}.{draw}.jsonl", args.batch)
            with tqdm(total=examples.height, desc=f"{model.name} on {split}, {draw}", unit="row") as bar:
                done = predict(examples, cached, decoding, bar.update, adapter, task)
            path = args.out / model.name / f"{split}.{draw}.parquet"
            tables[path] = table(done, examples, model.name, split, draw, task)

    for path, predictions in tables.items():
        schemas.write(Predictions, predictions, path)
        unparsed, cut = predictions["label"].null_count(), predictions["truncated"].sum()
        print(f"{path}: {predictions.height} rows, {unparsed} answers do not parse, {cut} cut short")


def by_base(models: "list[Model]") -> "list[list[Model]]":
    """The models in groups that share a base, each with its settings."""
    groups: dict[str, list[Model]] = {}
    for model in models:
        groups.setdefault(model.loaded.model_dump_json(), []).append(model)
    return list(groups.values())


if __name__ == "__main__":
    run(main)

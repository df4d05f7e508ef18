"""Complete the prompts of all splits with the base model, adapters or a served model, greedily and sampled.

The model is loaded once for all of them. What is done is kept, batch by batch, and taken up by the next call.
"""

import argparse
from functools import cache
from pathlib import Path
from typing import Any

from acrflow.io.errors import InputError, run

BASE = "base"  # the name of the base model alone


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--models", nargs="+", required=True, metavar="NAME:PROMPT", help="who answers, and the prompt it is asked with"
    )
    parser.add_argument("--task", default="appropriateness", help="what is asked of a model (default: appropriateness)")
    parser.add_argument("--base", required=True, help="base model: hub name, folder, or its name on the server")
    parser.add_argument("--revision", help="commit of the base model's hub repository")
    parser.add_argument(
        "--dtype", choices=["float32", "bfloat16"], default="float32", help="type of the base's weights"
    )
    parser.add_argument("--quantization", choices=["none", "4bit"], default="none", help="4bit needs a GPU")
    parser.add_argument("--adapters", type=Path, help=f"folder with a PEFT adapter per model but `{BASE}`")
    parser.add_argument("--merge", action="store_true", help="merge the adapter into the base before it answers")
    parser.add_argument("--examples", type=Path, required=True, help="folder with {prompt}.{split}.parquet")
    parser.add_argument("--splits", nargs="+", required=True, help="names of the splits")
    parser.add_argument("--draws", nargs="+", default=["greedy"], help="greedy, or seeds of sampled runs")
    parser.add_argument("--temperature", type=float, default=1.0, help="of sampled runs (default 1.0)")
    parser.add_argument("--top-p", type=float, default=1.0, help="of sampled runs (default 1.0)")
    parser.add_argument("--batch", type=int, default=16, help="prompts generated at once (default 16)")
    parser.add_argument("--max-new-tokens", type=int, default=1000, help="length limit in tokens (default 1000)")
    parser.add_argument("--backend", choices=["transformers", "vllm", "server"], default="transformers")
    parser.add_argument("--url", default="http://127.0.0.1:8000/v1", help="address of an OpenAI-compatible server")
    parser.add_argument("--key", default="OPENAI_API_KEY", help="environment variable that holds the server's key")
    parser.add_argument("--at-once", type=int, default=8, help="requests to the server under way at a time (default 8)")
    parser.add_argument("--kept", type=Path, required=True, help="folder where finished batches are kept")
    parser.add_argument("--out", type=Path, required=True, help="folder for {model}/{split}.{draw}.parquet")
    args = parser.parse_args()
    prompts = dict(one.partition(":")[::2] for one in args.models)
    if not all(prompts.values()):
        parser.error("--models takes NAME:PROMPT, for instance medreason_embed:reasoning_evidence")
    for draw in args.draws:
        if draw != "greedy" and not draw.isdigit():
            raise InputError("--draws", f"{draw!r} is neither greedy nor a seed", "give greedy or a whole number")

    from tqdm import tqdm

    from acrflow import schemas, tasks
    from acrflow.inference import backend as generation
    from acrflow.inference.predict import identity, predict, table
    from acrflow.schemas.dataset import examples_table
    from acrflow.schemas.inference import Predictions

    task = tasks.load(args.task)
    named = [] if args.backend == "server" else [model for model in prompts if model != BASE]
    if named and args.adapters is None:
        parser.error("--adapters is needed for models other than base")
    choice = generation.Choice(
        args.backend,
        generation.Base(args.base, args.revision, args.dtype, args.quantization),
        {name: args.adapters / name for name in named},
        args.merge,
        generation.Server(args.url, args.key, args.at_once),
    )
    opened = cache(lambda: generation.open_backend(choice))

    tables: dict[Path, Any] = {}
    for model, prompt in prompts.items():
        adapter = model if model in named else None
        made_by = identity(choice, adapter)
        for split in args.splits:
            examples = schemas.read(examples_table(task), args.examples / f"{prompt}.{split}.parquet")
            for draw in args.draws:
                seed = None if draw == "greedy" else int(draw)
                decoding = generation.Decoding(args.max_new_tokens, seed, args.temperature, args.top_p)
                kept = args.kept / model / f"{split}.{draw}.jsonl"
                with tqdm(total=examples.height, desc=f"{model} on {split}, {draw}", unit="row") as bar:
                    done = predict(examples, opened, decoding, args.batch, kept, made_by, bar.update, adapter, task)
                tables[args.out / model / f"{split}.{draw}.parquet"] = table(done, examples, model, split, draw, task)

    for path, predictions in tables.items():
        schemas.write(Predictions, predictions, path)
        unparsed, cut = predictions["label"].null_count(), predictions["truncated"].sum()
        print(f"{path}: {predictions.height} rows, {unparsed} answers do not parse, {cut} cut short")


if __name__ == "__main__":
    run(main)

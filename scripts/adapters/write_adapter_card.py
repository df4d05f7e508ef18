"""Write what a training measured as tables, and the adapter's card: metrics of every step, completions, README.md."""

import argparse
from pathlib import Path

from acrflow.io.errors import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--adapter", type=Path, required=True, help="the adapter's folder")
    parser.add_argument("--ledger", type=Path, required=True, help="ledger of its training: examples trained on")
    parser.add_argument("--out", type=Path, required=True, help="folder to write, whole")
    args = parser.parse_args()

    from acrflow import schemas
    from acrflow.io.files import read_json, whole_folder, write_text
    from acrflow.report.adapter_card import figure_of, model_card, quarters
    from acrflow.schemas.training import Samples, TrainingLog
    from acrflow.training.log import read_log, read_samples
    from acrflow.training.recipe import read

    recipe, log = read(args.adapter), read_log(args.adapter)
    with whole_folder(args.out) as folder:
        schemas.write(TrainingLog, log, folder / "training_log.parquet")
        if recipe.method == "grpo":
            schemas.write(Samples, read_samples(args.adapter), folder / "completions.parquet")
        write_text(folder / "README.md", model_card(recipe, log, read_json(args.ledger)["kept"]))
    first, last = quarters(log, figure_of(recipe))
    print(f"{recipe.adapter}: {figure_of(recipe)} {first:.2f} -> {last:.2f}")


if __name__ == "__main__":
    run(main)

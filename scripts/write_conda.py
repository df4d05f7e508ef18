"""Write the conda environments (`--sdm conda`) from the pinned sets: envs/data.yaml of cpu.txt, train.yaml of cuda.txt.

Every pin stands in the file itself: Snakemake copies it elsewhere before conda reads it, so a relative `--requirement`
would not be found, and its digest decides whether an environment is made anew.
"""

import argparse
from pathlib import Path

from acrflow.io.errors import run
from acrflow.io.files import write_text

SETS = {"data": ("cpu", "the data steps"), "train": ("cuda", "the training steps on a GPU")}
HEAD = """# conda environment of {what} (the plain environment of `make install` is the default)
# written by scripts/write_conda.py from envs/{pins}.txt: make config
name: acrflow-{name}
channels: [conda-forge]
dependencies:
  - python=3.11
  - pip
  - pip:
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("envs"), help="folder to write to (default: envs)")
    args = parser.parse_args()
    for name, (pins, what) in SETS.items():
        lines = Path("envs", f"{pins}.txt").read_text(encoding="utf-8").splitlines()
        pinned = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
        text = HEAD.format(what=what, pins=pins, name=name) + "".join(f'      - "{pin}"\n' for pin in pinned)
        write_text(args.out / f"{name}.yaml", text)


if __name__ == "__main__":
    run(main)

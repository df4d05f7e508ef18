"""Check that a run can work here: Slurm, plugin, partitions, accounts, GPU requests, file system, models.

Nothing is queued but one short job that writes a file. Ends with status 1 if something is not in order.
"""

import argparse
import sys
from pathlib import Path

import yaml

from acrflow.cluster import doctor, site
from acrflow.config import configuration
from acrflow.io.errors import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", choices=["slurm", "local"], default="slurm", help="default: slurm")
    parser.add_argument("--configfile", type=Path, nargs="*", default=[], help="configuration over config/config.yaml")
    args = parser.parse_args()
    from snakemake.utils import update_config

    values: dict[str, object] = {}
    for file in [Path("config/config.yaml"), *args.configfile]:
        update_config(values, yaml.safe_load(file.read_text(encoding="utf-8")))
    config = configuration.load(values, " + ".join(map(str, ["config/config.yaml", *args.configfile])))
    answers = doctor.on_slurm(config, site.load()) if args.profile == "slurm" else doctor.on_one_machine(config)
    bad = 0
    for answer in answers:
        mark = {True: "ok     ", False: "NOT OK ", None: "unknown"}[answer.well]
        print(f"{mark}  {answer.what}: {answer.found}", flush=True)
        if not answer.well and answer.remedy:
            print(f"         Remedy: {answer.remedy}", flush=True)
        bad += answer.well is False
    print(f"{bad} not in order" if bad else "everything is in order")
    sys.exit(bool(bad))


if __name__ == "__main__":
    run(main)

"""acrflow: from imaging guidelines to reasoning adapters.

    snakemake --profile slurm all              the paper's run on a cluster
    snakemake --profile profiles/demo all      invented guidelines and a tiny model, on a laptop
    snakemake --profile slurm medreason_embed  one adapter and what it needs

targets   dataset, retrieval, adapters, evaluation, report, hub, all, and one per adapter
reads     config/config.yaml and what the profile or --configfile and --config lay over it
"""

from snakemake.utils import min_version

min_version("9.20")


configfile: "config/config.yaml"


include: "rules/common.smk"


wildcard_constraints:
    topic=any_of(TOPICS),
    adapter=any_of(C.trained()),
    baseline=any_of(BASELINES),
    model=any_of(MODELS),
    split=any_of(["train", *SPLITS]),
    examples=any_of([*EXAMPLES, *ASKED_AGAIN]),


localrules:
    all,
    dataset,
    adapters,
    evaluation,
    report,


rule all:
    default_target: True
    input:
        f"{RUN}/report/index.html",


rule dataset:
    input:
        expand(f"{RUN}/examples/{{examples}}.{{split}}.parquet", examples=EXAMPLES, split=["train", *SPLITS]),
        f"{RUN}/dataset/card.md",


rule adapters:
    input:
        expand(f"{RUN}/adapters/{{adapter}}", adapter=C.trained()),


rule evaluation:
    input:
        f"{RUN}/metrics/comparison.parquet",


rule report:
    input:
        f"{RUN}/report/index.html",


if "invented" in (C.documents, C.evidence.source) or C.base.model == "tiny":

    include: "rules/demo.smk"


include: "rules/guidelines.smk"
include: "rules/evidence.smk"
include: "rules/dataset.smk"
include: "rules/adapters.smk"
include: "rules/predictions.smk"
include: "rules/evaluation.smk"
include: "rules/report.smk"
include: "rules/resources.smk"
include: "rules/slurm.smk"

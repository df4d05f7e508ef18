"""acrflow: from imaging guidelines to reasoning adapters.

    snakemake --profile slurm all              the paper's run on a cluster
    snakemake --profile profiles/demo all      invented guidelines and a tiny model, on a laptop
    snakemake --profile slurm medreason_embed  one adapter and what it needs

targets   dataset, retrieval, adapters, evaluation, report, hub, all, and one per adapter
reads     config/config.yaml and what the profile or --configfile and --config lay over it

From another folder, which gets results/, logs/ and cache/:

    snakemake -s PATH/acrflow/Snakefile --profile PATH/acrflow/profiles/demo --directory my_run all

Or as a module of a workflow of your own, which names what its config lays over the shipped one:

    module acrflow:
        snakefile: "PATH/acrflow/Snakefile"
        config: config
    use rule * from acrflow as acrflow_*
    onsuccess: acrflow.at_the_end()
    onerror: acrflow.at_the_end()
"""

from snakemake.utils import min_version

min_version("9.20")


include: "rules/common.smk"


wildcard_constraints:
    topic=any_of(TOPICS),
    adapter=any_of(settings.trained()),
    split=any_of(["train", *SPLITS]),
    examples=any_of([*layout.examples, *layout.examples_again]),


rule all:
    input:
        f"{RUN}/report/index.html",
    localrule: True


rule dataset:
    input:
        expand(f"{RUN}/examples/{{examples}}.{{split}}.parquet", examples=layout.examples, split=["train", *SPLITS]),
        f"{RUN}/dataset/card.md",
    localrule: True


rule adapters:
    input:
        expand(f"{RUN}/adapters/{{adapter}}", adapter=settings.trained()),
        expand(f"{RUN}/training/{{adapter}}", adapter=settings.trained()),
    localrule: True


rule evaluation:
    input:
        f"{RUN}/metrics/comparison.parquet",
    localrule: True


rule report:
    input:
        f"{RUN}/report/index.html",
    localrule: True


if "invented" in (settings.documents, settings.evidence.source) or settings.base.model == "tiny":

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

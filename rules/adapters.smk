"""Adapters: SFT and GRPO LoRA adapters, one job each.

needs   examples/{prompt}.train.parquet, the base model
makes   adapters/{adapter}/ with weights, configuration, training_log.parquet, spec.json and a model card
reads   config: adapters, training, base, models, seed

Checkpoints live in checkpoints/{adapter}/, outside the declared outputs: Snakemake deletes outputs before a retry, and
a killed training must find them again. The program refuses checkpoints of another spec.
"""


rule train_adapter:
    input:
        examples=lambda wildcards: f"{RUN}/examples/{C.adapters[wildcards.adapter].prompt}.train.parquet",
        base=BASE_FILES,
        program="scripts/train_adapter.py",
        library=library("scripts/train_adapter.py"),
        rewards=reward_modules,
    output:
        adapter=directory(f"{RUN}/adapters/{{adapter}}"),
    log:
        f"{LOGS}/train_adapter/{{adapter}}.log",
    benchmark:
        f"{LOGS}/train_adapter/{{adapter}}.bench.tsv"
    conda:
        "../envs/train.yaml"
    resources:
        mem_mb=3000,
        runtime=60,
    params:
        spec=lambda wildcards: json.dumps(C.spec(wildcards.adapter), sort_keys=True),
        base=lambda wildcards: BASE,
        checkpoints=lambda wildcards: f"{RUN}/checkpoints/{wildcards.adapter}",
    message:
        "Training adapter {wildcards.adapter}"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {input.program:q} \
            --spec {params.spec:q} \
            --base {params.base:q} \
            --examples {input.examples:q} \
            --checkpoints {params.checkpoints:q} \
            --out {output.adapter:q}
        """


for adapter_name in C.adapters:

    rule:
        name:
            adapter_name
        input:
            f"{RUN}/adapters/{adapter_name}",
        localrule: True

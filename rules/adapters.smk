"""Adapters: SFT and GRPO LoRA adapters, one job each.

needs   examples/{examples}.train.parquet, the base model, the adapter that it starts from if it names one
makes   adapters/{adapter}/ with weights, configuration, training_log.parquet, recipe.json and a model card, one folder per
        seed; ledger/train_adapter.{adapter}.json; events for TensorBoard in logs/{run}/tensorboard/{adapter}/
reads   config: adapters, training, launch, base, models, seed

Checkpoints live in checkpoints/{adapter}/, outside the declared outputs: Snakemake deletes outputs before a retry, and
a killed training must find them again. The program refuses checkpoints of another recipe. scripts/adapters/launch.py decides where
a training runs and nothing about its weights, so it is no input: an edit there is no reason to train again.
"""


rule train_adapter:
    input:
        examples=lambda wildcards: f"{RUN}/examples/{adapter_of(wildcards.adapter).examples}.train.parquet",
        base=lambda wildcards: base_files(wildcards.adapter),
        start=start_of,
        program="scripts/adapters/train_adapter.py",
        library=library("scripts/adapters/train_adapter.py"),
        rewards=reward_modules,
    output:
        adapter=directory(f"{RUN}/adapters/{{adapter}}"),
        ledger=f"{RUN}/ledger/train_adapter.{{adapter}}.json",
    log:
        f"{LOGS}/train_adapter/{{adapter}}.log",
    benchmark:
        f"{LOGS}/train_adapter/{{adapter}}.bench.tsv"
    conda:
        "../envs/train.yaml"
    params:
        recipe=lambda wildcards: json.dumps(C.recipe(wildcards.adapter).model_dump(mode="json"), sort_keys=True),
        base=lambda wildcards: base_of(wildcards.adapter),
        checkpoints=lambda wildcards: f"{RUN}/checkpoints/{wildcards.adapter}",
        start=lambda wildcards, input: [f"--init-from={input.start}"] if input.start else [],
        launch=C.launch.model_dump_json(),
        tensor_parallel=C.launch.vllm_tensor_parallel,
        server_log=lambda wildcards: f"{LOGS}/train_adapter/{wildcards.adapter}.server.log",
        tensorboard=lambda wildcards: f"{LOGS}/tensorboard/{wildcards.adapter}",
    message:
        "Training adapter {wildcards.adapter}"
    shell:
        r"""
        trap '' TERM # the training hears it, saves and ends; this shell and tee have to last as long
        exec > >(tee {log:q}) 2>&1
        python scripts/adapters/launch.py --gpus {resources.gpus_a_node} --nodes {resources.nodes_asked} \
            --cpus {resources.cpus_a_node} \
            --server-gpus {resources.gpus_serving} --server-model {params.base:q} --server-log {params.server_log:q} \
            --tensor-parallel {params.tensor_parallel} \
            --progress {params.checkpoints:q} -- \
            python {input.program:q} \
            --recipe {params.recipe:q} \
            --base {params.base:q} \
            --examples {input.examples:q} \
            --checkpoints {params.checkpoints:q} \
            --launch {params.launch:q} \
            --tensorboard {params.tensorboard:q} \
            --ledger {output.ledger:q} \
            --out {output.adapter:q} {params.start:q}
        """


for adapter_name in C.adapters:

    rule:
        name:
            adapter_name
        input:
            [f"{RUN}/adapters/{folder}" for folder, (adapter, seed) in C.trained().items() if adapter == adapter_name],
        localrule: True

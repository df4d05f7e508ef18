"""Adapters: SFT and GRPO LoRA adapters, one job each, and what each training measured.

needs   examples/{examples}.train.parquet, the base model, the adapter that it starts from if it names one
makes   adapters/{adapter}/ with weights, configuration, recipe.json and the trainer's state, one folder per seed;
        training/{adapter}/ with training_log.parquet, completions.parquet (grpo) and the adapter's card;
        ledger/train_adapter.{adapter}.json; events for TensorBoard in logs/{run}/tensorboard/{adapter}/
reads   config: adapters, training, launch, base, models, seed

Checkpoints live in checkpoints/{adapter}/, outside the declared outputs: Snakemake deletes outputs before a retry, and
a killed training must find them again. The program refuses checkpoints of another recipe. What decides no weight is no
parameter of a training: schemas, what is printed while it runs (`ASIDE_IN_TRAINING`), the launcher.
"""


rule train_adapter:
    input:
        examples=lambda wildcards: f"{RUN}/examples/{layout.examples_of(wildcards.adapter)}.train.parquet",
        base=lambda wildcards: layout.base_files(wildcards.adapter),
        start=lambda wildcards: layout.start_of(wildcards.adapter),
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
        *code_of("adapters/train_adapter.py", layout.task_file, aside=[*ASIDE_IN_TRAINING, *OF_REWARDS]),
        program=program("adapters/train_adapter.py"),
        launcher=program("adapters/launch.py"),
        rewards=lambda wildcards: code_of(*layout.reward_files(wildcards.adapter)),
        recipe=lambda wildcards: json.dumps(settings.recipe(wildcards.adapter).model_dump(mode="json"), sort_keys=True),
        base=lambda wildcards: layout.base_of(wildcards.adapter),
        checkpoints=lambda wildcards: f"{RUN}/checkpoints/{wildcards.adapter}",
        start=lambda wildcards, input: [f"--init-from={input.start}"] if input.start else [],
        launch=settings.launch.model_dump_json(),
        tensor_parallel=settings.launch.vllm_tensor_parallel,
        dtype=lambda wildcards: settings.base_of(wildcards.adapter).dtype,
        rank=lambda wildcards: settings.recipe(wildcards.adapter).training.lora.r,
        server_log=lambda wildcards: f"{LOGS}/train_adapter/{wildcards.adapter}.server.log",
        tensorboard=lambda wildcards: f"{LOGS}/tensorboard/{wildcards.adapter}",
    message:
        "Training adapter {wildcards.adapter}"
    shell:
        r"""
        trap '' TERM # the training hears it, saves and ends; this shell and tee have to last as long
        exec > >(tee {log:q}) 2>&1
        python {params.launcher:q} --gpus {resources.gpus_a_node} --nodes {resources.nodes_wanted} \
            --cpus {resources.cpus_a_node} \
            --server-gpus {resources.gpus_serving} --server-model {params.base:q} --server-log {params.server_log:q} \
            --server-dtype {params.dtype} --server-rank {params.rank} \
            --tensor-parallel {params.tensor_parallel} \
            --progress {params.checkpoints:q} -- \
            python {params.program:q} \
            --recipe {params.recipe:q} \
            --base {params.base:q} \
            --examples {input.examples:q} \
            --checkpoints {params.checkpoints:q} \
            --launch {params.launch:q} \
            --tensorboard {params.tensorboard:q} \
            --ledger {output.ledger:q} \
            --out {output.adapter:q} {params.start:q}
        """


rule write_adapter_card:
    input:
        adapter=f"{RUN}/adapters/{{adapter}}",
        ledger=f"{RUN}/ledger/train_adapter.{{adapter}}.json",
        template=shipped("scripts/acrflow/report/templates/model_card.md.j2"),
    output:
        training=directory(f"{RUN}/training/{{adapter}}"),
    log:
        f"{LOGS}/write_adapter_card/{{adapter}}.log",
    conda:
        "../envs/data.yaml"
    params:
        *code_of("adapters/write_adapter_card.py"),
        program=program("adapters/write_adapter_card.py"),
    message:
        "Writing the card of adapter {wildcards.adapter}"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {params.program:q} \
            --adapter {input.adapter:q} \
            --ledger {input.ledger:q} \
            --out {output.training:q}
        """


for adapter_name in settings.adapters:

    rule:
        name:
            adapter_name
        input:
            [
                f"{RUN}/{part}/{folder}"
                for folder, (adapter, seed) in settings.trained().items()
                if adapter == adapter_name
                for part in ("adapters", "training")
            ],
        localrule: True

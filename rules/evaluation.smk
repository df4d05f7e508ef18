"""Evaluation: predictions of every adapter, the base model and the cheap baselines; metrics; comparison.

needs   adapters/{adapter}/, the base model, examples/*.parquet, dataset/*.parquet
makes   predictions/{model}/{split}.greedy.parquet, metrics/{model}.{split}.json, metrics/comparison.parquet
reads   config: evaluation, training.grpo.completion_tokens, seed
"""


rule predict:
    input:
        examples=lambda wildcards: expand(
            f"{RUN}/examples/{prompt_of(wildcards.generator)}.{{split}}.parquet", split=SPLITS
        ),
        base=BASE_FILES,
        adapter=lambda wildcards: [] if wildcards.generator == "base" else f"{RUN}/adapters/{wildcards.generator}",
        program="scripts/predict.py",
        library=library("scripts/predict.py"),
    output:
        predictions=expand(f"{RUN}/predictions/{{{{generator}}}}/{{split}}.greedy.parquet", split=SPLITS),
    log:
        f"{LOGS}/predict/{{generator}}.log",
    benchmark:
        f"{LOGS}/predict/{{generator}}.bench.tsv"
    wildcard_constraints:
        generator=any_of([*C.adapters, "base"]),
    conda:
        "../envs/train.yaml"
    resources:
        mem_mb=3000,
        runtime=60,
    params:
        base=lambda wildcards: BASE,
        adapter=lambda wildcards, input: [f"--adapter={input.adapter}"] if input.adapter else [],
        splits=SPLITS,
        dtype=C.base.dtype,
        quantization=C.base.quantization,
        revision=[f"--revision={C.base.revision}"] if C.base.revision else [],
        backend=C.evaluation.backend,
        batch=C.evaluation.batch,
        max_new_tokens=C.training.grpo.completion_tokens,
    message:
        "Predicting {params.splits} with {wildcards.generator}"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {input.program:q} \
            --model {wildcards.generator} \
            --base {params.base:q} \
            --dtype {params.dtype} \
            --quantization {params.quantization} \
            --examples {input.examples:q} \
            --splits {params.splits:q} \
            --draw greedy \
            --backend {params.backend} \
            --batch {params.batch} \
            --max-new-tokens {params.max_new_tokens} \
            --out {output.predictions:q} {params.adapter:q} {params.revision:q}
        """


rule predict_baseline:
    input:
        train=f"{RUN}/dataset/train.parquet",
        rows=f"{RUN}/dataset/{{split}}.parquet",
        program="scripts/predict_baseline.py",
        library=library("scripts/predict_baseline.py"),
    output:
        predictions=f"{RUN}/predictions/{{baseline}}/{{split}}.greedy.parquet",
    log:
        f"{LOGS}/predict_baseline/{{baseline}}.{{split}}.log",
    conda:
        "../envs/data.yaml"
    params:
        seed=C.seed,
    message:
        "Predicting {wildcards.split} with the cheap baseline {wildcards.baseline}"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {input.program:q} \
            --baseline {wildcards.baseline} \
            --train {input.train:q} \
            --rows {input.rows:q} \
            --split {wildcards.split} \
            --seed {params.seed} \
            --out {output.predictions:q}
        """


rule measure:
    input:
        predictions=f"{RUN}/predictions/{{model}}/{{split}}.greedy.parquet",
        rows=f"{RUN}/dataset/{{split}}.parquet",
        examples=lambda wildcards: (
            []
            if wildcards.model in BASELINES
            else f"{RUN}/examples/{prompt_of(wildcards.model)}.{wildcards.split}.parquet"
        ),
        program="scripts/measure.py",
        library=library("scripts/measure.py"),
    output:
        metrics=f"{RUN}/metrics/{{model}}.{{split}}.json",
    log:
        f"{LOGS}/measure/{{model}}.{{split}}.log",
    conda:
        "../envs/data.yaml"
    params:
        kind=lambda wildcards: kind_of(wildcards.model),
        examples=lambda wildcards, input: [f"--examples={input.examples}"] if input.examples else [],
        bootstrap=C.evaluation.bootstrap,
        seed=C.seed,
    message:
        "Measuring {wildcards.model} on {wildcards.split}"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {input.program:q} \
            --predictions {input.predictions:q} \
            --rows {input.rows:q} \
            --model {wildcards.model} \
            --split {wildcards.split} \
            --kind {params.kind:q} \
            --bootstrap {params.bootstrap} \
            --seed {params.seed} \
            --out {output.metrics:q} {params.examples:q}
        """


rule compare:
    input:
        metrics=expand(f"{RUN}/metrics/{{model}}.{{split}}.json", model=MODELS, split=SPLITS),
        predictions=expand(f"{RUN}/predictions/{{model}}/{{split}}.greedy.parquet", model=MODELS, split=SPLITS),
        rows=expand(f"{RUN}/dataset/{{split}}.parquet", split=SPLITS),
        program="scripts/compare.py",
        library=library("scripts/compare.py"),
    output:
        comparison=f"{RUN}/metrics/comparison.parquet",
        tables=directory(f"{RUN}/report/tables"),
    log:
        f"{LOGS}/compare.log",
    conda:
        "../envs/data.yaml"
    params:
        other_task=["--other-task"] if C.documents == "invented" or C.base.model == "tiny" else [],
    message:
        "Comparing all models"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {input.program:q} \
            --metrics {input.metrics:q} \
            --predictions {input.predictions:q} \
            --rows {input.rows:q} \
            --out {output.comparison:q} \
            --tables {output.tables:q} {params.other_task:q}
        """

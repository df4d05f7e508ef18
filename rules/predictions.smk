"""Predictions of every adapter, the base model, prompted references and the cheap baselines.

needs   adapters/{adapter}/, the base model, examples/*.parquet, dataset/*.parquet
makes   predictions/{model}/{split}.{draw}.parquet
reads   config: evaluation, base, training.grpo.completion_tokens, seed

Finished batches are kept in completions/, outside the declared outputs: a killed job goes on from them, and a job that
serves all adapters generates only what is new.
"""

# vLLM loads the base once and serves all adapters; with transformers, or merged, each has a job of its own.
TOGETHER = C.evaluation.backend == "vllm" and not C.evaluation.merge
GENERATORS = [*C.trained(), "base"]
DRAWS = ["greedy", *range(1, C.evaluation.samples + 1)]


rule predict:
    input:
        examples=lambda wildcards: expand(
            f"{RUN}/examples/{{examples}}.{{split}}.parquet",
            examples=sorted({examples_of(model) for model in generators(wildcards)}),
            split=SPLITS,
        ),
        base=BASE_FILES,
        adapters=lambda wildcards: [f"{RUN}/adapters/{model}" for model in generators(wildcards) if model != "base"],
        program="scripts/predictions/predict.py",
        library=library("scripts/predictions/predict.py"),
    output:
        predictions=expand(
            f"{RUN}/predictions/{{generator}}/{{split}}.{{draw}}.parquet",
            generator=GENERATORS if TOGETHER else "{generator}",
            split=SPLITS,
            draw=DRAWS,
        ),
    log:
        f"{LOGS}/predict/{'all' if TOGETHER else '{generator}'}.log",
    benchmark:
        f"{LOGS}/predict/{'all' if TOGETHER else '{generator}'}.bench.tsv"
    wildcard_constraints:
        generator=any_of(GENERATORS),
    conda:
        "../envs/train.yaml"
    params:
        models=lambda wildcards: [f"{model}:{examples_of(model)}" for model in generators(wildcards)],
        base=lambda wildcards: BASE,
        adapters=f"{RUN}/adapters",
        merge=["--merge"] if C.evaluation.merge else [],
        examples=f"{RUN}/examples",
        splits=SPLITS,
        draws=DRAWS,
        temperature=C.evaluation.temperature,
        top_p=C.evaluation.top_p,
        dtype=C.base.dtype,
        quantization=C.base.quantization,
        revision=[f"--revision={C.base.revision}"] if C.base.revision else [],
        backend=C.evaluation.backend,
        batch=C.evaluation.batch,
        max_new_tokens=C.training.grpo.completion_tokens,
        cache=f"{RUN}/completions",
        out=lambda wildcards: f"{RUN}/predictions",
    message:
        "Predicting {params.splits} with {params.models}"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {input.program:q} \
            --models {params.models:q} \
            --base {params.base:q} \
            --dtype {params.dtype} \
            --quantization {params.quantization} \
            --adapters {params.adapters:q} \
            --examples {params.examples:q} \
            --splits {params.splits:q} \
            --draws {params.draws} \
            --temperature {params.temperature} \
            --top-p {params.top_p} \
            --backend {params.backend} \
            --batch {params.batch} \
            --max-new-tokens {params.max_new_tokens} \
            --cache {params.cache:q} \
            --out {params.out:q} {params.merge:q} {params.revision:q}
        """


rule predict_reference:
    input:
        examples=lambda wildcards: expand(
            f"{RUN}/examples/{examples_of(wildcards.reference)}.{{split}}.parquet", split=SPLITS
        ),
        program="scripts/predictions/predict.py",
        library=library("scripts/predictions/predict.py"),
    output:
        predictions=expand(f"{RUN}/predictions/{{{{reference}}}}/{{split}}.greedy.parquet", split=SPLITS),
    log:
        f"{LOGS}/predict_reference/{{reference}}.log",
    wildcard_constraints:
        reference=any_of(C.evaluation.references),
    conda:
        "../envs/data.yaml"
    resources:
        network=1,
    params:
        model=lambda wildcards: f"{wildcards.reference}:{examples_of(wildcards.reference)}",
        served=lambda wildcards: C.evaluation.references[wildcards.reference],
        examples=f"{RUN}/examples",
        splits=SPLITS,
        batch=C.evaluation.batch,
        max_new_tokens=C.training.grpo.completion_tokens,
        cache=f"{RUN}/completions",
        out=lambda wildcards: f"{RUN}/predictions",
    message:
        "Asking {wildcards.reference} at {params.served.url}"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {input.program:q} \
            --models {params.model:q} \
            --base {params.served.model:q} \
            --backend server \
            --url {params.served.url:q} \
            --key {params.served.key:q} \
            --at-once {params.served.at_once} \
            --examples {params.examples:q} \
            --splits {params.splits:q} \
            --batch {params.batch} \
            --max-new-tokens {params.max_new_tokens} \
            --cache {params.cache:q} \
            --out {params.out:q}
        """


rule run_baselines:
    input:
        train=f"{RUN}/dataset/train.parquet",
        rows=expand(f"{RUN}/dataset/{{split}}.parquet", split=SPLITS),
        program="scripts/predictions/run_baselines.py",
        library=library("scripts/predictions/run_baselines.py"),
    output:
        predictions=expand(f"{RUN}/predictions/{{baseline}}/{{split}}.greedy.parquet", baseline=BASELINES, split=SPLITS),
        splits=f"{RUN}/metrics/splits.parquet",
        ledger=f"{RUN}/ledger/run_baselines.json",
    log:
        f"{LOGS}/run_baselines.log",
    benchmark:
        f"{LOGS}/run_baselines.bench.tsv"
    conda:
        "../envs/data.yaml"
    params:
        baselines=BASELINES,
        embedder=C.models.embedder,
        device=C.models.device,
        test_share=C.dataset.test_share,
        bootstrap=C.evaluation.bootstrap,
        seed=C.seed,
        held_out=HELD_OUT,
        out=lambda wildcards: f"{RUN}/predictions",
    message:
        "Training the cheap baselines, on every way of splitting"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {input.program:q} \
            --baselines {params.baselines:q} \
            --train {input.train:q} \
            --rows {input.rows:q} \
            --embedder {params.embedder:q} \
            --device {params.device} \
            --test-share {params.test_share} \
            --bootstrap {params.bootstrap} \
            --seed {params.seed} \
            --generalization {params.held_out:q} \
            --out {params.out:q} \
            --splits {output.splits:q} \
            --ledger {output.ledger:q}
        """

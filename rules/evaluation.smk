"""Evaluation: the reasoning's scores, every metric of every model, and the comparison.

needs   predictions/{model}/{split}.{draw}.parquet, examples/*.parquet, dataset/*.parquet, adapters/{adapter}/spec.json
makes   metrics/reasoning.parquet, metrics/{model}.{split}.json, metrics/comparison.parquet, report/tables/
reads   config: evaluation, models, seed
"""

# Models that are asked to reason; the others' reasoning is not missing, it does not apply.
REASONERS = [model for model in [*GENERATORS, *C.evaluation.references] if examples_of(model).startswith("reasoning")]
METRICS = expand(f"{RUN}/metrics/{{model}}.{{split}}.json", model=[*MODELS, "panel"], split=SPLITS)


rule score_reasoning:
    input:
        predictions=expand(f"{RUN}/predictions/{{model}}/{{split}}.greedy.parquet", model=REASONERS, split=SPLITS),
        examples=expand(
            f"{RUN}/examples/{{examples}}.{{split}}.parquet",
            examples=sorted({examples_of(model) for model in REASONERS}),
            split=SPLITS,
        ),
        rows=expand(f"{RUN}/dataset/{{split}}.parquet", split=SPLITS),
        terms=expand(f"{RUN}/dataset/{{split}}.parquet", split=["train", *SPLITS]),
        base=BASE_FILES if C.models.evaluation_judge == "base" else [],
        program="scripts/evaluation/score_reasoning.py",
        library=library("scripts/evaluation/score_reasoning.py"),
    output:
        scores=f"{RUN}/metrics/reasoning.parquet",
        ledger=f"{RUN}/ledger/score_reasoning.json",
    log:
        f"{LOGS}/score_reasoning.log",
    benchmark:
        f"{LOGS}/score_reasoning.bench.tsv"
    conda:
        "../envs/train.yaml"
    params:
        models=[f"{model}:{examples_of(model)}" for model in REASONERS],
        predictions=lambda wildcards: f"{RUN}/predictions",
        examples=lambda wildcards: f"{RUN}/examples",
        base=lambda wildcards: BASE,
        embedder=C.models.embedder,
        entities=C.models.entities,
        judge=[f"--judge={C.models.evaluation_judge}"] if C.models.evaluation_judge else [],
        device=C.models.device,
    message:
        "Scoring the reasoning of {params.models}"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {input.program:q} \
            --models {params.models:q} \
            --predictions {params.predictions:q} \
            --examples {params.examples:q} \
            --rows {input.rows:q} \
            --terms {input.terms:q} \
            --embedder {params.embedder:q} \
            --entities {params.entities:q} \
            --base {params.base:q} \
            --device {params.device} \
            --out {output.scores:q} \
            --ledger {output.ledger:q} {params.judge:q}
        """


rule measure:
    input:
        predictions=expand(
            f"{RUN}/predictions/{{model}}/{{split}}.{{draw}}.parquet", model=GENERATORS, split=SPLITS, draw=DRAWS
        ),
        others=expand(
            f"{RUN}/predictions/{{model}}/{{split}}.greedy.parquet",
            model=[*C.evaluation.references, *BASELINES],
            split=SPLITS,
        ),
        rows=expand(f"{RUN}/dataset/{{split}}.parquet", split=SPLITS),
        examples=expand(f"{RUN}/examples/{{examples}}.{{split}}.parquet", examples=EXAMPLES, split=SPLITS),
        reasoning=f"{RUN}/metrics/reasoning.parquet",
        program="scripts/evaluation/measure.py",
        library=library("scripts/evaluation/measure.py"),
    output:
        metrics=METRICS,
    log:
        f"{LOGS}/measure.log",
    conda:
        "../envs/data.yaml"
    params:
        models=[
            f"{model}:{kind_of(model).replace(' ', '_')}:{'' if model in BASELINES else examples_of(model)}"
            for model in MODELS
        ],
        predictions=lambda wildcards: f"{RUN}/predictions",
        samples=C.evaluation.samples,
        examples=lambda wildcards: f"{RUN}/examples",
        bootstrap=C.evaluation.bootstrap,
        seed=C.seed,
        out=lambda wildcards: f"{RUN}/metrics",
    message:
        "Measuring {params.models}"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {input.program:q} \
            --models {params.models:q} \
            --predictions {params.predictions:q} \
            --samples {params.samples} \
            --rows {input.rows:q} \
            --examples {params.examples:q} \
            --reasoning {input.reasoning:q} \
            --bootstrap {params.bootstrap} \
            --seed {params.seed} \
            --out {params.out:q}
        """


rule compare:
    input:
        metrics=METRICS,
        predictions=expand(f"{RUN}/predictions/{{model}}/{{split}}.greedy.parquet", model=MODELS, split=SPLITS),
        rows=expand(f"{RUN}/dataset/{{split}}.parquet", split=SPLITS),
        adapters=expand(f"{RUN}/adapters/{{adapter}}", adapter=C.trained()),
        effects=f"{RUN}/metrics/evidence.parquet",
        program="scripts/evaluation/compare_all.py",
        library=library("scripts/evaluation/compare_all.py"),
    output:
        comparison=f"{RUN}/metrics/comparison.parquet",
        pairs=f"{RUN}/metrics/pairs.parquet",
        tables=report(
            directory(f"{RUN}/report/tables"),
            patterns=["{table}.csv"],
            caption="captions/table.rst",
            category="Tables",
            labels={"table": "{table}"},
        ),
    log:
        f"{LOGS}/compare.log",
    conda:
        "../envs/data.yaml"
    params:
        bootstrap=C.evaluation.bootstrap,
        seed=C.seed,
        published=PUBLISHED,
    message:
        "Comparing all models"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {input.program:q} \
            --metrics {input.metrics:q} \
            --predictions {input.predictions:q} \
            --rows {input.rows:q} \
            --adapters {input.adapters:q} \
            --effects {input.effects:q} \
            --bootstrap {params.bootstrap} \
            --seed {params.seed} \
            --out {output.comparison:q} \
            --pairs {output.pairs:q} \
            --tables {output.tables:q} {params.published:q}
        """


include: "other_evidence.smk"

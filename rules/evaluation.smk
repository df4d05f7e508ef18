"""Evaluation: the reasoning's scores, every metric of every model, and the comparison.

needs   predictions/{model}/{split}.{draw}.parquet, examples/*.parquet, dataset/*.parquet, training/{adapter}/
makes   metrics/reasoning.parquet, metrics/{model}.{split}.json, metrics/comparison.parquet, report/tables/
reads   config: evaluation, models, seed
"""

REASONERS = [model.name for model in layout.roster.models if model.reasons]
METRICS = expand(f"{RUN}/metrics/{{model}}.{{split}}.json", model=[*layout.models, "panel"], split=SPLITS)


rule score_reasoning:
    input:
        roster=ancient(ROSTER),
        predictions=expand(f"{RUN}/predictions/{{model}}/{{split}}.greedy.parquet", model=REASONERS, split=SPLITS),
        examples=expand(
            f"{RUN}/examples/{{examples}}.{{split}}.parquet",
            examples=sorted({layout.examples_of(model) for model in REASONERS}),
            split=SPLITS,
        ),
        rows=expand(f"{RUN}/dataset/{{split}}.parquet", split=SPLITS),
        terms=expand(f"{RUN}/dataset/{{split}}.parquet", split=["train", *SPLITS]),
        base=layout.base_files() if settings.models.evaluation_judge == "base" else [],
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
        *code_of("evaluation/score_reasoning.py", layout.task_file),
        program=program("evaluation/score_reasoning.py"),
        task=settings.task,
        models=REASONERS,
        entries=layout.entries(*REASONERS),
        predictions=lambda wildcards: f"{RUN}/predictions",
        examples=lambda wildcards: f"{RUN}/examples",
        base=lambda wildcards: layout.base_of(),
        revision=layout.revision,
        template=layout.template,
        embedder=settings.models.embedder,
        entities=settings.models.entities,
        judge=[f"--judge={settings.models.evaluation_judge}"] if settings.models.evaluation_judge else [],
        device=settings.models.device,
    message:
        "Scoring the reasoning of {params.models}"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {params.program:q} \
            --task {params.task:q} \
            --roster {input.roster:q} \
            --predictions {params.predictions:q} \
            --examples {params.examples:q} \
            --rows {input.rows:q} \
            --terms {input.terms:q} \
            --embedder {params.embedder:q} \
            --entities {params.entities:q} \
            --base {params.base:q} \
            --device {params.device} \
            --out {output.scores:q} \
            --ledger {output.ledger:q} {params.judge:q} {params.revision:q} {params.template:q}
        """


rule measure:
    input:
        roster=ancient(ROSTER),
        predictions=expand(
            f"{RUN}/predictions/{{model}}/{{split}}.{{draw}}.parquet",
            model=layout.generators,
            split=SPLITS,
            draw=DRAWS,
        ),
        others=expand(
            f"{RUN}/predictions/{{model}}/{{split}}.greedy.parquet",
            model=[*settings.evaluation.references, *BASELINES],
            split=SPLITS,
        ),
        rows=expand(f"{RUN}/dataset/{{split}}.parquet", split=SPLITS),
        examples=expand(f"{RUN}/examples/{{examples}}.{{split}}.parquet", examples=layout.examples, split=SPLITS),
        reasoning=f"{RUN}/metrics/reasoning.parquet",
    output:
        metrics=METRICS,
    log:
        f"{LOGS}/measure.log",
    conda:
        "../envs/data.yaml"
    params:
        *code_of("evaluation/measure.py", layout.task_file),
        program=program("evaluation/measure.py"),
        task=settings.task,
        entries=layout.entries(),
        predictions=lambda wildcards: f"{RUN}/predictions",
        samples=settings.evaluation.samples,
        examples=lambda wildcards: f"{RUN}/examples",
        bootstrap=settings.evaluation.bootstrap,
        seed=settings.seed,
        out=lambda wildcards: f"{RUN}/metrics",
    message:
        "Measuring all models"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {params.program:q} \
            --task {params.task:q} \
            --roster {input.roster:q} \
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
        roster=ancient(ROSTER),
        metrics=METRICS,
        predictions=expand(f"{RUN}/predictions/{{model}}/{{split}}.greedy.parquet", model=layout.models, split=SPLITS),
        rows=expand(f"{RUN}/dataset/{{split}}.parquet", split=SPLITS),
        trainings=expand(f"{RUN}/training/{{adapter}}", adapter=settings.trained()),
        effects=f"{RUN}/metrics/evidence.parquet",
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
        *code_of("evaluation/compare_all.py", layout.task_file),
        program=program("evaluation/compare_all.py"),
        task=settings.task,
        entries=layout.entries(),
        bootstrap=settings.evaluation.bootstrap,
        seed=settings.seed,
        published=PUBLISHED,
    message:
        "Comparing all models"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {params.program:q} \
            --task {params.task:q} \
            --metrics {input.metrics:q} \
            --predictions {input.predictions:q} \
            --rows {input.rows:q} \
            --roster {input.roster:q} \
            --trainings {input.trainings:q} \
            --effects {input.effects:q} \
            --bootstrap {params.bootstrap} \
            --seed {params.seed} \
            --out {output.comparison:q} \
            --pairs {output.pairs:q} \
            --tables {output.tables:q} {params.published:q}
        """


include: "other_evidence.smk"

"""What the evidence is worth: adapters that read some predict again, with retrieved evidence and with none.

needs   adapters/{adapter}/, examples/*.parquet, predictions/{adapter}/{split}.greedy.parquet
makes   predictions_with/{evidence}/{adapter}/{split}.greedy.parquet, metrics/evidence.parquet
reads   config: evaluation (other_evidence and all that `predict` reads)
"""


use rule predict as predict_with with:
    input:
        roster=ancient(ROSTER),
        examples=lambda wildcards: expand(
            f"{RUN}/examples/{{examples}}.{{split}}.parquet",
            examples=sorted({layout.examples_of(one, wildcards.evidence) for one in layout.reading(wildcards)}),
            split=SPLITS,
        ),
        base=lambda wildcards: layout.base_files(*layout.reading(wildcards)),
        adapters=lambda wildcards: [f"{RUN}/adapters/{adapter}" for adapter in layout.reading(wildcards)],
    output:
        predictions=expand(
            f"{RUN}/predictions_with/{{{{evidence}}}}/{{generator}}/{{split}}.greedy.parquet",
            generator="{generator}" if settings.evaluation.merge else layout.readers,
            split=SPLITS,
        ),
    log:
        f"{LOGS}/predict_with/{{evidence}}.{'{generator}' if settings.evaluation.merge else 'all'}.log",
    benchmark:
        f"{LOGS}/predict_with/{{evidence}}.{'{generator}' if settings.evaluation.merge else 'all'}.bench.tsv"
    wildcard_constraints:
        generator=any_of(layout.readers),
        evidence=any_of(settings.other_evidence),
    params:
        entries=lambda wildcards: layout.entries(*layout.reading(wildcards)),
        models=lambda wildcards: layout.reading(wildcards),
        evidence=lambda wildcards: ["--evidence", wildcards.evidence],
        draws=["greedy"],
        cache=lambda wildcards: f"{RUN}/completions/with_{wildcards.evidence}",
        out=lambda wildcards: f"{RUN}/predictions_with/{wildcards.evidence}",
    message:
        "Predicting {params.splits} with {params.models}, evidence: {wildcards.evidence}"


rule compare_evidence:
    input:
        roster=ancient(ROSTER),
        own=expand(f"{RUN}/predictions/{{adapter}}/{{split}}.greedy.parquet", adapter=layout.readers, split=SPLITS),
        others=expand(
            f"{RUN}/predictions_with/{{evidence}}/{{adapter}}/{{split}}.greedy.parquet",
            evidence=settings.other_evidence,
            adapter=layout.readers,
            split=SPLITS,
        ),
        examples=expand(
            f"{RUN}/examples/{{examples}}.{{split}}.parquet",
            examples=sorted({*layout.examples, *layout.examples_again}),
            split=SPLITS,
        ),
        rows=expand(f"{RUN}/dataset/{{split}}.parquet", split=SPLITS),
    output:
        effects=f"{RUN}/metrics/evidence.parquet",
    log:
        f"{LOGS}/compare_evidence.log",
    conda:
        "../envs/data.yaml"
    params:
        *code_of("other_evidence/compare_evidence.py", layout.task_file),
        program=program("other_evidence/compare_evidence.py"),
        task=settings.task,
        entries=[entry for name in layout.readers for entry in layout.entries(name)],
        evidence=settings.other_evidence,
        predictions=lambda wildcards: f"{RUN}/predictions",
        others=lambda wildcards: f"{RUN}/predictions_with",
        examples=lambda wildcards: f"{RUN}/examples",
        bootstrap=settings.evaluation.bootstrap,
        seed=settings.seed,
        published=PUBLISHED,
    message:
        "Comparing the adapters' predictions with other evidence"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {params.program:q} \
            --task {params.task:q} \
            --roster {input.roster:q} \
            --evidence {params.evidence:q} \
            --predictions {params.predictions:q} \
            --others {params.others:q} \
            --rows {input.rows:q} \
            --examples {params.examples:q} \
            --bootstrap {params.bootstrap} \
            --seed {params.seed} \
            --out {output.effects:q} {params.published:q}
        """

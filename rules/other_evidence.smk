"""What the evidence is worth: adapters that read some answer again, with retrieved evidence and with none.

needs   adapters/{adapter}/, examples/*.parquet, predictions/{adapter}/{split}.greedy.parquet
makes   predictions_with/{evidence}/{adapter}/{split}.greedy.parquet, metrics/evidence.parquet
reads   config: evaluation (other_evidence and all that `predict` reads)
"""


use rule predict as predict_with with:
    input:
        examples=lambda wildcards: expand(
            f"{RUN}/examples/{{examples}}.{{split}}.parquet",
            examples=sorted({examples_with(adapter, wildcards.evidence) for adapter in readers(wildcards)}),
            split=SPLITS,
        ),
        base=BASE_FILES,
        adapters=lambda wildcards: [f"{RUN}/adapters/{adapter}" for adapter in readers(wildcards)],
        program="scripts/predictions/predict.py",
        library=library("scripts/predictions/predict.py"),
    output:
        predictions=expand(
            f"{RUN}/predictions_with/{{{{evidence}}}}/{{generator}}/{{split}}.greedy.parquet",
            generator="{generator}" if C.evaluation.merge else READERS,
            split=SPLITS,
        ),
    log:
        f"{LOGS}/predict_with/{{evidence}}.{'{generator}' if C.evaluation.merge else 'all'}.log",
    benchmark:
        f"{LOGS}/predict_with/{{evidence}}.{'{generator}' if C.evaluation.merge else 'all'}.bench.tsv"
    wildcard_constraints:
        generator=any_of(READERS),
        evidence=any_of(C.other_evidence),
    params:
        models=lambda wildcards: [
            f"{adapter}:{examples_with(adapter, wildcards.evidence)}" for adapter in readers(wildcards)
        ],
        draws=["greedy"],
        cache=lambda wildcards: f"{RUN}/completions/with_{wildcards.evidence}",
        out=lambda wildcards: f"{RUN}/predictions_with/{wildcards.evidence}",
    message:
        "Predicting {params.splits} with {params.models}, evidence: {wildcards.evidence}"


rule compare_evidence:
    input:
        own=expand(f"{RUN}/predictions/{{adapter}}/{{split}}.greedy.parquet", adapter=READERS, split=SPLITS),
        others=expand(
            f"{RUN}/predictions_with/{{evidence}}/{{adapter}}/{{split}}.greedy.parquet",
            evidence=C.other_evidence,
            adapter=READERS,
            split=SPLITS,
        ),
        examples=expand(
            f"{RUN}/examples/{{examples}}.{{split}}.parquet", examples=sorted({*EXAMPLES, *ASKED_AGAIN}), split=SPLITS
        ),
        rows=expand(f"{RUN}/dataset/{{split}}.parquet", split=SPLITS),
        program="scripts/other_evidence/compare_evidence.py",
        library=library("scripts/other_evidence/compare_evidence.py"),
    output:
        effects=f"{RUN}/metrics/evidence.parquet",
    log:
        f"{LOGS}/compare_evidence.log",
    conda:
        "../envs/data.yaml"
    params:
        answers=[
            f"{adapter}:{split}:{kind}:{examples_with(adapter, kind)}"
            for adapter in READERS
            for split in SPLITS
            for kind in dict.fromkeys([adapter_of(adapter).evidence, *C.other_evidence])
        ],
        predictions=lambda wildcards: f"{RUN}/predictions",
        others=lambda wildcards: f"{RUN}/predictions_with",
        examples=lambda wildcards: f"{RUN}/examples",
        bootstrap=C.evaluation.bootstrap,
        seed=C.seed,
        published=PUBLISHED,
    message:
        "Comparing the adapters' answers with other evidence"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {input.program:q} \
            --answers {params.answers:q} \
            --predictions {params.predictions:q} \
            --others {params.others:q} \
            --rows {input.rows:q} \
            --examples {params.examples:q} \
            --bootstrap {params.bootstrap} \
            --seed {params.seed} \
            --out {output.effects:q} {params.published:q}
        """

"""Predictions of every adapter, the base model, prompted references and the baselines.

needs   adapters/{adapter}/, the base model, examples/*.parquet, dataset/*.parquet
makes   roster.json: every model with its kind, base, prompt, evidence, seed and length limit
        predictions/{model}/{split}.{draw}.parquet
reads   config: evaluation, base, training.grpo.completion_tokens, seed

Finished batches are cached in completions/, outside the declared outputs: a killed job goes on from them, and a job that
serves all adapters generates only what is new.

Programs read the roster's file. It is `ancient`, and what it says of a rule's own models is a parameter: a model more,
or another model's change, predicts nothing again.
"""

from acrflow.config.evaluation import BASELINES
from acrflow.io.files import write_text

ROSTER = f"{RUN}/roster.json"
DRAWS = ["greedy", *range(1, settings.evaluation.samples + 1)]


rule write_roster:
    output:
        roster=ROSTER,
    log:
        f"{LOGS}/write_roster.log",
    localrule: True
    params:
        models=layout.entries(),
    message:
        "Writing the roster of all models"
    run:
        write_text(Path(output.roster), layout.roster.model_dump_json(indent=2) + "\n")


rule predict:
    input:
        roster=ancient(ROSTER),
        examples=lambda wildcards: expand(
            f"{RUN}/examples/{{examples}}.{{split}}.parquet",
            examples=sorted({layout.examples_of(model) for model in layout.generating(wildcards)}),
            split=SPLITS,
        ),
        base=lambda wildcards: layout.base_files(*layout.generating(wildcards)),
        adapters=lambda wildcards: [
            f"{RUN}/adapters/{model}" for model in layout.generating(wildcards) if model != "base"
        ],
    output:
        predictions=expand(
            f"{RUN}/predictions/{{generator}}/{{split}}.{{draw}}.parquet",
            generator=layout.generators if layout.together else "{generator}",
            split=SPLITS,
            draw=DRAWS,
        ),
    log:
        f"{LOGS}/predict/{'all' if layout.together else '{generator}'}.log",
    benchmark:
        f"{LOGS}/predict/{'all' if layout.together else '{generator}'}.bench.tsv"
    wildcard_constraints:
        generator=any_of(layout.generators),
    conda:
        "../envs/train.yaml"
    params:
        *code_of("predictions/predict.py", layout.task_file),
        program=program("predictions/predict.py"),
        task=settings.task,
        entries=lambda wildcards: layout.entries(*layout.generating(wildcards)),
        models=lambda wildcards: layout.generating(wildcards),
        evidence=[],
        adapters=f"{RUN}/adapters",
        merge=["--merge"] if settings.evaluation.merge else [],
        examples=f"{RUN}/examples",
        splits=SPLITS,
        draws=DRAWS,
        temperature=settings.evaluation.temperature,
        top_p=settings.evaluation.top_p,
        backend=settings.evaluation.backend,
        batch=settings.evaluation.batch,
        cache=f"{RUN}/completions",
        out=lambda wildcards: f"{RUN}/predictions",
    message:
        "Predicting {params.splits} with {params.models}"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {params.program:q} \
            --task {params.task:q} \
            --roster {input.roster:q} \
            --models {params.models:q} \
            --adapters {params.adapters:q} \
            --examples {params.examples:q} \
            --splits {params.splits:q} \
            --draws {params.draws} \
            --temperature {params.temperature} \
            --top-p {params.top_p} \
            --backend {params.backend} \
            --batch {params.batch} \
            --cache {params.cache:q} \
            --out {params.out:q} {params.merge:q} {params.evidence:q}
        """


rule predict_reference:
    input:
        roster=ancient(ROSTER),
        examples=lambda wildcards: expand(
            f"{RUN}/examples/{layout.examples_of(wildcards.reference)}.{{split}}.parquet", split=SPLITS
        ),
    output:
        predictions=expand(f"{RUN}/predictions/{{{{reference}}}}/{{split}}.greedy.parquet", split=SPLITS),
    log:
        f"{LOGS}/predict_reference/{{reference}}.log",
    wildcard_constraints:
        reference=any_of(settings.evaluation.references),
    conda:
        "../envs/data.yaml"
    resources:
        network=1,
    params:
        *code_of("predictions/predict.py", layout.task_file),
        program=program("predictions/predict.py"),
        task=settings.task,
        entries=lambda wildcards: layout.entries(wildcards.reference),
        served=lambda wildcards: settings.evaluation.references[wildcards.reference],
        examples=f"{RUN}/examples",
        splits=SPLITS,
        batch=settings.evaluation.batch,
        cache=f"{RUN}/completions",
        out=lambda wildcards: f"{RUN}/predictions",
    message:
        "Predicting with {wildcards.reference} at {params.served.url}"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {params.program:q} \
            --task {params.task:q} \
            --roster {input.roster:q} \
            --models {wildcards.reference:q} \
            --backend server \
            --url {params.served.url:q} \
            --key {params.served.key:q} \
            --at-once {params.served.at_once} \
            --examples {params.examples:q} \
            --splits {params.splits:q} \
            --batch {params.batch} \
            --cache {params.cache:q} \
            --out {params.out:q}
        """


rule run_baselines:
    input:
        train=f"{RUN}/dataset/train.parquet",
        rows=expand(f"{RUN}/dataset/{{split}}.parquet", split=SPLITS),
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
        *code_of("predictions/run_baselines.py", layout.task_file),
        program=program("predictions/run_baselines.py"),
        task=settings.task,
        baselines=BASELINES,
        embedder=settings.models.embedder,
        device=settings.models.device,
        test_share=settings.dataset.test_share,
        bootstrap=settings.evaluation.bootstrap,
        seed=settings.seed,
        held_out=layout.held_out,
        out=lambda wildcards: f"{RUN}/predictions",
    message:
        "Training the baselines, on every way of splitting"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {params.program:q} \
            --task {params.task:q} \
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

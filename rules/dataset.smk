"""Dataset: from rated rows, reasoning and evidence to splits and rendered examples.

needs   guidelines.parquet, evidence/pmids.parquet, evidence/condensed.parquet, the base model's tokenizer;
        retrieval/{assigned,condensed}.parquet for examples with retrieved evidence
makes   dataset/traces.parquet, dataset/{train,test,generalization}.parquet, leaks.json, examples/*.parquet,
        dataset/card.md with figures/, dataset/croissant.json
reads   config: dataset, evidence.tokens, generalization, seed, base (model, revision); config/prompts/
"""


rule extract_traces:
    input:
        guidelines=f"{RUN}/guidelines.parquet",
    output:
        traces=f"{RUN}/dataset/{'sentences' if settings.dataset.distiller else 'traces'}.parquet",
        ledger=f"{RUN}/ledger/extract_traces.json",
    log:
        f"{LOGS}/extract_traces.log",
    benchmark:
        f"{LOGS}/extract_traces.bench.tsv"
    conda:
        "../envs/data.yaml"
    threads: settings.resources.extract_traces.cpus
    params:
        *code_of("dataset/extract_traces.py"),
        program=program("dataset/extract_traces.py"),
    message:
        "Splitting the narratives' reasoning into traces"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {params.program:q} \
            --guidelines {input.guidelines:q} \
            --threads {threads} \
            --out {output.traces:q} \
            --ledger {output.ledger:q}
        """


if settings.dataset.distiller:

    rule distill_traces:
        input:
            sentences=f"{RUN}/dataset/sentences.parquet",
            guidelines=f"{RUN}/guidelines.parquet",
        output:
            traces=f"{RUN}/dataset/traces.parquet",
            ledger=f"{RUN}/ledger/distill_traces.json",
        log:
            f"{LOGS}/distill_traces.log",
        benchmark:
            f"{LOGS}/distill_traces.bench.tsv"
        conda:
            "../envs/train.yaml"
        resources:
            network=int(settings.dataset.distiller.backend == "server"),
        params:
            *code_of("dataset/distill_traces.py"),
            program=program("dataset/distill_traces.py"),
            settings=settings.dataset.distiller.model_dump_json(),
            cache=f"{RUN}/completions/distill_traces.jsonl",
        message:
            "Distilling the reasoning with a language model"
        shell:
            r"""
            exec > >(tee {log:q}) 2>&1
            python {params.program:q} \
                --sentences {input.sentences:q} \
                --guidelines {input.guidelines:q} \
                --settings {params.settings:q} \
                --cache {params.cache:q} \
                --out {output.traces:q} \
                --ledger {output.ledger:q}
            """


rule build_dataset:
    input:
        guidelines=f"{RUN}/guidelines.parquet",
        traces=f"{RUN}/dataset/traces.parquet",
        pmids=f"{RUN}/evidence/pmids.parquet",
        condensed=f"{RUN}/evidence/condensed.parquet",
        tokenizer=layout.tokenizer_files,
    output:
        train=f"{RUN}/dataset/train.parquet",
        test=f"{RUN}/dataset/test.parquet",
        generalization=f"{RUN}/dataset/generalization.parquet",
        leaks=f"{RUN}/dataset/leaks.json",
        ledger=f"{RUN}/ledger/build_dataset.json",
    log:
        f"{LOGS}/build_dataset.log",
    benchmark:
        f"{LOGS}/build_dataset.bench.tsv"
    conda:
        "../envs/data.yaml"
    params:
        *code_of("dataset/build_dataset.py", layout.task_file),
        program=program("dataset/build_dataset.py"),
        task=settings.task,
        tokenizer=lambda wildcards: layout.tokenizer,
        revision=layout.revision,
        split=settings.dataset.split,
        test_share=settings.dataset.test_share,
        seed=settings.seed,
        disagreement=settings.dataset.disagreement,
        evidence_tokens=settings.evidence.tokens,
        held_out=layout.held_out,
    message:
        "Building the dataset, split by {params.split}"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {params.program:q} \
            --task {params.task:q} \
            --guidelines {input.guidelines:q} \
            --traces {input.traces:q} \
            --pmids {input.pmids:q} \
            --condensed {input.condensed:q} \
            --tokenizer {params.tokenizer:q} {params.revision:q} \
            --split {params.split} \
            --test-share {params.test_share} \
            --seed {params.seed} \
            --disagreement {params.disagreement} \
            --evidence-tokens {params.evidence_tokens} \
            --generalization {params.held_out:q} \
            --train {output.train:q} \
            --test {output.test:q} \
            --generalization-out {output.generalization:q} \
            --leaks {output.leaks:q} \
            --ledger {output.ledger:q}
        """


rule render_examples:
    input:
        rows=expand(f"{RUN}/dataset/{{split}}.parquet", split=["train", *SPLITS]),
        prompt=lambda wildcards: str(own_or_shipped(prompt_of(wildcards.examples))),
        evidence=lambda wildcards: (
            [f"{RUN}/retrieval/assigned.parquet", f"{RUN}/retrieval/condensed.parquet"]
            if shows(wildcards.examples) == "retrieved"
            else []
        ),
        tokenizer=layout.tokenizer_files,
    output:
        examples=expand(f"{RUN}/examples/{{{{examples}}}}.{{split}}.parquet", split=["train", *SPLITS]),
        ledgers=expand(f"{RUN}/ledger/render_examples.{{{{examples}}}}.{{split}}.json", split=["train", *SPLITS]),
    log:
        f"{LOGS}/render_examples/{{examples}}.log",
    conda:
        "../envs/data.yaml"
    params:
        *code_of("dataset/render_examples.py", layout.task_file),
        program=program("dataset/render_examples.py"),
        task=settings.task,
        tokenizer=lambda wildcards: layout.tokenizer,
        revision=layout.revision,
        template=layout.template,
        max_tokens=settings.dataset.prompt_tokens,
        evidence=lambda wildcards, input: evidence_options(wildcards.examples, input.evidence),
    message:
        "Rendering the examples {wildcards.examples}"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {params.program:q} \
            --task {params.task:q} \
            --rows {input.rows:q} \
            --prompt {input.prompt:q} \
            --tokenizer {params.tokenizer:q} {params.revision:q} {params.template:q} \
            --max-tokens {params.max_tokens} \
            --out {output.examples:q} \
            --ledger {output.ledgers:q} {params.evidence:q}
        """


rule write_card:
    input:
        rows=expand(f"{RUN}/dataset/{{split}}.parquet", split=["train", *SPLITS]),
        examples=expand(
            f"{RUN}/examples/{{examples}}.{{split}}.parquet", examples=layout.examples, split=["train", *SPLITS]
        ),
        leaks=f"{RUN}/dataset/leaks.json",
        ledgers=expand(f"{RUN}/ledger/{{step}}.json", step=layout.data_steps),
        baselines=f"{RUN}/metrics/splits.parquet",
        sources=lambda wildcards: layout.sources(),
        records=f"{RUN}/evidence/records.parquet",
        template=shipped("scripts/acrflow/report/templates/dataset_card.md.j2"),
    output:
        card=f"{RUN}/dataset/card.md",
        croissant=f"{RUN}/dataset/croissant.json",
        figures=directory(f"{RUN}/dataset/figures"),
    log:
        f"{LOGS}/write_card.log",
    conda:
        "../envs/data.yaml"
    params:
        *code_of("dataset/write_card.py", layout.task_file),
        program=program("dataset/write_card.py"),
        task=settings.task,
        name=settings.run,
        settings=json.dumps(
            {
                "split by": f"{settings.dataset.split}, test share {settings.dataset.test_share}, seed {settings.seed}",
                "rows rated Disagreement": settings.dataset.disagreement,
                "evidence": f"at most {settings.evidence.tokens} tokens a row",
                "held out whole": ", ".join(layout.held_out) or "no topic",
            }
        ),
    message:
        "Writing the dataset's card"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {params.program:q} \
            --task {params.task:q} \
            --name {params.name:q} \
            --rows {input.rows:q} \
            --examples {input.examples:q} \
            --leaks {input.leaks:q} \
            --ledgers {input.ledgers:q} \
            --baselines {input.baselines:q} \
            --settings {params.settings:q} \
            --sources {input.sources:q} {input.records:q} \
            --figures {output.figures:q} \
            --croissant {output.croissant:q} \
            --out {output.card:q}
        """

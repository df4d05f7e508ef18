"""Dataset: from rated rows, reasoning and evidence to splits and rendered examples.

needs   guidelines.parquet, evidence/pmids.parquet, evidence/condensed.parquet, the base model's tokenizer;
        retrieval/{assigned,condensed}.parquet for examples with retrieved evidence
makes   dataset/traces.parquet, dataset/{train,test,generalization}.parquet, leaks.json, examples/*.parquet,
        dataset/card.md with figures/, dataset/croissant.json
reads   config: dataset, evidence.tokens, generalization, seed, base.model; config/prompts/
"""


rule extract_traces:
    input:
        guidelines=f"{RUN}/guidelines.parquet",
        program="scripts/dataset/extract_traces.py",
        library=library("scripts/dataset/extract_traces.py"),
    output:
        traces=f"{RUN}/dataset/{'sentences' if C.dataset.distiller else 'traces'}.parquet",
        ledger=f"{RUN}/ledger/extract_traces.json",
    log:
        f"{LOGS}/extract_traces.log",
    benchmark:
        f"{LOGS}/extract_traces.bench.tsv"
    conda:
        "../envs/data.yaml"
    threads: C.resources.extract_traces.cpus
    message:
        "Splitting the narratives' reasoning into traces"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {input.program:q} \
            --guidelines {input.guidelines:q} \
            --threads {threads} \
            --out {output.traces:q} \
            --ledger {output.ledger:q}
        """


if C.dataset.distiller:

    rule distill_traces:
        input:
            sentences=f"{RUN}/dataset/sentences.parquet",
            guidelines=f"{RUN}/guidelines.parquet",
            program="scripts/dataset/distill_traces.py",
            library=library("scripts/dataset/distill_traces.py"),
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
            network=int(C.dataset.distiller.backend == "server"),
        params:
            settings=C.dataset.distiller.model_dump_json(),
            cache=f"{RUN}/completions/distill_traces.jsonl",
        message:
            "Distilling the reasoning with a language model"
        shell:
            r"""
            exec > >(tee {log:q}) 2>&1
            python {input.program:q} \
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
        tokenizer=TOKENIZER_FILES,
        program="scripts/dataset/build_dataset.py",
        library=library("scripts/dataset/build_dataset.py"),
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
        tokenizer=lambda wildcards: TOKENIZER,
        split=C.dataset.split,
        test_share=C.dataset.test_share,
        seed=C.seed,
        disagreement=C.dataset.disagreement,
        evidence_tokens=C.evidence.tokens,
        held_out=HELD_OUT,
    message:
        "Building the dataset, split by {params.split}"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {input.program:q} \
            --guidelines {input.guidelines:q} \
            --traces {input.traces:q} \
            --pmids {input.pmids:q} \
            --condensed {input.condensed:q} \
            --tokenizer {params.tokenizer:q} \
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
        prompt=lambda wildcards: f"config/prompts/{prompt_name(wildcards.examples)}.yaml",
        evidence=lambda wildcards: (
            [f"{RUN}/retrieval/assigned.parquet", f"{RUN}/retrieval/condensed.parquet"]
            if wildcards.examples.endswith(ENDINGS["retrieved"])
            else []
        ),
        tokenizer=TOKENIZER_FILES,
        program="scripts/dataset/render_examples.py",
        library=library("scripts/dataset/render_examples.py"),
    output:
        examples=expand(f"{RUN}/examples/{{{{examples}}}}.{{split}}.parquet", split=["train", *SPLITS]),
        ledgers=expand(f"{RUN}/ledger/render_examples.{{{{examples}}}}.{{split}}.json", split=["train", *SPLITS]),
    log:
        f"{LOGS}/render_examples/{{examples}}.log",
    conda:
        "../envs/data.yaml"
    params:
        tokenizer=lambda wildcards: TOKENIZER,
        max_tokens=C.dataset.prompt_tokens,
        evidence=evidence_options,
    message:
        "Rendering the examples {wildcards.examples}"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {input.program:q} \
            --rows {input.rows:q} \
            --prompt {input.prompt:q} \
            --tokenizer {params.tokenizer:q} \
            --max-tokens {params.max_tokens} \
            --out {output.examples:q} \
            --ledger {output.ledgers:q} {params.evidence:q}
        """


rule write_card:
    input:
        rows=expand(f"{RUN}/dataset/{{split}}.parquet", split=["train", *SPLITS]),
        examples=expand(f"{RUN}/examples/{{examples}}.{{split}}.parquet", examples=EXAMPLES, split=["train", *SPLITS]),
        leaks=f"{RUN}/dataset/leaks.json",
        ledgers=expand(f"{RUN}/ledger/{{step}}.json", step=DATA_STEPS),
        baselines=f"{RUN}/metrics/splits.parquet",
        sources=sources,
        records=f"{RUN}/evidence/records.parquet",
        program="scripts/dataset/write_card.py",
        library=library("scripts/dataset/write_card.py"),
        template="scripts/acrflow/report/templates/dataset_card.md.j2",
    output:
        card=f"{RUN}/dataset/card.md",
        croissant=f"{RUN}/dataset/croissant.json",
        figures=directory(f"{RUN}/dataset/figures"),
    log:
        f"{LOGS}/write_card.log",
    conda:
        "../envs/data.yaml"
    params:
        name=C.run,
        settings=json.dumps(
            {
                "split by": f"{C.dataset.split}, test share {C.dataset.test_share}, seed {C.seed}",
                "rows rated Disagreement": C.dataset.disagreement,
                "evidence": f"at most {C.evidence.tokens} tokens a row",
                "held out whole": ", ".join(HELD_OUT) or "no topic",
            }
        ),
    message:
        "Writing the dataset's card"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {input.program:q} \
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

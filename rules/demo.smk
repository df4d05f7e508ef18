"""Demo: invented guidelines and records, and a tiny base model made on the spot. Included only where one is configured.

needs   the topic list; guidelines.parquet, traces.parquet, condensed.parquet for the tokenizer, train.parquet for the model
makes   invented/documents/{topic}/*.pdf, invented/efetch/*.xml, models/tokenizer/, models/base/
reads   config: topics.invented, seed, base.tiny
"""

if "invented" in (settings.documents, settings.evidence.source):

    INVENTED = (
        list(TOPICS)
        if settings.documents == "invented"
        else [topic.name for topic in read_topics(own_or_shipped(settings.topics.invented))]
    )

    rule invent_guidelines:
        input:
            topics=own_or_shipped(settings.topics.invented),
        output:
            documents=expand(
                f"{RUN}/invented/documents/{{topic}}/{{kind}}.pdf",
                topic=INVENTED,
                kind=["narrative", "appendix", "evidence_table"],
            ),
            efetch=directory(f"{RUN}/invented/efetch"),
        log:
            f"{LOGS}/invent_guidelines.log",
        benchmark:
            f"{LOGS}/invent_guidelines.bench.tsv"
        conda:
            "../envs/data.yaml"
        params:
            *code_of("demo/invent_guidelines.py"),
            program=program("demo/invent_guidelines.py"),
            folder=lambda wildcards, output: str(Path(output.efetch).parent),
            seed=settings.seed,
        message:
            "Inventing guideline documents and PubMed records"
        shell:
            r"""
            exec > >(tee {log:q}) 2>&1
            python {params.program:q} \
                --topics {input.topics:q} \
                --seed {params.seed} \
                --out {params.folder:q}
            """


if settings.base.model == "tiny":

    rule make_tiny_tokenizer:
        input:
            guidelines=f"{RUN}/guidelines.parquet",
            condensed=f"{RUN}/evidence/condensed.parquet",
            traces=f"{RUN}/dataset/traces.parquet",
            prompts=layout.prompt_files,
        output:
            tokenizer=directory(f"{RUN}/models/tokenizer"),
        log:
            f"{LOGS}/make_tiny_tokenizer.log",
        benchmark:
            f"{LOGS}/make_tiny_tokenizer.bench.tsv"
        conda:
            "../envs/data.yaml"
        params:
            *code_of("demo/make_tiny_tokenizer.py", layout.task_file),
            program=program("demo/make_tiny_tokenizer.py"),
            task=settings.task,
            settings=settings.base.tiny.model_dump_json(),
            seed=settings.seed,
        message:
            "Making the tiny base model's tokenizer"
        shell:
            r"""
            exec > >(tee {log:q}) 2>&1
            python {params.program:q} \
                --task {params.task:q} \
                --guidelines {input.guidelines:q} \
                --condensed {input.condensed:q} \
                --traces {input.traces:q} \
                --prompts {input.prompts:q} \
                --settings {params.settings:q} \
                --seed {params.seed} \
                --out {output.tokenizer:q}
            """

    rule make_tiny_base:
        input:
            rows=f"{RUN}/dataset/train.parquet",
            tokenizer=f"{RUN}/models/tokenizer",
            prompts=layout.prompt_files,
        output:
            base=directory(f"{RUN}/models/base"),
        log:
            f"{LOGS}/make_tiny_base.log",
        benchmark:
            f"{LOGS}/make_tiny_base.bench.tsv"
        conda:
            "../envs/data.yaml"
        params:
            *code_of("demo/make_tiny_base.py", layout.task_file),
            program=program("demo/make_tiny_base.py"),
            task=settings.task,
            settings=settings.base.tiny.model_dump_json(),
            seed=settings.seed,
        message:
            "Making the tiny base model and teaching it the language of the training split a little"
        shell:
            r"""
            exec > >(tee {log:q}) 2>&1
            python {params.program:q} \
                --task {params.task:q} \
                --rows {input.rows:q} \
                --tokenizer {input.tokenizer:q} \
                --prompts {input.prompts:q} \
                --settings {params.settings:q} \
                --seed {params.seed} \
                --out {output.base:q}
            """

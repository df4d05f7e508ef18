"""Demo: invented guidelines and records, and a tiny base model made on the spot. Included only where one is asked for.

needs   the topic list; guidelines.parquet, traces.parquet, condensed.parquet for the tokenizer, train.parquet for the model
makes   invented/documents/{topic}/*.pdf, invented/efetch/*.xml, models/tokenizer/, models/base/
reads   config: topics.invented, seed, base.tiny
"""

if "invented" in (C.documents, C.evidence.source):

    INVENTED = (
        list(TOPICS) if C.documents == "invented" else [topic.name for topic in read_topics(Path(C.topics.invented))]
    )

    rule invent_guidelines:
        input:
            topics=C.topics.invented,
            program="scripts/demo/invent_guidelines.py",
            library=library("scripts/demo/invent_guidelines.py"),
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
            folder=lambda wildcards, output: str(Path(output.efetch).parent),
            seed=C.seed,
        message:
            "Inventing guideline documents and PubMed records"
        shell:
            r"""
            exec > >(tee {log:q}) 2>&1
            python {input.program:q} \
                --topics {input.topics:q} \
                --seed {params.seed} \
                --out {params.folder:q}
            """


if C.base.model == "tiny":

    rule make_tiny_tokenizer:
        input:
            guidelines=f"{RUN}/guidelines.parquet",
            condensed=f"{RUN}/evidence/condensed.parquet",
            traces=f"{RUN}/dataset/traces.parquet",
            prompts=expand("config/prompts/{prompt}.yaml", prompt=PROMPTS),
            program="scripts/demo/make_tiny_tokenizer.py",
            library=library("scripts/demo/make_tiny_tokenizer.py"),
        output:
            tokenizer=directory(f"{RUN}/models/tokenizer"),
        log:
            f"{LOGS}/make_tiny_tokenizer.log",
        benchmark:
            f"{LOGS}/make_tiny_tokenizer.bench.tsv"
        conda:
            "../envs/data.yaml"
        params:
            settings=C.base.tiny.model_dump_json(),
            seed=C.seed,
        message:
            "Making the tiny base model's tokenizer"
        shell:
            r"""
            exec > >(tee {log:q}) 2>&1
            python {input.program:q} \
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
            prompts=expand("config/prompts/{prompt}.yaml", prompt=PROMPTS),
            program="scripts/demo/make_tiny_base.py",
            library=library("scripts/demo/make_tiny_base.py"),
        output:
            base=directory(f"{RUN}/models/base"),
        log:
            f"{LOGS}/make_tiny_base.log",
        benchmark:
            f"{LOGS}/make_tiny_base.bench.tsv"
        conda:
            "../envs/data.yaml"
        params:
            settings=C.base.tiny.model_dump_json(),
            seed=C.seed,
        message:
            "Making the tiny base model and teaching it the language of the training split a little"
        shell:
            r"""
            exec > >(tee {log:q}) 2>&1
            python {input.program:q} \
                --rows {input.rows:q} \
                --tokenizer {input.tokenizer:q} \
                --prompts {input.prompts:q} \
                --settings {params.settings:q} \
                --seed {params.seed} \
                --out {output.base:q}
            """

"""Guidelines: from documents to one table of rated rows.

needs   per topic a narrative.pdf, an appendix (PDF or HTML) and perhaps an evidence table (invented, downloaded, or the
        user's own folder); or a table of rows
makes   guidelines/{topic}.json, guidelines/{topic}.qa.json, studies.parquet (not of a table), guidelines.parquet
reads   config: documents, topics, table, generalization, download
"""

if settings.documents == "download":

    rule download_documents:
        output:
            documents=directory(f"{RUN}/documents/{{topic}}"),
        log:
            f"{LOGS}/download_documents/{{topic}}.log",
        conda:
            "../envs/data.yaml"
        resources:
            network=1,  # one networked job at a time: `resources: network=1` in the profiles
        params:
            *code_of("guidelines/download_documents.py", layout.publisher_file, aside=layout.document_readers),
            program=program("guidelines/download_documents.py"),
            acr_id=lambda wildcards: TOPICS[wildcards.topic].acr_id,
            panel=lambda wildcards: TOPICS[wildcards.topic].panel,
            title=lambda wildcards: TOPICS[wildcards.topic].title,
            folder=settings.download.folder,  # undeclared, so that what has arrived outlives a failed job
            publisher=settings.publisher,
            url=["--url", settings.download.url] if settings.download.url else [],
            pages=lambda wildcards: json.dumps(settings.download.pages),  # its {acr_id} is no wildcard
            contact=["--contact", settings.download.contact] if settings.download.contact else [],
            pause=settings.download.seconds_between_requests,
            accept="--accept-acr-terms" if settings.download.accept_acr_terms else "",
        message:
            "Downloading the documents of {wildcards.topic}"
        shell:
            r"""
            exec > >(tee {log:q}) 2>&1
            python {params.program:q} \
                --publisher {params.publisher:q} \
                --topic {wildcards.topic:q} \
                --acr-id {params.acr_id:q} \
                --panel {params.panel:q} \
                --title {params.title:q} \
                --pages {params.pages:q} \
                --pause {params.pause} \
                --folder {params.folder:q} \
                --out {output.documents:q} {params.url:q} {params.contact:q} {params.accept}
            """

    onstart:
        missing = [topic for topic in TOPICS if not Path(f"{RUN}/documents/{topic}").is_dir()]
        if missing and not settings.download.accept_acr_terms:
            raise WorkflowError(
                "download.accept_acr_terms: the ACR's terms of use are not accepted\n  Remedy: read them on the ACR's "
                "site, then set download.accept_acr_terms: true; or name a folder of your own in `documents`"
            )


rule parse_guideline:
    input:
        unpack(lambda wildcards: layout.documents_of(wildcards.topic)),
    output:
        guideline=f"{RUN}/guidelines/{{topic}}.json",
        qa=f"{RUN}/guidelines/{{topic}}.qa.json",
    log:
        f"{LOGS}/parse_guideline/{{topic}}.log",
    conda:
        "../envs/data.yaml"
    params:
        *code_of("guidelines/parse_guideline.py", layout.publisher_file),
        program=program("guidelines/parse_guideline.py"),
        documents=lambda wildcards: f"{layout.documents}/{wildcards.topic}",
        publisher=settings.publisher,
    message:
        "Reading the guideline on {wildcards.topic}"
    shell:
        r"""
        exec > >(tee {log:q}) 2>&1
        python {params.program:q} \
            --topic {wildcards.topic:q} \
            --documents {params.documents:q} \
            --publisher {params.publisher:q} \
            --out {output.guideline:q} \
            --qa {output.qa:q}
        """


if settings.source == "table":

    rule read_table:
        input:
            table=settings.documents,
            topics=layout.topic_list() or [],
        output:
            guidelines=f"{RUN}/guidelines.parquet",
            ledger=f"{RUN}/ledger/read_table.json",
        log:
            f"{LOGS}/read_table.log",
        benchmark:
            f"{LOGS}/read_table.bench.tsv"
        conda:
            "../envs/data.yaml"
        params:
            *code_of("guidelines/read_table.py"),
            program=program("guidelines/read_table.py"),
            settings=lambda wildcards: settings.table.model_dump_json(),
            topics=lambda wildcards, input: ["--topics", input.topics] if input.topics else [],
            held_out=layout.held_out,
            leave_out=settings.topics.leave_out,
        message:
            "Reading the rated rows of {input.table}"
        shell:
            r"""
            exec > >(tee {log:q}) 2>&1
            python {params.program:q} \
                --table {input.table:q} \
                --settings {params.settings:q} \
                --held-out {params.held_out:q} \
                --leave-out {params.leave_out:q} \
                --out {output.guidelines:q} \
                --ledger {output.ledger:q} {params.topics:q}
            """

else:

    rule collect_guidelines:
        input:
            guidelines=expand(f"{RUN}/guidelines/{{topic}}.json", topic=layout.parsed),
            qa=expand(f"{RUN}/guidelines/{{topic}}.qa.json", topic=layout.parsed),
        output:
            guidelines=f"{RUN}/guidelines.parquet",
            studies=f"{RUN}/studies.parquet",
            ledger=f"{RUN}/ledger/collect_guidelines.json",
        log:
            f"{LOGS}/collect_guidelines.log",
        benchmark:
            f"{LOGS}/collect_guidelines.bench.tsv"
        conda:
            "../envs/data.yaml"
        params:
            *code_of("guidelines/collect_guidelines.py"),
            program=program("guidelines/collect_guidelines.py"),
            left_out=settings.topics.leave_out,
        message:
            "Collecting the rated rows of all topics"
        shell:
            r"""
            exec > >(tee {log:q}) 2>&1
            python {params.program:q} \
                --guidelines {input.guidelines:q} \
                --qa {input.qa:q} \
                --left-out {params.left_out:q} \
                --out {output.guidelines:q} \
                --studies {output.studies:q} \
                --ledger {output.ledger:q}
            """

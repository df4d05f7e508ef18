"""One case put to one adapter, with the prompt, the evidence selection and the parsing of training and evaluation."""

from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from acrflow import schemas, tasks
from acrflow.config.base import TINY
from acrflow.config.language_model import LanguageModel
from acrflow.config.training import Grpo
from acrflow.evidence.access import URL, open_source
from acrflow.evidence.condense import condense
from acrflow.evidence.select import Study, select
from acrflow.evidence.sources import Source, collect_records
from acrflow.inference.backend import Decoding, open_language_model
from acrflow.io.errors import InputError
from acrflow.io.ledger import Ledger
from acrflow.io.shipped import own_or_shipped
from acrflow.models.tokenizer import count_tokens, load_tokenizer
from acrflow.schemas.evidence import Condensed
from acrflow.tasks import completion
from acrflow.tasks.prompts import load_prompt, messages
from acrflow.text.citations import citations
from acrflow.training import recipe

Studies = Mapping[int, str]  # PMID -> condensed abstract


def find_adapter(named: str, run: Path) -> Path:
    """The adapter's folder: the one named, or the run's adapter of that name.

    Raises:
        InputError: there is none.
    """
    for folder in (Path(named), run / "adapters" / named):
        if (folder / "adapter_config.json").is_file():
            return folder
    there = sorted(path.parent.name for path in run.glob("adapters/*/adapter_config.json"))
    remedy = f"the run has {', '.join(there)}" if there else f"name a folder, or a run with --run ({run} has none)"
    raise InputError("--adapter", f"no adapter {named}", remedy)


def find_studies(pmids: Sequence[int], run: Path, source: str | None, cache: Path, email: str | None) -> Studies:
    """The studies to show: those of the run, or fetched from a source.

    Args:
        source: entrez, or a folder of EFetch XML; None takes what the run has condensed.
        cache: entrez: folder of fetched records.
        email: entrez: the address that NCBI asks for.

    Raises:
        InputError: one of them has no usable abstract.
    """
    if source:
        given = Namespace(
            source=source, cache=cache, email=email, url=URL, refresh_days=None, any_time=False,
            timeout=60.0, attempts=8, backoff=1.0,
        )  # fmt: skip
        with open_source(given) as opened:
            studies = fetched(pmids, opened)
    else:
        studies = known(pmids, run / "evidence" / "condensed.parquet")
    if unread := [str(pmid) for pmid in pmids if pmid not in studies]:
        what = f"no usable abstract of {', '.join(unread)} (absent, retracted, or without an abstract)"
        raise InputError("--pmid", what, "leave them out, or get them with --source entrez --email you@example.org")
    return studies


def known(pmids: Sequence[int], condensed: Path) -> Studies:
    """The studies that a run has condensed already."""
    if not pmids:
        return {}
    table = schemas.read(Condensed, condensed).drop_nulls("text")
    texts = dict(table.select("pmid", "text").iter_rows())
    return {pmid: texts[pmid] for pmid in pmids if pmid in texts}


def fetched(pmids: Sequence[int], source: Source) -> Studies:
    """The studies fetched and condensed as in a run."""
    records = collect_records(source, pmids, Ledger("fetch_records", "PMIDs"))
    table = condense(records, "findings", Ledger("condense_abstracts", "studies")).drop_nulls("text")
    texts = dict(table.select("pmid", "text").iter_rows())
    return {pmid: texts[pmid] for pmid in pmids if pmid in texts}


def answer(
    adapter: Path,
    base: str | None,
    run: Path,
    prompts: Path,
    case: Mapping[str, str],
    studies: Studies,
    tokens: int,
    max_new_tokens: int | None,
    backend: str,
) -> dict[str, Any]:
    """Put a case to an adapter, decoding greedily.

    Args:
        adapter: its folder, with recipe.json.
        base: base model; None takes the adapter's, and for the demo's tiny one the run's.
        run: folder of the run.
        prompts: folder of the prompts; an adapter that brings its own prompt.yaml is asked with that.
        case: the fields of the adapter's task; of appropriateness condition, variant, procedure.
        studies: PMID -> condensed abstract, in the order in which they are numbered.
        tokens: token budget of the evidence.
        max_new_tokens: length limit; None takes that of the training, or 1,000.
        backend: transformers or vllm.

    Returns:
        label (None: the answer does not parse), probabilities by label or None, reasoning, evidence shown as {number,
        pmid, text}, notes on what the reader should know, and the completion.
    """
    made_by = recipe.read(adapter)
    described, task = made_by.base, tasks.load(made_by.task)
    own = adapter / "prompt.yaml"
    prompt = load_prompt(own if own.is_file() else own_or_shipped(str(prompts / f"{made_by.prompt}.yaml")), task)
    name = base or (str(run / "models" / "base") if described.model == TINY else described.model)
    loaded = described.model_dump() | {"model": name, "revision": None if base else described.revision}
    settings = LanguageModel(backend=backend, **loaded)
    tokenizer = load_tokenizer(name, settings.revision, settings.template)
    numbered = {number: Study(number, pmid, text, None) for number, (pmid, text) in enumerate(studies.items(), start=1)}
    chosen = select(list(numbered), numbered, tokens, lambda text: count_tokens(tokenizer, [text])[0])
    shown = chosen.kept if prompt.evidenced else []
    notes = [f"[{number}] PMID {numbered[number].pmid} had no room in {tokens} tokens" for number in chosen.left_out]
    if prompt.evidenced and not studies:
        notes = ["this adapter was trained with evidence and is shown none"]
    if studies and not prompt.evidenced:
        notes = ["this adapter is asked without evidence; the studies were not shown"]

    conversation = messages(prompt, {**case, "evidence": shown})
    opened = open_language_model(settings, {adapter.name: adapter})
    trained_with = made_by.training.completion_tokens if isinstance(made_by.training, Grpo) else 1000
    limit = max_new_tokens or trained_with
    generated = opened.generate([conversation], Decoding(limit), 0, adapter.name)[0]
    opening = completion.opening(generated.text)
    shares = opened.choose([conversation], [opening], completion.candidates(task), adapter.name)[0]
    parts = completion.parse(generated.text, task)
    unknown = sorted(set(citations(parts.reasoning or "")) - {study["number"] for study in shown})
    if unknown:
        notes.append(f"the reasoning cites {', '.join(map(str, unknown))}, which it was not shown")
    if generated.truncated:
        notes.append(f"the answer was cut at {limit} tokens")
    return {
        **case,
        "adapter": adapter.name,
        "base": name,
        "label": parts.label,
        "probabilities": dict(zip(task.labels, shares, strict=True)) if shares else None,
        "reasoning": parts.reasoning,
        "evidence": shown,
        "notes": notes,
        "completion": generated.text,
    }

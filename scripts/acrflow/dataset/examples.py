"""Examples: rows rendered as messages and gold completions, within the prompt budget."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from acrflow import schemas
from acrflow.io.errors import InputError
from acrflow.io.ledger import Ledger
from acrflow.models.tokenizer import check_end, count_tokens, prompt_tokens
from acrflow.schemas.dataset import Examples
from acrflow.tasks import completion
from acrflow.tasks.prompts import Prompt, messages, prompt_hash
from acrflow.text.citations import renumbered

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Messages = list[dict[str, str]]
Evidence = Sequence[Mapping[str, Any]]  # of one row: {number, pmid, text}


def render(
    rows: pl.DataFrame, prompt: Prompt, tokenizer: "PreTrainedTokenizerBase", max_tokens: int, ledger: Ledger
) -> pl.DataFrame:
    """Render the rows of a split with a prompt.

    Args:
        rows: `schemas.dataset.Rows`; may be empty.
        prompt: the prompt.
        tokenizer: the base model's, from `acrflow.models.tokenizer.load_tokenizer`.
        max_tokens: longest prompt, in tokens with the chat template; longer ones are left out.
        ledger: gets the rows left out, and as facts the longest prompt and gold completion in tokens.

    Returns:
        One row per example (`schemas.dataset.Examples`), in the order of `rows`.

    Raises:
        InputError: no prompt fits, or the tokenizer cannot end a sequence (`check_end`).
    """
    records: list[dict[str, Any]] = rows.to_dicts()
    rendered = [messages(prompt, record) for record in records]
    lengths = [len(ids) for ids in prompt_tokens(tokenizer, rendered)]
    examples = []
    for record, conversation, tokens in zip(records, rendered, lengths, strict=True):
        ledger.taken += 1
        if tokens > max_tokens:
            name = f"{record['id']} ({record['topic']}: variant {record['variant_number']}, {record['procedure']})"
            ledger.leave_out("prompt too long", f"{name}: {tokens} tokens, the budget is {max_tokens}")
            continue
        ledger.kept += 1
        examples.append(
            {
                **{name: record[name] for name in ("id", "appropriateness", "traces", "votes")},
                "messages": conversation,
                "completion": gold_completion(prompt, record["traces"], record["appropriateness"]),
                "references": [study["number"] for study in record["evidence"]] if prompt.evidenced else [],
                "prompt_tokens": tokens,
                "prompt_hash": prompt_hash(conversation),
            }
        )
    if records and not examples:
        what = f"none of {len(records)} prompts fits into {max_tokens} tokens, the shortest has {min(lengths)}"
        raise InputError(f"prompt {prompt.name}", what, "raise dataset.prompt_tokens or lower evidence.tokens")
    if examples:
        check_end(tokenizer, examples[0]["messages"], examples[0]["completion"])
    completions = count_tokens(tokenizer, [example["completion"] for example in examples])
    ledger.facts = {
        "longest_prompt_tokens": max((example["prompt_tokens"] for example in examples), default=0),
        "longest_completion_tokens": max(completions, default=0),
        "without_reasoning": sum(not example["traces"] for example in examples),
    }
    return pl.DataFrame(examples, schema=schemas.polars_schema(Examples))


def with_evidence(rows: pl.DataFrame, evidence: Mapping[str, Evidence]) -> pl.DataFrame:
    """The rows with other evidence; their gold reasoning cites what of its own studies is among it, by its new number.

    Args:
        rows: `schemas.dataset.Rows`, with ACR's evidence.
        evidence: id -> {number, pmid, text}; a row that is not here has none.
    """
    traces = []
    for row in rows.iter_rows(named=True):
        new = {study["pmid"]: study["number"] for study in evidence.get(row["id"], [])}
        numbers = {study["number"]: new[study["pmid"]] for study in row["evidence"] if study["pmid"] in new}
        traces.append([renumbered(trace, numbers) for trace in row["traces"]])
    return rows.with_columns(
        pl.Series("traces", traces, dtype=rows.schema["traces"]),
        pl.Series("evidence", [evidence.get(row_id, []) for row_id in rows["id"]], dtype=rows.schema["evidence"]),
    )


def gold_completion(prompt: Prompt, traces: list[str], label: str) -> str:
    """The completion that a prompt asks for: traces and label, or the label alone."""
    return completion.write(" ".join(traces) if prompt.reasoned else None, label)

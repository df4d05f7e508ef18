"""Rows per second from the table of rated rows to traces, splits, leak report and rendered examples.

The baseline does the same in one process, with one call of the tokenizer for each text and one comparison of inputs for
each row, as a program without batches does.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from harness import ROOT, compare, help_or_go

sys.path.insert(0, str(ROOT / "scripts"))
SEED, SHARE, LONGEST = 3407, 0.3, 4500


def main() -> None:
    """Build on the table of real rows where it is, else on invented rows."""
    from acrflow.dataset import build, examples, leaks, split, traces
    from acrflow.io.ledger import Ledger
    from acrflow.models.tokenizer import count_tokens
    from acrflow.tasks import prompts
    from acrflow.text.sentences import split_sentences

    guidelines, kind = find_rows()
    tokenizer = make_tokenizer(guidelines)
    prompt = prompts.load_prompt(ROOT / "config/prompts/reasoning.yaml")

    def parts(workers: int, nearest_in_blocks: bool) -> dict[str, Any]:
        split_sentences.cache_clear()
        extracted = traces.extract(guidelines, Ledger("extract_traces", "rows"), workers)
        labelled = build.label_rows(guidelines, "drop", Ledger("build_dataset", "rows"))
        rows = build.complete_rows(labelled, extracted, {}, 1000, len)
        splits = split.split(rows, "row", SHARE, SEED, [])._asdict()
        if nearest_in_blocks:
            leaks.report(splits["train"], {"test": splits["test"]}, 0.9)
        return splits

    def ours() -> None:
        for rows in parts(2, True).values():
            if len(rows):
                examples.render(rows, prompt, tokenizer, LONGEST, Ledger("render_examples", "rows"))

    def baseline() -> None:
        splits = parts(1, False)
        block, leaks.BLOCK = leaks.BLOCK, 1
        try:
            leaks.report(splits["train"], {"test": splits["test"]}, 0.9)
        finally:
            leaks.BLOCK = block
        for rows in splits.values():
            for record in rows.to_dicts():
                conversation = prompts.messages(prompt, record)
                text = tokenizer.apply_chat_template(conversation, tokenize=False, add_generation_prompt=True)
                count_tokens(tokenizer, [str(text)])

    compare(
        "dataset_build",
        ours,
        baseline,
        amount=len(guidelines),
        unit="rows/s",
        runs=3,
        baseline_is="one process, one tokenizer call a text, one comparison a row",
        rows=f"{len(guidelines)} {kind} rows, {guidelines['topic'].n_unique()} topics",
    )


def find_rows(whole: bool = False) -> tuple[Any, str]:
    """The rows, and what they are; `whole`: of all 261 topics, not the paper's 35."""
    import yaml

    from acrflow.config.documents import Table
    from acrflow.guideline.table import read_table
    from acrflow.guideline.topics import read_topics
    from acrflow.io.ledger import Ledger

    real = (
        Path(os.environ.get("ACRFLOW_SHARED_DATA", ROOT.parent / "shared" / "data")) / "acr_tables/acr_2025_all.csv.gz"
    )
    if real.is_file():
        settings = Table.model_validate(yaml.safe_load((ROOT / "config/acr_table.yaml").read_text())["table"])
        topics = [] if whole else read_topics(ROOT / "config/topics.tsv")  # the paper's 30 + 5
        return read_table(real, settings, topics, [], Ledger("read_table", "rows")), "real"
    sys.path.insert(0, str(ROOT / "tests/unit"))
    from invented_guidelines import guidelines_of

    return guidelines_of(topics=261 if whole else 40), "invented"


def make_tokenizer(guidelines: Any) -> Any:
    """A small byte-pair encoding of the rows' own words, saved and loaded as any base's."""
    from acrflow.config.base import TinyBase
    from acrflow.models.tokenizer import load_tokenizer
    from acrflow.synthetic import tiny_base
    from acrflow.tasks.prompts import load_prompt

    rows = [
        {**row, "traces": []} for row in guidelines.head(500).select("condition", "variant", "procedure").to_dicts()
    ]
    prompts = [load_prompt(ROOT / "config/prompts/reasoning.yaml")]
    tokenizer = tiny_base.tokenizer_for(tiny_base.Corpus(rows, []), prompts, TinyBase(steps=20), SEED)
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        return load_tokenizer(folder)


if __name__ == "__main__":
    help_or_go(__doc__)
    main()

"""What the benchmarks of rewards and training are run on: reasoning texts, and models with random weights."""

import os
import subprocess
import sys
from pathlib import Path

from harness import ROOT

sys.path.insert(0, str(ROOT / "scripts"))

TABLE = "acr_tables/acr_2025_all.csv.gz"
VOCABULARY = 4000


def reasonings(count: int, scratch: Path) -> tuple[list[list[str]], str]:
    """Traces of different rows, 3 to 12 each, and whether they are real or invented."""
    import polars as pl

    from acrflow.text.sentences import split_sentences

    real = Path(os.environ.get("ACRFLOW_SHARED_DATA", ROOT.parent / "shared" / "data")) / TABLE
    if real.exists():
        frame = pl.read_csv(real, infer_schema=False)
        texts, kind = frame["Recommendation"].drop_nulls().unique(maintain_order=True).to_list(), "real"
    else:
        texts, kind = invented(scratch), "invented"
    split = (list(split_sentences(text).sentences) for text in texts)
    long_enough = (traces for traces in split if 3 <= len(traces) <= 12)
    return [traces for traces, _ in zip(long_enough, range(count), strict=False)], kind


def invented(scratch: Path) -> list[str]:
    """The reasoning of the demo's guidelines."""
    from acrflow.guideline.qa import parse_topic

    program = [sys.executable, str(ROOT / "scripts/demo/invent_guidelines.py")]
    arguments = ["--topics", str(ROOT / "config" / "demo_topics.tsv"), "--seed", "7", "--out", str(scratch)]
    subprocess.run([*program, *arguments], check=True)
    texts = []
    for folder in sorted(path.parent for path in (scratch / "documents").glob("*/narrative.pdf")):
        documents = {kind: folder / f"{kind}.pdf" for kind in ("narrative", "appendix")}
        guideline = parse_topic(folder.name, documents)[0]
        texts += [row.reasoning for variant in guideline.variants for row in variant.rows if row.reasoning]
    return sorted(set(texts))


def random_model(texts: list[str], hidden: int, layers: int, folder: Path, dtype: str = "float32") -> int:
    """Save a Llama with random weights, in Llama 3's proportions, and a tokenizer made from the texts.

    Returns:
        Its parameters.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from acrflow.synthetic.tiny_base import make_tokenizer

    tokenizer = make_tokenizer([[{"role": "user", "content": text}] for text in texts], VOCABULARY)
    torch.manual_seed(1)
    heads = hidden // (128 if hidden > 1000 else 32)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=7 * hidden // 2,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads // 4 or 1,
        max_position_embeddings=8192,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=False,
    )
    model = LlamaForCausalLM(config).to(getattr(torch, dtype))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return sum(parameter.numel() for parameter in model.parameters())

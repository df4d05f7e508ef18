"""Pages per second of the guideline parser, against pdfplumber's text extraction of the same files."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import ROOT, compare, help_or_go

sys.path.insert(0, str(ROOT / "scripts"))
DOCUMENTS = {kind: f"{kind}.pdf" for kind in ("narrative", "appendix", "evidence_table")}
MEMORY = """
import resource, sys
sys.path.insert(0, {scripts!r})
from pathlib import Path
from acrflow.guideline.qa import parse_topic
parse_topic("topic", {{kind: Path({folder!r}, name) for kind, name in {names!r}.items()}})
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def main() -> None:
    """Compare on the real documents where they are, else on invented ones."""
    import pdfplumber
    import pypdfium2

    from acrflow.guideline.qa import parse_topic

    with tempfile.TemporaryDirectory() as scratch:
        documents, kind = find_documents(Path(scratch))
        topics = sorted(path.parent for path in documents.glob("*/narrative.pdf"))
        files = [topic / name for topic in topics for name in DOCUMENTS.values()]
        pages = sum(len(pypdfium2.PdfDocument(path)) for path in files)

        def ours() -> None:
            for topic in topics:
                parse_topic(topic.name, {kind: topic / name for kind, name in DOCUMENTS.items()})

        def baseline() -> None:
            for path in files:
                with pdfplumber.open(path) as document:
                    for page in document.pages:
                        page.extract_text()

        compare(
            "guideline_parse",
            ours,
            baseline,
            amount=pages,
            unit="pages/s",
            baseline_is=f"pdfplumber {pdfplumber.__version__} extract_text()",
            documents=f"{len(topics)} {kind} topics, {pages} pages",
            peak_memory_mb=max(memory(topic) for topic in topics),
        )


def find_documents(scratch: Path) -> tuple[Path, str]:
    """Folder of topics, and what they are."""
    real = Path(os.environ.get("ACRFLOW_SHARED_DATA", ROOT.parent / "shared" / "data")) / "acr"
    if real.is_dir():
        return real, "real"
    program = [sys.executable, str(ROOT / "scripts/demo/invent_guidelines.py")]
    arguments = ["--topics", str(ROOT / "config" / "demo_topics.tsv"), "--seed", "7", "--out", str(scratch)]
    subprocess.run([*program, *arguments], check=True)
    return scratch / "documents", "invented"


def memory(topic: Path) -> int:
    """Peak memory (MB) of a process that parses this topic alone."""
    program = MEMORY.format(scripts=str(ROOT / "scripts"), folder=str(topic), names=DOCUMENTS)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    unit = 1024 if sys.platform != "darwin" else 1024**2  # Linux counts in kB, macOS in bytes
    return round(int(done.stdout) / unit)


if __name__ == "__main__":
    help_or_go(__doc__)
    main()

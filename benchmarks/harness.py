"""What all benchmarks share: run ours and the baseline side by side, several rounds, and write the result as JSON.

Run as a program, it writes the table of docs/benchmarks.md from all results.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PROCESSOR = "processor seconds of one thread"
MARKS = ("<!-- benchmarks -->", "<!-- /benchmarks -->")  # the manual's table stands between them


def help_or_go(about: str | None) -> None:
    """Print what a benchmark measures if it is asked for --help, and end; it takes no other option."""
    argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()


def compare(
    name: str,
    ours: Callable[[], Any],
    baseline: Callable[[], Any],
    *,
    amount: float,
    unit: str,
    runs: int = 5,
    processor: bool = False,
    **facts: Any,
) -> dict[str, Any]:
    """Time two ways of doing one thing, in turns so that the machine's moods hit both, and write `results/{name}.json`.

    Args:
        amount: how much one call does; with the unit "pages/s", the number of pages.
        processor: count the seconds that this process had a processor, which other programs change little; the ratio
            of wall time is written beside. For work of one thread.
        facts: written beside the figures, for instance what it was run on.

    Returns:
        name, ours and baseline (mean amount per second), ratio (ours / baseline), unit, runs, spread (standard
        deviation of each), commit, device, and the facts.
    """
    seconds: dict[str, list[float]] = {"ours": [], "baseline": []}
    wall = {"ours": 0.0, "baseline": 0.0}
    clock = time.process_time if processor else time.perf_counter
    ours(), baseline()  # once without the clock: imports, file cache
    for _ in range(runs):
        for which, call in (("ours", ours), ("baseline", baseline)):
            begin, begin_wall = clock(), time.perf_counter()
            call()
            seconds[which].append(clock() - begin)
            wall[which] += time.perf_counter() - begin_wall
    if processor:
        facts |= {"clock": PROCESSOR, "ratio_of_wall_time": round(wall["baseline"] / wall["ours"], 2)}
    rates = {which: [amount / taken for taken in times] for which, times in seconds.items()}
    means = {which: statistics.mean(values) for which, values in rates.items()}
    return write(
        name,
        ours=means["ours"],
        baseline=means["baseline"],
        ratio=means["ours"] / means["baseline"],
        unit=unit,
        runs=runs,
        spread={which: round(statistics.stdev(values), 3) for which, values in rates.items()},
        **facts,
    )


def write(
    name: str, *, ours: float, baseline: float, ratio: float, unit: str, runs: int, spread: Any, **facts: Any
) -> dict[str, Any]:
    """Write one benchmark's result with commit and device, print it, and return it."""
    result = {
        "name": name,
        "ours": round(ours, 3),
        "baseline": round(baseline, 3),
        "ratio": round(ratio, 2),
        "unit": unit,
        "runs": runs,
        "spread": spread,
        "commit": _commit(),
        "device": device(),
        **facts,
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"{name}: ours {ours:.4g}, baseline {baseline:.4g} {unit}, ratio {ratio:.3g} (mean of {runs} runs)")
    return result


def device() -> str:
    """The GPU where there is one, else the processor."""
    if "torch" in sys.modules and sys.modules["torch"].cuda.is_available():
        return f"GPU: {sys.modules['torch'].cuda.get_device_name()}"
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []:
        if line.startswith("model name"):
            return f"CPU: {line.partition(':')[2].strip()}"
    return f"CPU: {platform.processor() or platform.machine()}"


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def table() -> str:
    """All results as a Markdown table."""
    head = ["benchmark", "ours", "baseline", "unit", "ratio", "runs", "commit", "device"]
    lines = [" | ".join(head), " | ".join("---" for _ in head)]
    for path in sorted(RESULTS.glob("*.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        numbers = [f"{result[key]:.4g}" for key in ("ours", "baseline")]
        ratio = f"{result['ratio']:.3g}"
        rest = [str(result[key]) for key in ("runs", "commit", "device")]
        lines.append(" | ".join([result["name"], *numbers, result["unit"], ratio, *rest]))
    return "\n".join(f"| {line} |" for line in lines)


def update_manual(path: Path = ROOT / "docs" / "benchmarks.md") -> None:
    """Put the table between the page's marks."""
    text = path.read_text(encoding="utf-8")
    before, _, rest = text.partition(MARKS[0])
    _, found, after = rest.partition(MARKS[1])
    if not found:
        raise SystemExit(f"{path}: no place for the table: put {MARKS[0]} and {MARKS[1]} on lines of their own")
    path.write_text(f"{before}{MARKS[0]}\n{table()}\n{MARKS[1]}{after}", encoding="utf-8")


if __name__ == "__main__":
    update_manual()

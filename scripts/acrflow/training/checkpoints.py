"""Checkpoints: where a training goes on after it was killed, and whether it may.

They lie outside every declared output, in a folder of the adapter's own: `recipe.json` beside `checkpoint-<step>/`.
A checkpoint counts only once its marker is written, after all else; a folder without it was being written when the
process died. What a finished training leaves stays until its adapter is known to stand: see `finish`.
"""

import shutil
from pathlib import Path

from acrflow.config.recipe import Recipe
from acrflow.io.code import ASIDE_IN_TRAINING, code_of
from acrflow.io.errors import InputError
from acrflow.io.files import read_json, write_json, write_text
from acrflow.training.adapter import WEIGHTS
from acrflow.training.recipe import FILE, difference, made_by

MARKER = "complete"
FINISHED = "finished"
STATE = "trainer_state.json"
SAMPLES = "samples"
KEPT = 2  # the last checkpoint, and the one before it in case writing the last fails


def prepare(folder: Path, recipe: Recipe, restart: bool) -> Path | None:
    """Make the folder ready for a training with this recipe; say where to go on.

    Args:
        restart: drop whatever the folder holds.

    Returns:
        The last complete checkpoint, None to begin at step 0.

    Raises:
        InputError: the folder holds checkpoints of another recipe; the message shows what differs.
    """
    if restart and folder.exists():
        shutil.rmtree(folder)
    values = recipe.model_dump(mode="json")
    recorded = folder / FILE
    differs = difference(read_json(recorded), values) if recorded.exists() else ["no recipe -> this one"]
    finished = folder / FINISHED
    if finished.exists() and (differs or finished.read_text(encoding="utf-8") != _code()):
        shutil.rmtree(folder)  # nothing is lost: its adapter has stood
        differs = ["finished -> anew"]
    if differs and last(folder) is not None:
        remedy = "undo the change to go on, or delete this folder (or pass --restart) to train anew"
        raise InputError(folder, "checkpoints of another recipe:\n    " + "\n    ".join(differs), remedy)
    if differs and folder.exists():
        shutil.rmtree(folder)
    for unfinished in folder.glob("checkpoint-*"):
        if not (unfinished / MARKER).exists():
            shutil.rmtree(unfinished)
    write_json(recorded, values)
    return last(folder)


def mark(folder: Path, step: int) -> None:
    """Mark the checkpoint of a step as complete."""
    write_text(folder / f"checkpoint-{step}" / MARKER, "")


def finish(folder: Path) -> None:
    """Keep of a finished training what its adapter is written from, in case the job is lost after all.

    A SIGTERM in the seconds between the end of the training and Snakemake's notice of it makes Snakemake remove the
    adapter and run the job again, which then only writes it out once more. `sweep` removes the rest.
    """
    done = last(folder)
    assert done is not None
    write_text(folder / FINISHED, _code())
    _keep(folder, {FILE, FINISHED, SAMPLES, done.name})
    _keep(done, {*WEIGHTS, STATE, MARKER})  # not the optimizer's state, twice as large as the weights


def _keep(folder: Path, names: set[str]) -> None:
    for path in folder.iterdir():
        if path.name not in names:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def sweep(results: Path) -> None:
    """Remove what finished trainings have left, where the adapter stands; for the end of a workflow.

    Args:
        results: folder of a run, with checkpoints/ and adapters/.
    """
    for finished in results.glob(f"checkpoints/*/{FINISHED}"):
        folder = finished.parent
        held = folder.with_name(f"{folder.name}.lock").exists()
        if not held and made_by(results / "adapters" / folder.name, read_json(folder / FILE)):
            shutil.rmtree(folder)


def _code() -> str:
    """The code that trains: with another, what a finished training left is not used."""
    return "\n".join(code_of("acrflow/training/train.py", aside=ASIDE_IN_TRAINING))


def last(folder: Path) -> Path | None:
    """The last complete checkpoint."""
    complete = [path for path in folder.glob("checkpoint-*") if (path / MARKER).exists()]
    return max(complete, key=step_of, default=None)


def cannot_write(folder: Path, what: str, error: Exception) -> InputError:
    """The error that says what could not be written, and where the training goes on once there is room."""
    stands = last(folder)
    after = f"after step {step_of(stands)}" if stands else "from step 0"
    free = shutil.disk_usage(folder).free / 2**20
    remedy = f"see to the disk ({free:.0f} MB are free) and start again; the training goes on {after}"
    return InputError(folder, f"{what} cannot be written: {error}", remedy)


def step_of(checkpoint: Path) -> int:
    """The step that a checkpoint was written after."""
    return int(checkpoint.name.removeprefix("checkpoint-"))

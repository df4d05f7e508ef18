"""What loading any model has in common: the device, and an error that says what to do."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from acrflow.io.errors import InputError

if TYPE_CHECKING:
    pass


def pick_device(device: str) -> str:
    """The device itself; for "auto", cuda where there is one."""
    import torch

    return ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device


def _load_or_explain(where: str, name: str, load: Any) -> Any:
    try:
        return load()
    except (OSError, ValueError) as error:
        kind = "folder" if Path(name).exists() else "hub model or folder"
        remedy = "check the name, the network, and whether the hub asks you to accept a licence (huggingface-cli login)"
        raise InputError(where, f"cannot load the {kind} {name}: {str(error).splitlines()[0]}", remedy) from error

"""``python -m bench zoo convert``: a pickled checkpoint as safetensors and JSON, which is all that models load."""

import json
import pickle
from pathlib import Path
from typing import Any

from bench.errors import ZooError
from bench.files import write_atomically

WEIGHTS, CONFIG = "model.safetensors", "config.json"


def convert(checkpoint: Path, folder: Path) -> None:
    """Write the weights of a checkpoint, and the configuration beside them, into a folder.

    Parameters
    ----------
    checkpoint : Path
        A file of ``torch.save``: tensors by name, or these under ``state_dict`` with a ``config``, which Lightning
        calls ``hyper_parameters``.
    folder : Path
        Made where it is missing.

    Raises
    ------
    ZooError
        If the file is missing, asks for anything but tensors and plain values, or holds no tensors by name.
    """
    import torch
    from safetensors.torch import save

    content = _read(checkpoint)
    state = content.get("state_dict", content)
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()) or not state:
        raise ZooError(f"{checkpoint} holds no tensors by name, and nothing else can be converted.")
    try:
        config = json.dumps(content.get("config", content.get("hyper_parameters", {})), indent=2, sort_keys=True)
    except TypeError as error:
        raise ZooError(f"The configuration in {checkpoint} is no plain JSON ({error}).") from error
    folder.mkdir(parents=True, exist_ok=True)
    # A copy of each: tensors that share memory are refused.
    write_atomically(folder / WEIGHTS, save({name: value.clone().contiguous() for name, value in state.items()}))
    write_atomically(folder / CONFIG, f"{config}\n".encode())


def _read(checkpoint: Path) -> dict[str, Any]:
    import torch

    if not checkpoint.is_file():
        raise ZooError(f"There is no file {checkpoint}.")
    try:
        content = torch.load(checkpoint, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        said = " ".join(str(error).split())[:200]
        raise ZooError(f"{checkpoint} cannot be read as weights, and nothing in it was run ({said}).") from error
    if not isinstance(content, dict):
        raise ZooError(f"{checkpoint} holds a {type(content).__name__}, and tensors by name were expected.")
    return content

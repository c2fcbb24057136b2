"""Loading of Chronos checkpoints: verified safetensors, by the class that the model names and no other."""

from pathlib import Path
from typing import Any

from bench.errors import MissingExtraError
from bench.models.zero_shot import device
from bench.zoo.torchvision_ops import declare_missing_operators
from bench.zoo.transformer import OLDEST_TRANSFORMERS, assert_loaded

NUMBER_FORMATS = ("float32", "bfloat16")


def known_number_format(dtype: str) -> str:
    """Return the name of a number format, or raise `ValueError`."""
    if dtype not in NUMBER_FORMATS:
        raise ValueError(f"dtype must be one of {', '.join(NUMBER_FORMATS)}, not {dtype!r}")
    return dtype


def open_checkpoint(kind: Any, folder: Path, dtype: str) -> Any:
    """Load a checkpoint, and check that the weights were really loaded.

    Parameters
    ----------
    kind : type
        The package's class of model; what the checkpoint calls itself is not asked.
    folder : Path
        With ``config.json`` and ``model.safetensors``.
    dtype : str

    Raises
    ------
    MissingExtraError
        If transformers is older than the oldest safe release.
    ZooError
        If any parameter of the model does not come from the file.
    """
    import torch
    import transformers
    from safetensors.torch import load_file

    if tuple(map(int, transformers.__version__.split(".")[:2])) < OLDEST_TRANSFORMERS:
        raise MissingExtraError(
            f"transformers {transformers.__version__} can run code from a model's config file. Install a newer one: "
            'pip install "transformers>=5.5"'
        )
    transformers.utils.logging.disable_progress_bar()
    model = kind.from_pretrained(
        folder, dtype=getattr(torch, dtype), local_files_only=True, trust_remote_code=False, use_safetensors=True
    ).eval()
    assert_loaded(model, load_file(folder / "model.safetensors"), folder)
    return model.to(device())


def before_import() -> None:
    """Cure what keeps the package from being imported beside a CPU-only torch."""
    declare_missing_operators()

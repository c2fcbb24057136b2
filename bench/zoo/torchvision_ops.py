"""A cure for torchvision wheels that do not match the installed torch.

PyPI's torchvision is built for CUDA. Beside a CPU-only torch its compiled operators do not load, and importing it
fails with ``operator torchvision::nms does not exist``; timm and transformers import it and fail too. Declaring the
missing schemas lets the import pass: none of these operators is used for classification.
"""

import importlib.util
from functools import cache
from typing import Any

_SCHEMAS = {
    "nms": "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}
_libraries: list[object] = []


@cache
def declare_missing_operators() -> bool:
    """Declare torchvision's operators where its own library cannot; call before importing timm or transformers.

    Returns
    -------
    bool
        Whether anything had to be declared: False on a machine whose torch and torchvision match.
    """
    if importlib.util.find_spec("torchvision") is None:
        return False
    import torch

    try:
        import torchvision  # noqa: F401
    except (RuntimeError, OSError) as error:
        if "torchvision::" not in str(error) and "undefined symbol" not in str(error):
            raise
    else:
        return False
    _forget_half_imported("torchvision")
    library: Any = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for name, schema in _SCHEMAS.items():
        if not hasattr(torch.ops.torchvision, name):
            library.define(schema)
    # The schemas live as long as the library object does.
    _libraries.append(library)
    return True


def _forget_half_imported(package: str) -> None:
    import sys

    for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
        del sys.modules[name]

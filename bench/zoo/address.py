"""The grammar of zoo addresses: a scheme, a place, and a pin.

An address names exact bytes. What only names a place that may serve other bytes tomorrow is refused.
"""

import re
from dataclasses import dataclass
from typing import Literal

from bench.errors import ZooError

_PACKAGE = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[A-Za-z0-9.+!]+)/(?P<member>.+)")


@dataclass(frozen=True, kw_only=True)
class Address:
    """A parsed address."""

    text: str
    scheme: Literal["pkg", "dir"]
    package: str = ""
    """Distribution name (pkg)."""
    version: str = ""
    """Exact version (pkg)."""
    path: str = ""
    """Member file or folder inside the wheel (pkg), or a local folder or file (dir)."""

    @property
    def wheel(self) -> str:
        """The pinned distribution, as pip spells it."""
        return f"{self.package}=={self.version}"


def parse(text: str) -> Address:
    """Parse an address.

    Raises
    ------
    ZooError
        If the scheme is unknown, the version is not exact, or the path leads out of its package.

    Examples
    --------
    >>> parse("pkg:wordllama==0.4.0.post1/wordllama/weights/l2.safetensors").wheel
    'wordllama==0.4.0.post1'
    >>> parse("dir:/models/mine").path
    '/models/mine'
    """
    scheme, colon, rest = text.partition(":")
    if scheme == "dir" and colon and rest:
        return Address(text=text, scheme="dir", path=rest)
    if scheme == "pkg" and (match := _PACKAGE.fullmatch(rest)):
        member = match["member"].rstrip("/")
        if member.startswith("/") or ".." in member.split("/"):
            raise ZooError(f"{text!r} leads out of its package.")
        return Address(text=text, scheme="pkg", package=match["name"], version=match["version"], path=member)
    if scheme == "pkg":
        raise ZooError(f"{text!r} is not pinned. Expected pkg:NAME==EXACT.VERSION/path/in/wheel.")
    raise ZooError(f"{text!r} is no zoo address. Expected pkg:NAME==VERSION/path/in/wheel or dir:/path/to/folder.")

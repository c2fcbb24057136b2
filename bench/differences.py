"""What differs between two runs whose tables have one place: knows provenances, and nothing of what made them."""

from collections.abc import Iterator, Mapping
from typing import Any

OF_PANELS = ("freq", "series", "horizon", "season", "levels", "known", "past", "static")
VERSIONS = {"code": "the model's code", "libraries": "versions of libraries", "zoo": "weights", "sources": "sources"}
"""What each of these inputs is called."""
LONGEST = 40
"""Characters of a value that is shown."""


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return what a reader would have to know to tell two tables apart, each as a few words.

    Parameters
    ----------
    before, after : mapping
        See `bench.provenance.provenance_of`.

    Examples
    --------
    >>> before = {"inputs": {"root_seed": 0, "code": "a"}, "about": {"panel": {"horizon": 18, "season": 12}}}
    >>> after = {"inputs": {"root_seed": 1, "code": "a"}, "about": {"panel": {"horizon": 6, "season": 12}}}
    >>> differences(before, after)
    ['horizon 18, now 6', 'seed 0, now 1']
    """
    was, now = before.get("inputs", {}), after["inputs"]
    had, has = (made.get("about", {}).get("panel", {}) for made in (before, after))
    found = list(_changed(had, has, OF_PANELS))
    if was.get("folds") != now.get("folds"):
        found.append(f"{'windows' if has else 'folds'} {was.get('folds')}, now {now.get('folds')}")
    if not found and was.get("data_fingerprint") != now.get("data_fingerprint"):
        found.append("other data, or read in another way")
    if not found and was.get("splits") != now.get("splits"):
        found.append("other splits")
    if was.get("root_seed") != now.get("root_seed"):
        found.append(f"seed {was.get('root_seed')}, now {now.get('root_seed')}")
    found += _changed(was.get("params", {}), now.get("params", {}), tuple(now.get("params", {})))
    found += [words for name, words in VERSIONS.items() if was.get(name) != now.get(name)]
    return found or ["another version"]


def _changed(before: Mapping[str, Any], after: Mapping[str, Any], names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        one, two = _as_read(before.get(name)), _as_read(after.get(name))
        if one == two or not before or not after:
            continue
        short = max(len(str(one)), len(str(two))) <= LONGEST
        yield f"{name} {one}, now {two}" if short else name


def _as_read(value: Any) -> Any:
    """Return a value as JSON gives it back."""
    return list(value) if isinstance(value, tuple) else value

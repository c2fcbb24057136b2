"""What other protocols say of the same models and data: the folders beside this one, and what hangs on the choice.

Scores of two protocols answer different questions; what is compared are the orders that they put models in.
"""

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.metrics import metric
from bench.report.content import Content
from bench.report.forecasts import Part
from bench.report.ranking_protocol import NAMES
from bench.report.read import read_tested
from bench.results import read_provenance
from bench.stats.protocols import Flip, Tested, agreements, flips

TITLE = "Under other protocols"
FREE = ("split", "share", "last", "windows", "validation", "targets", "ties", "sampled")
"""Choices that say which interactions are held out, and the diagnostic; all others must be the same."""
MOST_FLIPS = 6
"""Turns that are told one by one."""
RANDOM, IN_TIME = "random", "global_time"


def with_protocols(content: Content, folder: Path, results_dir: Path) -> Content:
    """Return a report with what the other protocols of its data say; as it was where there is none.

    Parameters
    ----------
    content : Content
    folder : Path
        Of its tables.
    results_dir : Path
    """
    others = [one for path in siblings(content, folder, results_dir) if (one := _tested(path, results_dir, content))]
    if not others:
        return content
    own = Tested(
        protocol=content.task.protocol,
        scores={row.scores.name: row.scores for row in content.rows if row.scores.cells.size},
        test_train_ratio=content.test_train_ratio,
        pick=content.decision.pick,
    )
    return replace(content, tested=(own, *others))


def siblings(content: Content, folder: Path, results_dir: Path) -> list[Path]:
    """Return the folders of the same data, size and version that were tested by another protocol.

    Parameters
    ----------
    content : Content
    folder, results_dir : Path
    """
    if content.task.prediction != "ranking":
        return []
    own = _asked(content.facts)
    found = sorted(results_dir.glob(f"{content.task.type}*/{folder.parent.name}/{folder.name}"))
    return [path for path in found if path != folder and own and _asked(_facts(path, content.task.reference)) == own]


def _facts(folder: Path, reference: str) -> Mapping[str, Any]:
    return read_provenance(folder / f"{reference}.json")


def _asked(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what two reports must share so that their orders can be compared; empty where a file does not say it."""
    with contextlib.suppress(KeyError, TypeError):
        about, inputs = facts["about"], facts["inputs"]
        asked = {name: one for name, one in about["ranking"]["protocol"].items() if name not in FREE}
        sizes = {name: about["ranking"][name] for name in ("users", "items")}
        same = {name: inputs[name] for name in ("task_version", "root_seed")}
        first = inputs["metrics"][0]
        return {**asked, **sizes, **same, "rows": about["rows"], "data": about["data"], "metric": first}
    return {}


def _tested(folder: Path, results_dir: Path, content: Content) -> Tested | None:
    # A damaged folder elsewhere is for ``validate`` to report, and no reason to lose this report.
    with contextlib.suppress(BenchError):
        return read_tested(folder, results_dir, content.machine)
    return None


def sentences(content: Content) -> list[str]:
    """Return what is recommended under each protocol, and which orders of models turn round; nothing for one."""
    tested = content.tested
    if not tested:
        return []
    return [_recommended(tested), *_turned(flips(tested), content)]


def _recommended(tested: Sequence[Tested]) -> str:
    picks = {one.pick or "nothing" for one in tested}
    if len(picks) == 1:
        return f"Recommended under each of {len(tested)} protocols: {picks.pop()}."
    each = "; ".join(f"{one.pick or 'nothing'} under {_name(one.protocol)}" for one in tested)
    return f"What is recommended hangs on the protocol: {each}."


def _turned(found: Sequence[Flip], content: Content) -> Iterator[str]:
    if not found:
        yield "No two models surely turn round: who is better under one protocol is not surely worse under another."
    for one in found[:MOST_FLIPS]:
        here, there = (content.unit.amount(lead) for lead in (one.lead_here, one.lead_there))
        yield (
            f"Under {_name(one.here)} {one.better} beats {one.worse} by {here}, under {_name(one.there)} {one.worse} "
            f"beats {one.better} by {there}."
        )
    if len(found) > MOST_FLIPS:
        yield f"{len(found) - MOST_FLIPS} more pairs surely turn round, by less."


def parts(content: Content) -> list[Part]:
    """Return the tables of the section; none where there is one protocol alone."""
    if not content.tested:
        return []
    return [_means(content), *_agreement(content)]


def _means(content: Content) -> Part:
    tested, unit = content.tested, content.unit
    shared = set.intersection(*({*one.scores} for one in tested))
    known = {name for one in tested for name in one.scores}
    first = {row.scores.name: place for place, row in enumerate(content.rows)}
    names = sorted(known, key=lambda name: (first.get(name, len(first)), name))
    ranks = [_ranks(one, shared) for one in tested]
    falls = {one.protocol for one in tested} >= {RANDOM, IN_TIME}
    rows = []
    for name in names:
        cells = [
            f"{unit.score(one.scores[name].mean)}{f' ({rank[name]})' if name in rank else ''}"
            if name in one.scores
            else "?"
            for one, rank in zip(tested, ranks, strict=True)
        ]
        rows.append((name, *cells, *([_fall(tested, name)] if falls else [])))
    rows.append(("recommended", *(one.pick or "nothing" for one in tested), *([""] if falls else [])))
    about = (
        f"Mean {metric(content.task.metrics[0]).label}, with the rank among the {len(shared)} models that all "
        "protocols have. A column answers a question of its own, and its figures are not to be compared with those of "
        "another."
    )
    if falls:
        about += " In time over random: what is left of a score where nothing of the future is known."
    return Part(
        title=f"{TITLE}: means and ranks",
        about=about,
        headers=("model", *(one.protocol for one in tested), *(["in time over random"] if falls else [])),
        rows=tuple(rows),
    )


def _ranks(tested: Tested, shared: set[str]) -> dict[str, int]:
    means = {name: tested.scores[name].mean for name in shared if math.isfinite(tested.scores[name].mean)}
    return {name: 1 + sum(other > mean for other in means.values()) for name, mean in means.items()}


def _fall(tested: Sequence[Tested], name: str) -> str:
    scores = {one.protocol: one.scores[name].mean for one in tested if name in one.scores}
    if not {RANDOM, IN_TIME} <= set(scores) or not scores[RANDOM] > 0:
        return "?"
    return f"{scores[IN_TIME] / scores[RANDOM]:.2f}"


def _agreement(content: Content) -> Iterator[Part]:
    found = [one for one in agreements(content.tested) if not math.isnan(one.tau)]
    if found:
        yield Part(
            title=f"{TITLE}: how much they agree",
            about="Kendall's tau-b between the mean scores of the models that both have: 1 where both put them in one "
            "order, 0 where one order says nothing of the other, -1 where it is turned round.",
            headers=("protocol", "other protocol", "models", "tau"),
            rows=tuple((one.one, one.other, str(one.models), f"{one.tau:.2f}") for one in found),
        )


def _name(protocol: str) -> str:
    return NAMES.get(protocol, protocol)

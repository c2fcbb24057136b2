"""Which cell comes next: what decides comes first.

After the reference one fold of everything is run, then the other folds, the best candidates first, then other seeds
and repeats in the same way, so that a run that is cut short has spent its time where the decision is. Knows names and
scores; nothing of how a cell is run.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from statistics import fmean, median

import numpy as np
from numpy.typing import NDArray

from bench import plan
from bench.stats.racing import LEAST_FOLDS, Hopeless, hopeless_models
from bench.stats.unit import POINTS, Unit
from bench.types import Cell, Record

LOST = "Stopped early"
"""How the reason of a cell begins whose model lost the race."""
TIMED = 50
"""Cells of a model whose seconds are remembered."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How cells are ordered, and which are left out."""

    metric: str
    sign: float
    """+1 where a larger score is better, -1 where a smaller one is."""
    deterministic: frozenset[str] = frozenset()
    """Models that call themselves deterministic; see `bench.plan.first_wave`."""
    spared: frozenset[str] = frozenset()
    """Models that come first and that no race stops: reference and floors."""
    after: frozenset[str] = frozenset()
    """Models that read another one's search, and so come after it in their round."""
    exposed: frozenset[str] = frozenset()
    """Models that were pretrained on the data: nobody is stopped for being behind a memory."""
    margin: float = 0.0
    race: bool = False
    unit: Unit = POINTS
    """How differences are told."""


@dataclass
class _Lane:
    """The cells of one model."""

    place: int
    """In the plan."""
    waiting: deque[Cell] = field(default_factory=deque)
    held: list[Cell] = field(default_factory=list)
    """Seeds of a deterministic model that need no fit if two seeds agree."""
    running: dict[plan.CellId, tuple[Cell, float]] = field(default_factory=dict)
    """Cells with the time at which they were handed out."""
    known: list[Record] = field(default_factory=list)
    first_scores: list[float] = field(default_factory=list)
    """Of the first fold."""
    timed: list[float] = field(default_factory=list)
    seconds: float = math.nan
    """What a cell takes until its record is in; a fit's own seconds hold a share of what was encoded beforehand."""


class Agenda:
    """The cells that are left, and the order in which they come."""

    def __init__(self, cells: Sequence[Cell], rules: Rules, clock: Callable[[], float] = time.monotonic) -> None:
        self.rules = rules
        self._clock = clock
        names = list(dict.fromkeys(cell.model for cell in cells))
        self._lanes = {name: _Lane(place) for place, name in enumerate(names)}
        self._folds = {fold: at for at, fold in enumerate(sorted({(cell.repeat, cell.fold) for cell in cells}))}
        self._open_folds = LEAST_FOLDS if rules.race else len(self._folds)
        fitted, repeats = plan.first_wave(cells, rules.deterministic)
        for cell in sorted(fitted, key=self._place):
            self._lanes[cell.model].waiting.append(cell)
        for cell in repeats:
            self._lanes[cell.model].held.append(cell)
        self._rank()

    def next(self, seconds: float = math.inf) -> Cell | None:
        """Return the cell to start now; None where that depends on cells that are running, or nothing fits.

        Parameters
        ----------
        seconds : float
            Time that is left: cells that are known to take longer do not come.
        """
        searched = self._running_before_others()
        ready = [
            (self._round(lane.waiting[0]), name in self.rules.after, rank, name)
            for rank, name in enumerate(self._ranked)
            if (lane := self._lanes[name]).waiting
            and self._fold(lane.waiting[0]) < self._open_folds
            and not lane.seconds > seconds
            and not (name in self.rules.after and plan.cell_id(lane.waiting[0])[1:] in searched)
        ]
        if not ready:
            return None
        lane = self._lanes[min(ready)[3]]
        cell = lane.waiting.popleft()
        lane.running[plan.cell_id(cell)] = cell, self._clock()
        return cell

    def take(self, records: Iterable[Record]) -> list[Record]:
        """Enter records; return those that follow from them without a fit: filled in, or stopped by the race."""
        touched = []
        for record in records:
            if record.model in self._lanes:
                self._enter(self._lanes[record.model], record)
                touched.append(record.model)
        follow = [record for name in dict.fromkeys(touched) for record in self._filled(self._lanes[name])]
        return [*follow, *self._stopped_by_race()]

    def drop(self, done: Iterable[plan.CellId]) -> None:
        """Take cells off the agenda that need not be run."""
        gone = set(done)
        for lane in self._lanes.values():
            lane.waiting = deque(cell for cell in lane.waiting if plan.cell_id(cell) not in gone)
            lane.held = [cell for cell in lane.held if plan.cell_id(cell) not in gone]

    @property
    def left(self) -> list[Cell]:
        """Cells that were not started."""
        return [cell for lane in self._lanes.values() for cell in (*lane.waiting, *lane.held)]

    @property
    def running(self) -> bool:
        """Whether a cell is running."""
        return any(lane.running for lane in self._lanes.values())

    @property
    def unfinished(self) -> bool:
        """Whether a cell is running or left."""
        return any(lane.waiting or lane.held or lane.running for lane in self._lanes.values())

    def seconds_left(self) -> float:
        """Return the seconds that running and waiting cells take one after the other; NaN before anything is known."""
        known = [lane.seconds for lane in self._lanes.values() if not math.isnan(lane.seconds)]
        if not known:
            return math.nan
        # Of a model that has not run yet, what the middle one takes.
        usual = median(known)
        counts = ((len(lane.waiting) + len(lane.running), lane.seconds) for lane in self._lanes.values())
        return math.fsum(count * (usual if math.isnan(seconds) else seconds) for count, seconds in counts)

    def _running_before_others(self) -> set[tuple[int, int, int]]:
        """Return repeat, fold and seed of cells that are running and may be searching what others are to read."""
        lanes = (lane for name, lane in self._lanes.items() if name not in self.rules.after)
        return {plan.cell_id(cell)[1:] for lane in lanes for cell, _ in lane.running.values()}

    def _place(self, cell: Cell) -> tuple[tuple[int, ...], int, int]:
        return self._round(cell), self._fold(cell), cell.seed

    def _round(self, cell: Cell) -> tuple[int, ...]:
        """Return the round that a cell belongs to: all models finish one before the next begins."""
        if self._is_first_look(cell):
            return (0,)
        # A race is judged fold by fold; without one, all folds come before a second seed or repeat.
        return (1, self._fold(cell)) if self.rules.race else (1, cell.repeat, cell.seed)

    def _fold(self, row: Cell | Record) -> int:
        return self._folds[row.repeat, row.fold]

    def _is_first_look(self, cell: Cell) -> bool:
        # With the second seed of a model that calls itself deterministic: whether the others need a fit hangs on it.
        seeds = 2 if cell.model in self.rules.deterministic else 1
        return self._fold(cell) == 0 and cell.seed < seeds

    def _enter(self, lane: _Lane, record: Record) -> None:
        lane.known.append(record)
        _, begun = lane.running.pop(plan.cell_id(record), (None, math.nan))
        if len(lane.timed) < TIMED and not math.isnan(begun):
            lane.timed.append(self._clock() - begun)
            lane.seconds = median(lane.timed)
        if record.status == "ok" and self._fold(record) == 0:
            lane.first_scores.append(self.rules.sign * record.scores[self.rules.metric])
            self._rank()

    def _rank(self) -> None:
        """Put what is spared first, then the best first look."""

        def key(name: str) -> tuple[bool, float, int]:
            lane = self._lanes[name]
            score = fmean(lane.first_scores) if lane.first_scores else -math.inf
            return name not in self.rules.spared, -score, lane.place

        self._ranked = sorted(self._lanes, key=key)

    def _filled(self, lane: _Lane) -> list[Record]:
        """Fill in what is held once all else of the model is in; what cannot be filled in has to be run."""
        if lane.waiting or lane.running or not lane.held:
            return []
        held = {plan.cell_id(cell): cell for cell in lane.held}
        filled, refits, _ = plan.fill(list(held), lane.known)
        lane.held = []
        lane.waiting.extend(sorted((held[one] for one in refits), key=self._place))
        lane.known += filled
        return filled

    def _stopped_by_race(self) -> list[Record]:
        """Judge after each round of folds that all models have finished, so that no verdict hangs on timing."""
        stopped: list[Record] = []
        looks = max(1, len(self._folds) - LEAST_FOLDS)
        while self._open_folds < len(self._folds) and self._rounds_are_in():
            for name, why in hopeless_models(self._by_fold(), self.rules.margin, looks).items():
                if name not in self.rules.spared and self._lanes[name].waiting:
                    stopped += self._stop(self._lanes[name], why)
            self._open_folds += 1
        return stopped

    def _rounds_are_in(self) -> bool:
        lanes = self._lanes.values()
        running = [cell for lane in lanes for cell, _ in lane.running.values()]
        heads = [lane.waiting[0] for lane in lanes if lane.waiting]
        return all(self._fold(cell) >= self._open_folds for cell in (*running, *heads))

    def _by_fold(self) -> dict[str, NDArray[np.floating]]:
        """Return the mean over seeds of the finished rounds, of models that have one and are in the race."""
        found = {}
        for name, lane in self._lanes.items():
            if name in self.rules.exposed:
                continue
            scores: list[list[float]] = [[] for _ in range(self._open_folds)]
            for record in lane.known:
                if record.status == "ok" and self._fold(record) < self._open_folds:
                    scores[self._fold(record)].append(self.rules.sign * record.scores[self.rules.metric])
            found[name] = np.array([fmean(one) if one else math.nan for one in scores])
        return found

    def _stop(self, lane: _Lane, why: Hopeless) -> list[Record]:
        behind = self.rules.unit.amount(why.behind, 1)
        reason = (
            f"{LOST} after {why.folds} folds: {behind} behind {why.leader}, and by more "
            f"than the margin with p = {why.p:.3f} (budget.race=false runs it to the end)."
        )
        cells = [*lane.waiting, *lane.held]
        lane.waiting, lane.held = deque(), []
        stopped = [Record.unscored(cell, "skipped", reason) for cell in cells]
        lane.known += stopped
        return stopped

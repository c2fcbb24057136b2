"""What a user chooses for a run: data, budget, executor, limits, and the validated whole.

The schemas of ``bench.config`` are made from these; nothing here is measured.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from bench.types import ModelChoice


@dataclass(frozen=True, kw_only=True)
class DataSpec:
    """Where a data set lies and how to read it: one file of ``conf/data``, or ``data.path=...``."""

    name: str = ""
    """Name in tables and folders; the file's stem when empty."""
    path: str = ""
    """A file, or an address: ``pkg:name==1.2/member``, ``sklearn:wine``, ``openml:31``, ``hf:org/name@rev/file``."""
    test_path: str = ""
    """The published test part, where the data set brings one; read like ``path``."""
    sha256: str = ""
    """Expected hash of the file or wheel, for an address that ``zoo.lock`` does not hold."""
    format: str = ""
    """csv, tsv, parquet, jsonl, orange, frame, fcomp, recbole or movielens; from the file's name when empty."""
    encoding: str = "utf-8"
    separator: str = ""
    """Of a CSV; a comma when empty, a tab for TSV."""
    decimal: str = ""
    """Decimal sign of numbers in a CSV; when empty a comma where the separator is a semicolon, else a point."""
    where: dict[str, str] = field(default_factory=dict)
    """Rows to keep, where a file holds several data sets: values by column."""
    target: str = ""
    text: str = ""
    """Text column; inferred when only one column holds text."""
    groups: str = ""
    """Column whose equal values must never be split over train and test."""
    time: str = ""
    """Column to order rows by; training rows then always lie before test rows."""
    kinds: dict[str, str] = field(default_factory=dict)
    """Column kinds that override the inferred ones: number, category, text, date, boolean."""
    id: str = ""
    """Of a panel of time series: column that names the series; none where the file holds one series, or a column a
    series."""
    known: tuple[str, ...] = ()
    """Columns that are known for the steps to forecast: calendars, prices, plans."""
    static: tuple[str, ...] = ()
    """Columns with one value a series; found by itself where none is named."""
    freq: str = ""
    """Of a panel: one step by pandas' alias (D, W, MS, h, 15min). Every time stamp then stands for the step that it
    lies in, and ``duplicates`` says what becomes of several. Inferred when empty."""
    horizon: int = 0
    """Steps to forecast; 0 takes what is usual for the frequency."""
    season: int = 0
    """Steps of a season, 1 for none; 0 takes what is usual for the frequency."""
    windows: int = 0
    """Origins to forecast from, ``step`` steps apart, the last one ``horizon`` before the end; 0 takes half of
    the budget's folds over all repeats, two at least, and up to ten where series are few. Of interactions: cuts in
    time of protocol=global_time; 0 takes three, or as many as the budget has folds."""
    step: int = 0
    """Between two origins; 0 takes the horizon."""
    refit_every: int = 1
    """Origins after which models are fitted anew; between they go on from later history. 0: the first alone."""
    context: int = 0
    """Steps of history that a model is given at most (a sliding window); 0 gives all (an expanding one). Cut at every
    origin; where ``refit_every`` leaves out a fit, models go on from these steps, and from all since their fit where
    that is longer ago. Models of single series keep the steps of the fit before them."""
    levels: tuple[float, ...] = ()
    """Quantile levels to forecast; 0.1 to 0.9 where none is named."""
    fill: str = ""
    """What stands for missing steps and targets, from the past alone: forward, zero or seasonal; else an error."""
    duplicates: str = ""
    """What becomes of several rows of one series and time: sum, mean, first or last; else an error. Of one user and
    item: first or last, and last when empty."""
    user: str = ""
    """Of interactions: column that names the user; found by its name when empty, and so are the next two."""
    item: str = ""
    rating: str = ""
    items_path: str = ""
    """Table of the items: titles, genres, descriptions; read like ``path``. What usual layouts have beside the
    interactions is found when empty."""
    item_id: str = ""
    """Column of that table that names the item."""
    item_text: tuple[str, ...] = ()
    """Its columns that say in words what an item is; title, genres and descriptions where none is named."""
    users_path: str = ""
    """Table of the users."""
    user_id: str = ""
    """Column of that table that names the user."""
    k: int = 10
    """Items of a list; this and what follows is the protocol of `bench.ranking.asked.Ranking`."""
    at_least: float | None = None
    """Least rating of a positive interaction; others are dropped. Without it every interaction is positive."""
    weights: str = "one"
    """What a positive interaction weighs: one, or rating."""
    core: int = 0
    """Interactions that users and items must have in the training part at least (k-core); 0 for none."""
    share: float = 0.2
    """Of the interactions, or of a user's, that the test part takes."""
    validation: float = 0.0
    """Share that is kept out of fits, and is no target either."""
    last: int = 1
    """Interactions of each user that protocol=leave_last takes."""
    ties: str = "row"
    """Order of interactions of one user and time: that of the file (row), of item labels (item), or shuffled."""
    targets: str = "all"
    """Which of a user's held-out interactions are to be found: all, first, last or random."""
    candidates: str = "known"
    """Items that may be recommended: known from the training part, or the whole catalogue."""
    seen: str = "hide"
    """Hide what a user had before from the list, or show it."""
    cold_items: str = "miss"
    """Held-out items that the training part lacks: miss, or drop."""
    ideal: str = "min"
    """What NDCG is normalised by: min of k and the relevant items, k hits, or all relevant items."""
    sampled: int = 0
    """Uniform negatives of a diagnostic list beside the full ranking; 0 leaves it out."""
    merge_rare: str = ""
    """Name of a class that takes in every class with fewer members than folds; off when empty."""
    licence: str = "unknown"
    citation: str = ""

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Return a spec from what YAML or JSON holds: lists become tuples."""
        plain: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
        }
        return cls(**plain)


TWICE_UP_TO = 20_000
"""Rows up to which folds are repeated where the budget leaves it open."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How much may be spent; part of a result's identity by its name."""

    name: str = "quick"
    rows: int = 0
    """Rows kept by a stratified subsample, of a panel a series for every ten; 0 keeps all."""
    repeats: int = 1
    """0 leaves it to the number of rows: see `repeats_of`."""
    folds: int = 5
    seeds: int = 3
    cell_seconds: float = 120.0
    """Limit of one fit and predict; a hard limit under ``executor=processes``."""
    run_seconds: float = 300.0
    """Limit of the whole run; what was not reached is a skipped row."""
    threads: int = 0
    """Threads of one cell; 0 divides the machine's cores among the workers."""
    probe_rows: int = 300
    """Test rows of the first fold, or series, on which cost and robustness are measured; 0 leaves both out."""
    memory_mb: int = 0
    """Limit of a worker's memory, with the processes that it starts, under ``executor=processes`` and ``ray``;
    0 divides four fifths of the machine's memory among the workers."""
    trials: int = 20
    """Of a search under ``tune=true``, the defaults among them."""
    race: bool = False
    """Stop a model early that is surely behind the best one by more than the margin; see `bench.stats.racing`."""
    neighbours: float = 0.0
    """Share of the run's time for neighbours of the leaders: tuned variants, a bag, their ensemble; 0 tries none."""
    moonshots: float = 0.0
    """Share of the run's time for pipelines drawn from a wide space; 0 draws none."""

    def repeats_of(self, rows: int) -> int:
        """Return how often folds are made of so many rows, or series: of many once, for their test parts are large.

        TabArena does so too: ten repeats up to 2,500 rows, three of more (arXiv:2506.16791).
        """
        return self.repeats or (2 if rows <= TWICE_UP_TO else 1)


@dataclass(frozen=True, kw_only=True)
class ExecutorSpec:
    """How cells are run."""

    name: str = "serial"
    workers: int = 1
    """Cells that run at a time; 0 takes one a core, or as many as a Ray cluster has room for."""
    address: str = ""
    """Of a Ray cluster that is there already: ``auto``, ``host:port`` or ``ray://host:port``; empty starts one here."""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """A published figure and how far from it a reproduction may lie."""

    model: str
    score: float
    tolerance: float
    """Far above is as suspicious as far below."""
    source: str
    at_least: float = 0.0
    """A floor inside the tolerance, where one is promised."""
    metric: str = ""
    """Of the figure; the primary one when empty."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a model must keep to be recommended at all; 0 or nothing sets no limit."""

    max_latency_ms: float = 0.0
    """Of 95 in 100 single predictions."""
    max_memory_mb: float = 0.0
    """Peak of the process that fits and predicts."""
    max_failure_rate: float = 1.0
    licences: tuple[str, ...] = ()
    """The only ones that are allowed."""


@dataclass(frozen=True, kw_only=True)
class ReportSettings:
    """What a report reckons with."""

    machine: str = ""
    """Machine class whose timings are shown; empty for the best covered one."""
    hourly_price: float = 0.10
    """Of the machine, in units of money."""
    requests_per_day: int = 2000
    error_cost: float = 10.0
    """Of one wrong answer that went out, in units of cost."""
    human_cost: float = 1.0
    """Of one item that a human answers."""
    target_risk: float = 0.01
    """Share of wrong answers that is allowed among those that go out."""
    interval_level: float = 0.9
    """Share of the true values that prediction intervals are made to hold."""
    tolerance: float = 0.0
    """Error of a predicted value that is allowed, in units of the target; 0 where none is named."""
    exposed: str = "show"
    """What becomes of scores on data that a model was pretrained on: ``show`` them, marked; ``hide`` them; or
    ``impute``, which hides them in reports of one data set, and has another score stand for each over data sets."""
    imputed_by: str = ""
    """Model whose score that is, where it is clean on these data; the reference where empty."""


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """A validated run: every name resolved, nothing loaded."""

    task_type: str
    data: DataSpec
    protocol: str
    """Empty for the task type's own."""
    budget: Budget
    executor: ExecutorSpec
    models: tuple[ModelChoice, ...]
    """Named models and presets."""
    lineup: bool
    """Add every registered model of the task type that the budget admits."""
    tune: bool
    """Put a tuned variant beside every model that has a space."""
    shard: tuple[int, int] | None
    """(i, n): run only the i-th of n parts of the cells, counted from 1; None runs all."""
    seed: int
    results_dir: Path
    cache_dir: Path
    rerun: str
    """``none`` reuses finished cells, ``failed`` repeats those that failed, ``all`` repeats everything."""
    timings: str
    """``keep`` those that were measured once, or ``refresh``: fit everything again and measure anew."""
    report: ReportSettings
    limits: Limits
    zoo_fetch: bool
    allow_unpinned: bool
    expected: tuple[Expected, ...]
    bag: int = 0
    """Inner folds of the bags that stand beside every model that learns; 0 adds none."""
    ensemble: bool = False
    """Add a weighted mean of the single models, with weights chosen on inner folds."""
    allow_commands: bool = False
    """Run commands that the config names; only the command line can say so."""

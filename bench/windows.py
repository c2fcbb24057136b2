"""Windows of a panel: row numbers before and after each origin, counted from the end of every series.

A series that has too little history at an origin is left out of that window, on both sides, and counted. Nothing is
drawn at random. Knows no model, no metric and no disk.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.errors import DataError
from bench.forecast_metrics import undefined
from bench.panel import SERIES, TIME, Rolling, held_of, least_history
from bench.types import Dataset, Split

Made = tuple[list[Split], tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Window:
    """One origin; all arrays are over the rows of the panel, but ``kept``."""

    before: NDArray[np.bool_]
    """All that lies before the origin, of which ``train`` may be the last steps."""
    train: NDArray[np.bool_]
    test: NDArray[np.bool_]
    kept: NDArray[np.bool_]
    """Series that are long enough, shape (s,)."""


def rolling_windows(dataset: Dataset, folds: int) -> Made:
    """Return a split for each origin, the earliest first: the last one lies a horizon before the end of every series.

    Parameters
    ----------
    dataset : Dataset
        A panel; ``rolling`` says how many origins there are, and how far apart.
    folds : int
        Origins where the data set does not say.

    Returns
    -------
    splits : list of Split
        Folds of repeat 0. An origin at which no series is long enough, or none has a scaled error, is left out.
    notes : tuple of str

    Raises
    ------
    DataError
        If no series is long enough for a single window, or no forecast of any could be scored.
    """
    assert dataset.forecasting is not None
    rolling, horizon = dataset.rolling or Rolling(), dataset.forecasting.horizon
    asked = rolling.windows or folds
    to_end, step = _to_end(dataset), rolling.step or horizon
    made = [
        _window(dataset, to_end > back + horizon, (to_end > back) & (to_end <= back + horizon), to_end - back - horizon)
        for back in range((asked - 1) * step, -1, -step)
    ]
    windows = [window for window in made if window.kept.any()]
    if not windows:
        raise DataError(_too_short(dataset, int(to_end.max())))
    notes: tuple[str, ...] = ()
    if len(windows) < asked:
        notes += (_fewer(dataset, len(windows), asked),)
    long_enough, windows = len(windows), _scored(dataset, windows)
    if blind := long_enough - len(windows):
        notes += (f"Left out: {blind} of {long_enough} windows, in which no series has a scaled error.",)
    splits = [_split(dataset, windows, fold, rolling.refit_every) for fold in range(len(windows))]
    if rolling.refit_every != 1 and len(windows) > 1:
        which = f"one origin in {rolling.refit_every}" if rolling.refit_every else "the first origin"
        notes += (f"Models are fitted at {which}, and go on from later history (data.refit_every).",)
    return splits, (*notes, *_notes(dataset, windows, splits), *_notes_on_ends(dataset))


def published_window(dataset: Dataset) -> Made:
    """Return the data set's own last part as one window; see `rolling_windows`.

    Raises
    ------
    DataError
        If the data set brings no such part, it is shorter than the horizon, no series is long enough, or no forecast of
        any could be scored.
    """
    asked = dataset.forecasting
    assert asked is not None
    if dataset.test is None:
        raise DataError(
            f"{dataset.name} brings no last part of its own, which protocol=published needs. Give it by "
            "data.test_path=FILE, or leave the protocol out."
        )
    to_end, groups = _to_end(dataset), _groups(dataset)
    own = np.bincount(groups[dataset.test], minlength=groups[-1] + 1)
    if (least := int(own.min())) < asked.horizon:
        raise DataError(
            f"{dataset.name}: {int((own < asked.horizon).sum())} of {len(own)} series have fewer than "
            f"{asked.horizon} steps in the published part. Give data.horizon={least}, or leave those series out."
            if least
            else f"{dataset.name}: {int((own == 0).sum())} of {len(own)} series have no step in the published part. "
            "Leave them out of the file."
        )
    behind = own[groups] - to_end
    window = _window(dataset, ~dataset.test, dataset.test & (behind < asked.horizon), to_end - own[groups])
    if not window.kept.any():
        raise DataError(
            f"{dataset.name}: no series has the {least_history(asked.season)} observed steps before its published part "
            f"that season {asked.season} takes. Give data.season=1 or longer series."
        )
    splits = [_split(dataset, _scored(dataset, [window]), 0, 1)]
    return splits, _notes(dataset, [window], splits)


def _groups(dataset: Dataset) -> NDArray[np.intp]:
    assert dataset.groups is not None
    return dataset.groups


def _to_end(dataset: Dataset) -> NDArray[np.intp]:
    """Return the steps from each row to the end of its series: 1 for the last one."""
    groups = _groups(dataset)
    ends = np.searchsorted(groups, groups, side="right")
    return ends - np.arange(len(groups))


def _window(dataset: Dataset, before: NDArray[np.bool_], test: NDArray[np.bool_], back: NDArray[np.intp]) -> Window:
    """Return a window without the series that are too short for it; ``back`` counts steps before the origin, from 1."""
    assert dataset.forecasting is not None
    groups = _groups(dataset)
    context = (dataset.rolling or Rolling()).context
    train = before & (back <= context) if context else before
    seen = train if dataset.observed is None else train & dataset.observed
    history = np.bincount(groups[seen], minlength=groups[-1] + 1)
    kept = history >= least_history(dataset.forecasting.season)
    return Window(before=before, train=train & kept[groups], test=test & kept[groups], kept=kept)


def _scored(dataset: Dataset, windows: Sequence[Window]) -> list[Window]:
    """Return the windows in which some series has a scaled error; a series of one value, say, has none."""
    assert dataset.forecasting is not None
    held = (held_of(dataset, np.flatnonzero(one.train), np.flatnonzero(one.test)) for one in windows)
    found = [one for one, asked in zip(windows, held, strict=True) if undefined(asked) < len(asked.scale)]
    if not found:
        raise DataError(
            f"{dataset.name}: no forecast can be scored. Behind every origin each season (data.season="
            f"{dataset.forecasting.season}) repeats the one before in all series ({_some(_names(dataset))}), or the "
            "steps to forecast hold no value. Where they are constant there is nothing to choose between models."
        )
    return found


def _split(dataset: Dataset, windows: Sequence[Window], fold: int, refit_every: int) -> Split:
    """Return the rows of one window; between two fits only series that the earlier one had can be gone on with."""
    window, groups = windows[fold], _groups(dataset)
    fitted = fold - fold % refit_every if refit_every else 0
    both = (windows[fitted].kept & window.kept)[groups]
    if fitted == fold or not both.any():
        return Split(repeat=0, fold=fold, train=np.flatnonzero(window.train), test=np.flatnonzero(window.test))
    # However little history is given: a model that goes on must not miss a step since its fit.
    given = window.train | (window.before & ~windows[fitted].before)
    train, test, fit = (np.flatnonzero(rows & both) for rows in (given, window.test, windows[fitted].train))
    return Split(repeat=0, fold=fold, train=train, test=test, fit=fit)


def _too_short(dataset: Dataset, longest: int) -> str:
    asked, context = dataset.forecasting, (dataset.rolling or Rolling()).context
    assert asked is not None
    least = least_history(asked.season)
    if context and context < least:
        return (
            f"{dataset.name}: data.context={context} leaves less than the {least} steps that season {asked.season} "
            "takes. Give a longer one."
        )
    said = (
        f"{dataset.name}: a horizon of {asked.horizon} behind at least {least} observed steps (season {asked.season}) "
        f"is longer than every series; the longest has {longest}."
    )
    if (spare := _spare(dataset)) <= 0:
        return f"{said} Give data.season=1 or longer series."
    more = f", or {two} or less for two windows: one alone tells few differences" if (two := _for_two(dataset)) else ""
    return f"{said} Give data.horizon={spare} or less{more}."


def _fewer(dataset: Dataset, found: int, asked: int) -> str:
    """Say that there are fewer windows than asked for, and of a single one what would leave two."""
    which = f"{found} window{'s' * (found > 1)}"
    said = f"{which} instead of {asked}: no series is long enough for earlier origins."
    two = _for_two(dataset) if found == 1 else 0
    return f"{said} data.horizon={two} or less leaves two." if two else said


def _spare(dataset: Dataset) -> int:
    """Return how many steps at most some series has behind the observed ones that it must have before an origin."""
    assert dataset.forecasting is not None
    seen = np.arange(len(dataset.y)) if dataset.observed is None else np.flatnonzero(dataset.observed)
    own, least = _groups(dataset)[seen], least_history(dataset.forecasting.season)
    # The last step of the shortest history that is enough.
    enough = seen[np.arange(len(own)) - np.searchsorted(own, own) == least - 1]
    return int(_to_end(dataset)[enough].max(initial=1)) - 1


def _for_two(dataset: Dataset) -> int:
    """Return the longest horizon that leaves two windows; 0 where none does."""
    step = (dataset.rolling or Rolling()).step
    return max(0, _spare(dataset) - step if step else _spare(dataset) // 2)


def _notes(dataset: Dataset, windows: Sequence[Window], splits: Sequence[Split]) -> tuple[str, ...]:
    """Count series that a window lacks, and those without a scale of scaled errors."""
    total, names = len(windows[0].kept), _names(dataset)
    forecast = np.zeros((len(splits), total), bool)
    undefined, zero = np.zeros(total, bool), np.zeros(total, bool)
    for at, split in enumerate(splits):
        tested = _groups(dataset)[split.test]
        codes = tested[np.r_[True, np.diff(tested) != 0]]
        scale = held_of(dataset, split.train, split.test).scale
        forecast[at, codes] = True
        undefined[codes[~np.isfinite(scale)]] = True
        zero[codes[scale == 0]] = True
    notes: tuple[str, ...] = ()
    if not forecast.all():
        out = ", ".join(f"{int((~one).sum())}" for one in forecast)
        short = np.flatnonzero(~forecast.any(axis=0))
        never = f"; {len(short)} in every one ({_some(names[short])})" if len(short) and len(splits) > 1 else ""
        where = f"of {total} series, by window from the earliest" if len(splits) > 1 else f"of {total} series"
        notes += (f"Left out, for their history is too short: {out} {where}{never}.",)
    for which, why in ((zero, "each season repeats the one before"), (undefined, "no season has one before it")):
        if which.any():
            notes += (
                f"{int(which.sum())} of {total} series have no scale for MASE, RMSSE and SQL in some window: {why} "
                f"({_some(names[which])}).",
            )
    return notes


def _notes_on_ends(dataset: Dataset) -> tuple[str, ...]:
    """Say where series of one calendar end at different times."""
    times = dataset.X[TIME]
    if not dataset.forecasting or not dataset.forecasting.freq:
        return ()
    groups = _groups(dataset)
    last = times.to_numpy()[np.r_[groups[1:] != groups[:-1], True]]
    if not (early := int((last < last.max()).sum())):
        return ()
    return (
        f"{early} of {len(last)} series end before the others; origins are counted from the end of each, so that a "
        "model of all series has seen others at later dates.",
    )


def _names(dataset: Dataset) -> NDArray[np.object_]:
    groups = _groups(dataset)
    names: NDArray[np.object_] = dataset.X[SERIES].to_numpy(object)[np.r_[True, groups[1:] != groups[:-1]]]
    return names


def _some(names: NDArray[np.object_], most: int = 3) -> str:
    shown = ", ".join(map(str, names[:most]))
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"

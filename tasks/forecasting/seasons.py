"""Seasons that data of a step may have beside the usual one: weeks of hours, years of days and of weeks.

None is taken by itself, for a longer season costs history and time; where there is history for it, the report names it.
"""

from tasks.forecasting.frequency import DAY, HOUR, Step

NUMBERED = "their season cannot be known: give data.season=12 for months, data.season=4 for quarters"


def other_season(step: Step, steps: int, horizon: int) -> str:
    """Return what a user may say of the season, as a part of a sentence; empty where nothing is to be said.

    Parameters
    ----------
    step : Step
    steps : int
        Of the longest series: two seasons and a horizon take so many.
    horizon : int

    Examples
    --------
    >>> week = Step(unit="time", size=7 * DAY)
    >>> other_season(week, 160, 13)
    'if years repeat, data.season=52 takes them for seasons'
    >>> other_season(week, 100, 13)
    ''
    """
    if step.unit == "number":
        return NUMBERED
    longer, words = _longer(step)
    if not longer or steps < 2 * longer + horizon:
        return ""
    return f"if {words} repeat, data.season={longer} takes them for seasons"


def _longer(step: Step) -> tuple[int, str]:
    """Return the next longer season than the usual one, and what repeats in it; 0 where none is known."""
    match step.unit, step.size:
        case "business day", _:
            return 260, "years"
        case "time", size if size == 7 * DAY:
            return 52, "years"
        case "time", size if size == DAY:
            return 365, "years"
        case "time", size if size < HOUR // 60:
            return DAY // size, "days"
        case "time", size if size < DAY and DAY % size == 0:
            return 7 * DAY // size, "weeks"
    return 0, ""

"""Ensembles and searches that have no windows to go by are left out, with what would give them some."""

import re
from dataclasses import replace

import pytest

from bench import plan
from bench.errors import ModelError
from bench.panel import Rolling, inner_windows
from bench.room import without_room
from bench.windows import rolling_windows
from tests.builders import dataset, panel
from tests.toy_models import toy


def choices():
    one = toy("one")
    return (one, plan.tuned(one), plan.greedy([one], 4))


def cut(data, folds=4):
    return rolling_windows(data, folds)[0]


def test_ensembles_and_searches_without_a_window_to_go_by_are_left_out_and_said():
    data = panel(sizes=(20, 12))
    kept, said = without_room(choices(), data, cut(data))
    assert [choice.name for choice in kept] == ["one"]
    assert said == [
        "one_tuned, greedy are left out: weights and searches go by windows within the history before each origin, "
        "which take 11 steps, and before one origin no series has more than 8. data.windows=2 data.horizon=5 would "
        "leave room."
    ]
    assert without_room(choices()[:1], data, cut(data)) == (choices()[:1], [])


def test_where_there_is_room_before_every_origin_nothing_is_left_out():
    data = panel(sizes=(23, 12))
    kept, said = without_room(choices(), data, cut(data, folds=2))
    assert [choice.name for choice in kept] == ["one", "one_tuned", "greedy"]
    assert said == []
    flat = dataset()
    assert without_room(choices(), flat, ()) == (choices(), [])


@pytest.mark.parametrize("rolling", [{}, {"step": 2}, {"context": 9}, {"refit_every": 0}])
@pytest.mark.parametrize("sizes", [(12,), (14, 9), (17,), (22, 11)])
def test_models_are_left_out_just_where_a_cell_would_fail_and_what_is_advised_leaves_room(sizes, rolling):
    def fails(data):
        try:
            return not [inner_windows(data, split.fitted) for split in cut(data)]
        except ModelError:
            return True

    data = panel(sizes=sizes, rolling=Rolling(**rolling))
    (*_, said) = ("", *without_room(choices(), data, cut(data))[1])
    assert bool(said) is fails(data)
    if advised := re.search(r"data\.windows=2 data\.horizon=(\d+) would", said):
        asked = replace(data.forecasting, horizon=int(advised[1]))
        other = replace(data, forecasting=asked, rolling=Rolling(windows=2, **rolling))
        assert len(cut(other)) == 2
        assert not fails(other)

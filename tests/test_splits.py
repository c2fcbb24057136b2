from itertools import pairwise

import numpy as np
import pytest

from bench.errors import DataError
from bench.settings import Budget
from bench.splits import cross_validation_splits, learning_curve_splits, published_split
from tasks.labels import merge_rare
from tests.builders import dataset


def imbalanced(counts: dict[str, int]):
    labels = [name for name, count in counts.items() for _ in range(count)]
    classes = tuple(sorted(counts))
    codes = np.array([classes.index(label) for label in labels])
    return dataset(len(labels), y=codes, classes=classes)


def test_folds_part_the_rows_and_keep_the_share_of_every_class():
    data = imbalanced({"a": 60, "b": 30, "c": 10})
    splits, notes = cross_validation_splits(data, "text_clf", Budget(folds=5, repeats=2), 0)
    assert notes == ()
    assert [(s.repeat, s.fold) for s in splits] == [(r, k) for r in range(2) for k in range(5)]
    for repeat in range(2):
        tested = np.concatenate([s.test for s in splits if s.repeat == repeat])
        assert sorted(tested) == list(range(100))
    for split in splits:
        assert not set(split.train) & set(split.test)
        assert list(np.bincount(data.y[split.test])) == [12, 6, 2]


@pytest.mark.parametrize(("rows", "repeats", "made"), [(20_000, 0, 2), (20_001, 0, 1), (20_001, 3, 3)])
def test_folds_of_many_rows_are_made_once_and_that_is_said_unless_a_number_is_asked_for(rows, repeats, made):
    splits, notes = cross_validation_splits(values(rows), "reg", Budget(folds=2, repeats=repeats), 0)
    assert len(splits) == 2 * made
    said = "Folds are made once: the set has more than 20000 rows (budget.repeats=2 makes them twice)."
    assert notes == ((said,) if made == 1 else ())


def test_splits_depend_on_seed_and_repeat_only():
    data = dataset(60)
    one, _ = cross_validation_splits(data, "text_clf", Budget(folds=3), 0)
    same, _ = cross_validation_splits(data, "text_clf", Budget(folds=3, repeats=4), 0)
    other, _ = cross_validation_splits(data, "text_clf", Budget(folds=3), 1)
    assert all((a.test == b.test).all() for a, b in zip(one, same, strict=False))
    assert any(len(a.test) != len(b.test) or (a.test != b.test).any() for a, b in zip(one, other, strict=True))
    assert any((a.test != b.test).any() for a, b in zip(same[:3], same[3:6], strict=True))


def test_a_group_never_stands_on_both_sides():
    data = dataset(60, groups=np.arange(60) // 4)
    splits, _ = cross_validation_splits(data, "text_clf", Budget(folds=3), 0)
    for split in splits:
        assert not set(data.groups[split.train]) & set(data.groups[split.test])


def test_training_rows_lie_before_test_rows_where_there_is_time():
    time = np.random.default_rng(0).permutation(60)
    data = dataset(60, time=time)
    splits, _ = cross_validation_splits(data, "text_clf", Budget(folds=4), 0)
    assert len(splits) == 4
    for split in splits:
        assert time[split.train].max() < time[split.test].min()


def test_rows_of_one_moment_are_never_parted():
    time = np.repeat(np.arange(7), [3, 9, 20, 1, 1, 15, 11])
    splits, _ = cross_validation_splits(dataset(60, time=time), "text_clf", Budget(folds=4), 0)
    for split in splits:
        assert time[split.train].max() < time[split.test].min()


def test_too_few_moments_lower_the_number_of_folds():
    splits, notes = cross_validation_splits(dataset(60, time=np.arange(60) // 20), "text_clf", Budget(folds=5), 0)
    assert len(splits) == 2
    assert "2 folds instead of 5" in notes[0]


def test_one_moment_cannot_be_split():
    with pytest.raises(DataError, match=r"too few different times.*data\.time"):
        cross_validation_splits(dataset(60, time=np.zeros(60)), "text_clf", Budget(), 0)


def test_with_time_and_groups_a_tested_group_is_left_out_of_training():
    data = dataset(60, time=np.arange(60), groups=(np.arange(60) + 5) // 10)
    splits, notes = cross_validation_splits(data, "text_clf", Budget(folds=3), 0)
    for split in splits:
        assert not set(data.groups[split.train]) & set(data.groups[split.test])
        assert split.train.max() < split.test.min()
    assert "were left out: their group is tested there" in notes[0]


def test_a_past_of_one_class_is_refused_before_a_model_meets_it():
    codes = np.repeat([0, 1, 2], 20)
    with pytest.raises(DataError, match=r"every training row has the same label, 'oil'.*budget\.folds"):
        cross_validation_splits(dataset(60, y=codes, time=np.arange(60)), "text_clf", Budget(folds=5), 0)


def test_an_empty_published_part_is_refused():
    with pytest.raises(DataError, match="the test part has no rows"):
        published_split(dataset(60, test=np.zeros(60, bool)))


def test_a_class_of_the_test_part_alone_is_a_note():
    data = dataset(60, y=np.r_[np.arange(40) % 2, np.arange(20) % 3], test=np.arange(60) >= 40)
    _, notes = published_split(data)
    assert "'tin'" in notes[0]


def test_a_rare_class_lowers_the_number_of_folds_and_a_note_names_it():
    splits, notes = cross_validation_splits(imbalanced({"a": 20, "rare": 3}), "text_clf", Budget(folds=5), 0)
    assert len(splits) == 3
    assert "3 folds instead of 5" in notes[0]
    assert "'rare' (3)" in notes[0]
    assert "1 class has fewer members" in notes[0]
    assert "data.merge_rare" in notes[0]


def test_merging_rare_classes_is_no_advice_where_it_was_done():
    whole = imbalanced({"a": 20, "b": 3, "c": 1})
    data = merge_rare(whole, "other", 5)
    _, notes = cross_validation_splits(data, "text_clf", Budget(folds=5), 0)
    assert notes == ("4 folds instead of 5: 1 class has fewer members than 5: 'other' (4).",)


def test_a_class_with_one_member_cannot_be_split():
    with pytest.raises(DataError, match=r"single row.*'lone' \(1\).*data\.merge_rare"):
        cross_validation_splits(imbalanced({"a": 20, "lone": 1}), "text_clf", Budget(), 0)


def test_fewer_groups_than_folds_lower_the_number_of_folds():
    data = dataset(60, groups=np.arange(60) % 2)
    splits, notes = cross_validation_splits(data, "text_clf", Budget(folds=5), 0)
    assert len(splits) == 2
    assert "only 2 groups" in notes[0]


def test_published_parts_are_used_as_they_are():
    test = np.arange(60) >= 40
    (split,), notes = published_split(dataset(60, test=test))
    assert notes == ()
    assert list(split.train) == list(range(40))
    assert list(split.test) == list(range(40, 60))


def test_published_needs_parts():
    with pytest.raises(DataError, match=r"no train and test parts.*data\.test_path"):
        published_split(dataset(60))


def values(rows=60, **changes):
    return dataset(rows, y=np.random.default_rng(1).normal(size=rows), classes=(), **changes)


def test_folds_of_values_part_the_rows():
    splits, notes = cross_validation_splits(values(), "reg", Budget(folds=5, repeats=2), 0)
    assert notes == ()
    assert [len(split.test) for split in splits] == [12] * 10
    for repeat in range(2):
        assert sorted(np.concatenate([s.test for s in splits if s.repeat == repeat])) == list(range(60))
    other, _ = cross_validation_splits(values(), "reg", Budget(folds=5, repeats=2), 1)
    assert any((one.test != two.test).any() for one, two in zip(splits, other, strict=True))


def test_groups_of_values_stand_whole_in_folds_of_like_size():
    groups = np.repeat(np.arange(20), np.arange(1, 21))
    splits, _ = cross_validation_splits(values(210, groups=groups), "reg", Budget(folds=5, repeats=2), 0)
    for split in splits:
        assert not set(groups[split.train]) & set(groups[split.test])
        assert 42 - 20 <= len(split.test) <= 42 + 20
    assert set(splits[0].test) != set(splits[5].test)


def test_values_in_time_are_tested_after_what_was_trained_on():
    time = np.random.default_rng(0).permutation(60)
    splits, _ = cross_validation_splits(values(time=time), "reg", Budget(folds=4), 0)
    assert all(time[split.train].max() < time[split.test].min() for split in splits)


def test_the_published_parts_of_values_are_one_split():
    (split,), notes = published_split(values(test=np.arange(60) >= 45))
    assert (len(split.train), len(split.test), notes) == (45, 15, ())


def test_three_rows_make_three_folds_and_one_makes_none():
    splits, notes = cross_validation_splits(values(3), "reg", Budget(folds=5), 0)
    assert len(splits) == 3
    assert "3 folds instead of 5" in notes[0]
    with pytest.raises(DataError, match="at least two"):
        cross_validation_splits(values(1), "reg", Budget(folds=5), 0)


def test_a_learning_curve_of_values_grows_by_shares_of_the_rows():
    splits, _ = learning_curve_splits(values(200), "reg", Budget(folds=3), 0)
    sizes = [[len(s.train) for s in splits if s.repeat == step] for step in range(4)]
    assert sizes == [[5] * 3, [16] * 3, [48] * 3, [160] * 3]
    for draw in range(3):
        mine = [set(s.train) for s in splits if s.fold == draw]
        assert all(small < large for small, large in pairwise(mine))
        assert len({tuple(s.test) for s in splits if s.fold == draw}) == 1

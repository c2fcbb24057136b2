"""What every recommender must do; see `bench.testing.models`.

The bench holds interactions in the order of time, some items more popular than others and users of two tastes; what is
asked is an `Asking`: among its users are one without a history, and one whom the fit does not know.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.ranking.asked import Queries, Ranking
from bench.ranking.held import asking_of, relevant_of
from bench.ranking.metrics import by_user
from bench.ranking.top import NONE, Asking, rank
from bench.testing import models
from bench.testing.models import ModelBench, Outcome
from bench.types import Dataset, Split

HANDFUL = 12
EARLY = 0.7
"""Share of the interactions by which the others are to be found."""


def lists_are_sound(bench: ModelBench) -> Outcome:
    """A list for each user, of different items that may be recommended to this one."""
    found, asking = _own_lists(bench.sound(bench.usual(), bench.X_new), bench), _asking(bench)
    for own, taken in zip(found, asking.banned.toarray(), strict=True):
        given = own[own != NONE]
        assert len(set(given)) == len(given), f"{bench.spec.name}: an item stands twice in a list"
        assert not taken[given].any(), f"{bench.spec.name}: an item is recommended that its user had"
    return "passed"


def the_same_seed_gives_the_same_lists(bench: ModelBench) -> Outcome:
    """On one machine."""
    one, two = (bench.said(model, bench.X_new) for model in (bench.usual(), bench.fitted()))
    assert np.array_equal(one, two), f"{bench.spec.name}: two fits with one seed differ in {_different(one, two)} lists"
    return "passed"


def a_deterministic_recommender_ignores_the_seed(bench: ModelBench) -> Outcome:
    """Where the model declares itself deterministic."""
    if not bench.spec.deterministic:
        return "declared"
    one, two = (bench.said(model, bench.X_new) for model in (bench.usual(), bench.fitted(bench.other_seed)))
    assert np.array_equal(one, two), (
        f"{bench.spec.name} declares itself deterministic, and {_different(one, two)} lists depend on the seed"
    )
    return "passed"


def neither_order_nor_company_of_users_matters(bench: ModelBench) -> Outcome:
    """Asked backwards, or one user at a time, a fitted model says the same."""
    model, asking = bench.usual(), _asking(bench)
    together, everyone = bench.said(model, asking), np.arange(len(asking))
    backwards = bench.said(model, asking.take(everyone[::-1]))[::-1]
    alone = np.concatenate([bench.said(model, asking.take(everyone[[user]])) for user in everyone])
    for other in (backwards, alone):
        assert np.array_equal(together, other), (
            f"{bench.spec.name}: {_different(together, other)} lists depend on who else asks"
        )
    return "passed"


def a_history_that_grew_is_no_crash(bench: ModelBench) -> Outcome:
    """A user may have done more, or less, than the fit knows."""
    asking = _asking(bench)
    fewer = np.arange(len(asking))[::-1]
    # Everyone asks with what someone else did.
    strange = replace(asking.queries.take(fewer), users=asking.queries.users)
    bench.sound(bench.usual(), replace(asking, queries=strange))
    return "passed"


def a_handful_of_interactions_is_enough(bench: ModelBench) -> Outcome:
    """Twelve are fewer than most factors and neighbours."""
    bench.sound(bench.fitted(rows=np.arange(HANDFUL)), bench.X_new)
    return "passed"


def it_beats_random_lists(bench: ModelBench) -> Outcome:
    """A model that is no floor finds more of what users did last than lists at random would."""
    if bench.spec.role == "floor":
        return "declared"
    assert isinstance(bench.X, pd.DataFrame)
    asking, rows = _asking(bench), np.arange(len(bench.y))
    early = rows < EARLY * len(rows)
    data = Dataset(
        name="bench",
        X=bench.X,
        y=bench.y,
        classes=(),
        recommending=bench.context.recommending,
        ranking=Ranking(k=asking.k),
    )
    split = Split(repeat=0, fold=0, train=rows[early], test=rows[~early])
    found = by_user(relevant_of(data, split), rank(bench.fitted(rows=split.train), asking_of(data, split)), "hit_rate")
    by_chance = Drawn(len(asking.candidates))
    drawn = by_user(relevant_of(data, split), rank(by_chance, asking_of(data, split)), "hit_rate")
    share, chance = (float(values[counted].mean()) for values, counted in (found, drawn))
    assert share > chance, f"{bench.spec.name}: {share:.2f} of its lists have a hit, and {chance:.2f} of random ones"
    return "passed"


@dataclass(frozen=True)
class Drawn:
    """Scores at random."""

    items: int

    def predict(self, X: Queries) -> NDArray[np.float64]:
        """Return them."""
        return np.random.default_rng(0).random((len(X), self.items))


def _asking(bench: ModelBench) -> Asking:
    assert isinstance(bench.X_new, Asking)
    return bench.X_new


def _own_lists(lists: NDArray[Any], bench: ModelBench) -> NDArray[Any]:
    """Return the lists of candidates, which stand first."""
    return lists[:, : _asking(bench).k]


def _different(one: NDArray[np.integer], two: NDArray[np.integer]) -> int:
    return int((one != two).any(axis=1).sum())


RANKING_CHECKS: tuple[Callable[[ModelBench], Outcome], ...] = (
    lists_are_sound,
    the_same_seed_gives_the_same_lists,
    a_deterministic_recommender_ignores_the_seed,
    neither_order_nor_company_of_users_matters,
    a_history_that_grew_is_no_crash,
    a_handful_of_interactions_is_enough,
    it_beats_random_lists,
    models.parameters_survive_yaml,
    models.it_says_what_it_is,
)
"""Each takes a `bench.testing.ModelBench` of interactions."""

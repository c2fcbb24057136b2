"""How interactions of users and items are read, checked and split."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from bench.data import fingerprint, take
from bench.errors import DataError
from bench.ranking.asked import ITEM, TIME, USER, Recommending
from bench.ranking.held import kind_of
from bench.ranking.protocol import under
from bench.ranking.splits import ranking_splits
from bench.ranking.top import Asking
from bench.settings import Budget, DataSpec
from bench.types import Dataset, Prediction, Split, seed_for
from tasks.recommendation import synthetic
from tasks.recommendation.beside import describe_items, read_users, tables_beside
from tasks.recommendation.log import tidy, weights_of
from tasks.recommendation.options import ranking_of
from tasks.recommendation.perturb import thinned
from tasks.recommendation.reading import read_log
from tasks.recommendation.sizing import with_users

INTERACTIONS_A_ROW = 10
"""That stand for a row of a budget: one by itself says little, and counting it takes less."""


@dataclass(frozen=True)
class Recommendation:
    """The task type ``recommendation``."""

    name: str = "recommendation"
    prediction: Prediction = "ranking"
    metrics: tuple[str, ...] = (
        *("ndcg", "recall", "recall_min", "precision", "map", "mrr", "hit_rate"),
        *("coverage", "novelty", "popularity", "lift", "gini", "diversity"),
        *("ndcg_cold_users", "ndcg_cold_items", "ndcg_sampled"),
    )
    protocol: str = "global_time"
    reference: str = "popularity"
    floor: str = "random_items"
    margin: float = 0.005
    margin_relative: bool = False
    version: int = 1

    def load(self, spec: DataSpec, read: Callable[[str], pd.DataFrame]) -> Dataset:
        """Read interactions, and tables of items and users beside them; see `bench.registry.TaskType.load`."""
        ranking = ranking_of(spec)
        log = tidy(read_log(spec, read), ranking)
        items_path, users_path = tables_beside(spec)
        described = describe_items(log, spec, items_path, read)
        user_table, on_users = read_users(log, spec, users_path, read)
        if ranking.k >= len(described.items.labels):
            raise DataError(
                f"{log.source}: a list of data.k={ranking.k} would hold each of {len(described.items.labels)} items. "
                "Give a smaller data.k."
            )
        if ranking.sampled >= len(described.items.labels):
            raise DataError(
                f"{log.source}: data.sampled={ranking.sampled} is no sample of {len(described.items.labels)} items. "
                "Give fewer, or leave it out: lists are ranked among all items anyway."
            )
        columns = {USER: log.users.codes, ITEM: described.items.codes}
        dataset = Dataset(
            name=spec.name,
            X=pd.DataFrame(columns if log.times is None else {**columns, TIME: log.times}),
            y=weights_of(log, ranking),
            classes=(),
            time=log.times,
            columns=dict.fromkeys(columns, "category") | ({TIME: "date" if log.dated else "number"}),
            licence=spec.licence,
            citation=spec.citation,
            recommending=Recommending(
                k=ranking.k,
                users=log.users.labels,
                items=described.items.labels,
                texts=described.texts,
                titles=described.titles,
                tags=described.tags,
                tagged=described.tagged,
                item_table=described.table,
                user_table=user_table,
            ),
            ranking=ranking,
            notes=(*log.notes, *described.notes, *on_users),
            law=synthetic.best_of(spec.path),
        )
        return replace(dataset, fingerprint=fingerprint(dataset))

    def sized(self, dataset: Dataset, spec: DataSpec, budget: Budget, seed: int) -> Dataset:
        """Return users drawn at random until they have ten interactions for each row of the budget."""
        _, ranking = kind_of(dataset)
        if dataset.time is not None and ranking.ties == "shuffled":
            draw = np.random.default_rng(seed_for(seed, "ties", self.name)).random(len(dataset.y))
            dataset = take(dataset, np.lexsort((draw, dataset.time)))
        most = INTERACTIONS_A_ROW * budget.rows
        if not budget.rows or len(dataset.y) <= most:
            return dataset
        return with_users(dataset, most, seed_for(seed, "subsample", self.name))

    def splits(self, dataset: Dataset, protocol: str, budget: Budget, seed: int) -> tuple[list[Split], tuple[str, ...]]:
        """Return the splits of a protocol, with notes on what it could not heed; see `bench.registry.TaskType.splits`.

        Without time stamps the order of the file stands for that of time, and a cut in time is refused.
        """
        splits, notes = ranking_splits(under(dataset, protocol, budget), budget, seed)
        if dataset.time is None and protocol in ("leave_last", "held_out_users"):
            notes += ("Without time stamps, the last interactions of a user are the last ones in the file.",)
        return splits, notes

    def perturbed(self, X: Asking, seed: int) -> dict[str, Asking]:
        """Return the queries with histories that lack a tenth; see `bench.registry.TaskType.perturbed`."""
        return {"a tenth of the history missing": thinned(X, seed)}

"""Lists of items as every report reads them: which users a score is made of."""

from dataclasses import replace

from bench.ranking.list_items import ListItems
from bench.stats.table import ModelFacts


def with_users(facts: ModelFacts, items: ListItems, metric: str) -> ModelFacts:
    """Return what is known of a model, with the users that its score is made of as its items.

    A user is drawn with all splits in which there is a list of theirs. Of a metric that is no mean over users with a
    history nothing is added: folds are then what its intervals are over.
    """
    parts = items.parts(metric)
    if parts is None:
        return replace(facts, groups=None)
    found = replace(facts, by_item=items.score_by_user(metric), item_variance=parts.item_variance, groups=parts.groups)
    # Of one user the splits are all that could be drawn.
    return replace(found, sample="users" if found.group_count > 1 else "")

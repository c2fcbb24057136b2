"""A recommendation that leaves users without a history with nothing, where another model has something for them."""

from collections.abc import Iterator

from bench.report.content import Content
from bench.report.ranking_protocol import split_figure
from bench.report.wording import share

CODE = "new-users-unserved"
METRIC = "ndcg_cold_users"


def find(content: Content) -> Iterator[str]:
    """Yield a text where the pick scores nothing on cold users."""
    pick = content.row(content.decision.pick)
    if pick is None or pick.others.get(METRIC) != 0:
        return
    served = {row.scores.name: row.others.get(METRIC, 0.0) for row in content.rows if row.scores.role != "floor"}
    best = max(served, key=lambda name: served[name])
    if served[best] > 0:
        cold = share(split_figure(content.facts["about"], "cold_users"))
        yield (
            f"{pick.scores.name} has no list for users without a history, {cold} of those who were tested. Give them "
            f"that of {best} (NDCG of cold users {100 * served[best]:.2f})."
        )

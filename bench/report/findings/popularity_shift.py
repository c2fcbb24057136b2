"""A test part in which other items are popular than in the training part, or popularity is worth something else."""

from collections.abc import Iterator

from bench.report.content import Content
from bench.report.ranking_protocol import split_figure

CODE = "popularity-shift"
LEAST_TAU, MOST_GAP = 0.3, 0.1
"""Rank correlation below which, and difference of Gini indices above which the parts are not alike."""
LEAST_EACH = 5.0
"""Interactions an item to be found, on average; with fewer, chance alone sets ranks and Gini indices apart."""


def find(content: Content) -> Iterator[str]:
    """Yield a text where the ranks of items, or how much few of them take, differ between the parts."""
    about = content.facts["about"]
    tau, train, test = (split_figure(about, name) for name in ("rank_correlation", "gini_train", "gini_test"))
    if not split_figure(about, "test") >= LEAST_EACH * about.get("ranking", {}).get("items", 0):
        return
    signs = []
    if tau < LEAST_TAU:
        signs.append(f"the ranks of items by popularity agree little (Kendall's tau {tau:.2f})")
    if abs(test - train) > MOST_GAP:
        signs.append(f"the Gini index of popularity is {train:.2f} in the training and {test:.2f} in the test part")
    if signs:
        yield (
            f"What is popular shifts between training and test part: {', and '.join(signs)}. A model that follows "
            "popularity is scored for another one than it learned; see whether the order of models holds under other "
            "protocols."
        )

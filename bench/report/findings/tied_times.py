"""Time stamps that leave the order open which the protocol goes by."""

from collections.abc import Iterator

from bench.report.content import Content
from bench.report.ranking_protocol import split_figure
from bench.report.wording import share

CODE = "tied-times"
MOST = 0.1
ORDERS = {"row": "of the file", "item": "of the item labels", "shuffled": "that the seed drew"}


def find(content: Content) -> Iterator[str]:
    """Yield a text where many interactions of a user share a time stamp, and the protocol goes by time."""
    about = content.facts["about"]
    tied = split_figure(about, "tied")
    if not tied > MOST or content.task.protocol == "random":
        return
    order = ORDERS[about["ranking"]["protocol"]["ties"]]
    decided = {
        "global_time": f"models that read histories in their order read the one {order}.",
        "leave_last": f"which of them is the last to be found is decided by the order {order}.",
        "held_out_users": f"which of them are the last, and so to be found, is decided by the order {order}.",
    }
    yield (
        f"{share(tied)} of the interactions share their time stamp with another one of the same user: "
        f"{decided[content.task.protocol]} Try another data.ties, and see whether the scores stay."
    )

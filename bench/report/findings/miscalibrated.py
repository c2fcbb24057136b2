"""Probabilities that are not what they say."""

from collections.abc import Iterator

from bench.report.content import Content

CODE = "miscalibrated"


def find(content: Content) -> Iterator[str]:
    """Yield a text for the pick and the runner-up where they are surely not calibrated."""
    for row in content.rows:
        if row.items is None or row.scores.name not in (content.decision.pick, content.decision.runner_up):
            continue
        value, low, high = row.items.calibration_error
        if low > row.items.calibration_null:
            rescaled = row.items.log_loss_rescaled
            remedy = (
                f" One temperature lowers its log loss from {row.items.log_loss:.3f} to {rescaled:.3f}."
                if rescaled < row.items.log_loss
                else ""
            )
            yield (
                f"The probabilities of {row.scores.name} are off by {100 * value:.1f} points on average (95 % CI "
                f"{100 * low:.1f} to {100 * high:.1f}); perfect ones would show {100 * row.items.calibration_null:.1f} "
                f"at most.{remedy}"
            )

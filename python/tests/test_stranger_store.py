"""A store from a stranger is data: loading runs nothing, imports nothing, reads nothing else."""
# ruff: noqa: E501  tables of cases

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import cannery
from cannery import Store
from cannery.errors import CanneryError, CorruptError

# What the store's owner ran, and what its reader has, too: a class and its materializer.
PROGRAM = """
import json, os
from typing import NamedTuple
import cannery
from cannery import Materializer, pipeline, step

class Config:
    def __init__(self, **fields): self.__dict__.update(fields)
class Special(Config): pass
class ConfigMaterializer(Materializer[Config]):
    types = (Config,)
    format_id = "config.json/1"
    def save(self, value, to): (to / "c.json").write_text(json.dumps(vars(value)))
    def load(self, type, at): return type(**json.loads((at / "c.json").read_text()))
class Anything(Materializer):
    format_id = "anything/1"
    def save(self, value, to): (to / "x").write_text("x")
    def load(self, type, at): return type(args=["touch", "RAN"])
class Pair(NamedTuple):
    first: str
    second: int
forged = os.environ.get("FORGED")
def renamed(base, **members):
    module, _, name = forged.rpartition(".")
    return type(name, (base,), {"__module__": module, "__qualname__": name, **members})
@step
def config() -> Config:
    return renamed(Config)(args=["touch", "RAN"]) if forged else Special(a=1)
@step(materializers=[Anything])
def anything() -> object:
    return renamed(object)() if forged else Config()
@step
def text() -> str: return "hello"
@step(outputs=["both"])
def pair() -> Pair:
    return tuple.__new__(renamed(Pair), ("a", 2)) if forged else Pair("a", 2)
@step
def long() -> bytes: return bytes(3 << 20)
@step
def use(found: Config) -> int: return len(vars(found))
@pipeline
def work():
    use(config()); text(); pair(); long(); anything()
"""
# A module of the reader's own folder that must not run because a store names it.
BYSTANDER = "open('RAN', 'w').write('x')\nclass X:\n    def __init__(self, **fields): pass\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "drop_all.py").write_text(BYSTANDER)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CANNERY_STORE", str(tmp_path / "store"))
    return tmp_path


def work(forged: str = "") -> subprocess.CompletedProcess[str]:
    """Run the pipeline in a process of its own."""
    environment = {**os.environ, "FORGED": forged, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "cannery", "run", "program.py", "--json"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def load(name: str, how: str = "", imports: str = "") -> str:
    """Load an artifact in a process of its own, and say what came of it."""
    code = (
        f"import sys{imports}\nfrom cannery import Store\nfrom cannery.errors import *\n"
        f"try: v = Store().artifact({name!r}).load({how}); print(type(v).__name__, v)\n"
        "except CanneryError as error: print(type(error).__name__, error)\n"
        "assert 'drop_all' not in sys.modules\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(["", *sys.path])}
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert not Path("RAN").exists()
    return done.stdout


def sql(statement: str) -> None:
    catalog = sqlite3.connect("store/catalog.sqlite")
    catalog.execute(statement)
    catalog.commit()
    catalog.close()


FORGED = ["subprocess.Popen", "drop_all.X", "program.Anything"]


@pytest.mark.parametrize("name", FORGED)
def test_a_type_in_the_catalog_is_not_believed(folder: Path, name: str) -> None:
    assert work().returncode == 0
    sql(f"UPDATE artifacts SET type_name = '{name}'")
    for artifact in ("config", "text", "pair.both", "anything"):
        for how in ("", "trust=()"):
            assert load(artifact, how, ", program, subprocess").startswith("CorruptError")
    # The reader's own run makes them again, and does not use what was changed.
    again = work()
    assert again.returncode == 0, again.stderr
    assert not Path("RAN").exists()
    assert load("config", imports=", program").startswith("Special")
    assert load("text").startswith("str hello")


@pytest.mark.parametrize("name", ["subprocess.Popen", "drop_all.X", "collections.OrderedDict"])
def test_a_type_in_a_manifest_is_resolved_only_if_the_materializer_is_for_it(
    folder: Path, name: str
) -> None:
    assert work(name).returncode == 0
    imports = ", program, subprocess, collections"
    for how in ("", "trust=()", f"trust=[{name!r}]"):
        shown = load("config", how, imports)
        assert shown.startswith("UntrustedTypeError"), shown
        assert name in shown
    for how in ("", "trust=()"):
        assert load("anything", how, imports).startswith("UntrustedTypeError")
    # A tuple is still one, of the class that the reader names or of none.
    assert load("pair.both", "", imports).startswith("tuple ('a', 2)")
    assert load("pair.both", "type=program.Pair", imports).startswith(
        "Pair Pair(first='a', second=2)"
    )


def test_a_named_tuple_is_made_without_calling_it(folder: Path) -> None:
    assert work("program.Pair").returncode == 0
    module = ", program; program.Pair._make = lambda *a: open('RAN', 'w')"
    assert load("pair.both", "", module).startswith("Pair Pair(first='a', second=2)")


def test_the_projects_own_classes_need_no_list(folder: Path) -> None:
    assert work().returncode == 0
    assert load("config", "", ", program").startswith("Special")
    assert load("pair.both", "", ", program").startswith("Pair")
    assert load("anything", "trust=['program.Config']", ", program").startswith("Config")
    assert load("anything", "trust=()", ", program").startswith("UntrustedTypeError")
    # Nothing is imported for them either.
    assert load("pair.both").startswith("tuple")
    assert load("config").startswith("DataTypeError")


def blob(content: bytes) -> Path:
    found = list(Path("store/objects").glob("*/*"))
    return next(path for path in found if path.read_bytes() == content)


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _link(path: Path) -> None:
    Path("secret").write_bytes(b"hello")
    path.symlink_to(Path("secret").absolute())


def _hard_link(path: Path) -> None:
    Path("secret").write_bytes(b"hello")
    path.hardlink_to("secret")


DAMAGE: dict[str, Callable[[Path], object]] = {
    "flipped": lambda path: path.write_bytes(b"jello"),
    "cut": lambda path: path.write_bytes(b"hel"),
    "longer": lambda path: path.write_bytes(b"hello!"),
    "empty": lambda path: path.write_bytes(b""),
    "missing": lambda path: None,
    "pipe": _pipe,
    "folder": lambda path: path.mkdir(),
    "link": _link,
    "hard link": _hard_link,
    "device": lambda path: path.symlink_to("/dev/zero"),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_blob_is_named_and_repaired(folder: Path, how: str) -> None:
    assert work().returncode == 0
    path = blob(b"hello")
    path.unlink()
    DAMAGE[how](path)
    shown = load("text")
    assert shown.startswith("CorruptError"), shown
    assert "/text@1`, file `text.txt`" in shown
    assert "made by run 1 (step text)" in shown
    again = work()
    assert again.returncode == 0, again.stderr
    steps = {step["name"]: step["cached"] for step in cannery.json.loads(again.stdout)["steps"]}
    assert [name for name, cached in steps.items() if not cached] == ["text"]
    assert load("text").startswith("str hello")


def test_a_large_blob_that_rots_is_noticed_in_one_process(folder: Path) -> None:
    assert work().returncode == 0
    artifact = Store().artifact("long")
    assert len(artifact.load()) == len(artifact.load()) == 3 << 20
    path = blob(bytes(3 << 20))
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(1 << 20)
        file.write(b"x")
    with pytest.raises(CorruptError, match=r"file `data\.bin`"):
        artifact.load()
    with pytest.raises(CorruptError):
        _ = artifact.folder


def test_what_is_written_to_an_artifacts_folder_does_not_reach_the_store(folder: Path) -> None:
    assert work().returncode == 0
    file = Store().artifact("text").folder / "text.txt"
    file.chmod(0o644)
    file.write_text("changed")
    assert load("text").startswith("str hello")
    assert (Store().artifact("text").folder / "text.txt").read_text() == "hello"


def test_swapped_manifests_are_noticed(folder: Path) -> None:
    assert work().returncode == 0
    for one, other in (("text", "config"), ("pair.both", "text"), ("config", "long")):
        sql(
            f"UPDATE artifacts SET digest = (SELECT digest FROM artifacts "
            f"WHERE name LIKE '%/{one}') WHERE name LIKE '%/{other}'"
        )
        assert load(other, "", ", program").startswith("CorruptError")


def test_a_manifest_whose_bytes_were_changed_is_noticed(folder: Path) -> None:
    assert work().returncode == 0
    for path in Path("store/objects").glob("*/*"):
        if path.read_bytes().startswith(b"cannery artifact"):
            path.chmod(0o644)
            path.write_bytes(path.read_bytes().replace(b"program.Special", b"subprocess.Popen"))
    assert load("config", "", ", program, subprocess").startswith("CorruptError")


@pytest.mark.parametrize("table", ["artifacts", "runs", "steps", "outputs", "key_parts"])
def test_a_view_that_never_ends_holds_no_command_up(folder: Path, table: str) -> None:
    assert work().returncode == 0
    catalog = sqlite3.connect("store/catalog.sqlite")
    columns = [row[1] for row in catalog.execute(f"PRAGMA table_info({table})")]
    catalog.execute(f"ALTER TABLE {table} RENAME TO other")
    rows = ", ".join(f"i AS {column}" for column in columns)
    catalog.execute(
        f"CREATE VIEW {table} AS WITH RECURSIVE n(i) AS "
        f"(VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT {rows} FROM n"
    )
    catalog.commit()
    catalog.close()
    for words in (["artifacts"], ["runs"], ["runs", "1"], ["lineage", "use"], ["why", "1", "use"]):
        command = [sys.executable, "-m", "cannery", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 2, done.stdout
        assert "the catalog has" in done.stderr
    assert work().returncode == 2


def test_plug_ins_of_the_current_folder_are_not_imported(folder: Path) -> None:
    assert work().returncode == 0
    info = folder / "evil-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[cannery.materializers]\nprogram = drop_all\n")
    assert load("config").startswith("DataTypeError")


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a store away"
)
def test_another_users_store_must_be_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert work().returncode == 0
    (folder / "store").rename(folder / ".cannery")
    os.chown(folder / ".cannery", 65534, -1)
    monkeypatch.delenv("CANNERY_STORE")
    monkeypatch.delenv("SUDO_UID", raising=False)
    (folder / "below").mkdir()
    monkeypatch.chdir(folder / "below")
    with pytest.raises(PermissionError, match="belongs to another user"):
        Store()
    command = [sys.executable, "-m", "cannery", "artifacts"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, "--store" in done.stderr) == (2, True)
    named = subprocess.run([*command, "--store", "../.cannery"], capture_output=True, check=False)
    assert named.returncode == 0
    assert Store(folder / ".cannery").artifact("text").load() == "hello"


def test_parts_of_a_stored_tuple_are_checked(tmp_path: Path) -> None:
    from cannery._values import _read_parts

    good = {"type_name": "builtins.str", "format_id": "text.txt/1", "metadata": {}}
    for bad in (
        [{**good, "format_id": "parts/1"}],
        [{**good, "type_name": 1}],
        [{**good, "more": 1}],
        [{"type_name": "x"}],
        ["x"],
        {},
    ):
        (tmp_path / "parts.json").write_bytes(cannery.json.encode(bad))
        with pytest.raises(CanneryError):
            _read_parts(tmp_path / "parts.json")


TEXTS = [
    "9" * 5000, "[" * 990 + "]" * 990, '{"a":' * 990 + "1" + "}" * 990, "[" * 10**5, '{"a": 1', "", "NaN",
    '{"$artifact": 1}', '{"$artifact": ["text", "x"]}', '{"$artifact": [[], {}]}', '{"$artifact": ["nothing", 1]}',
    '[{"$artifact": null}]', '{"a": ' + "9" * 5000 + "}", "1e99999", '"\\ud800"',
]  # fmt: skip


@pytest.mark.parametrize(
    ("table", "column"),
    [("artifacts", "created"), ("runs", "started"), ("runs", "ended"), ("steps", "started")],
)
@pytest.mark.parametrize("micros", [2**63 - 1, -(2**63), 253_402_300_800_000_000])
def test_a_time_that_no_calendar_has_is_damage(
    folder: Path, table: str, column: str, micros: int
) -> None:
    assert work().returncode == 0
    sql(f"UPDATE {table} SET {column} = {micros}")
    store = Store()
    ask = {
        "artifacts": lambda: [artifact.created for artifact in store.artifacts()],
        "runs": lambda: [(run.started, run.duration) for run in store.runs()],
        "steps": lambda: store.run(1)._repr_html_(),
    }
    with pytest.raises(CorruptError, match="a time outside of the years 1 to 9999") as caught:
        ask[table]()
    assert "cannery fsck --repair" in (caught.value.hint or "")
    if table != "steps":
        command = [sys.executable, "-m", "cannery", table]
        found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert found.returncode == 2
        assert "a time outside of the years 1 to 9999" in found.stderr


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text[:20])
def test_texts_of_the_catalog_are_errors_of_ours(folder: Path, text: str) -> None:
    assert work().returncode == 0
    catalog = sqlite3.connect("store/catalog.sqlite")
    catalog.execute("INSERT OR REPLACE INTO run_notes VALUES (1, ?, '')", (text,))
    catalog.execute("UPDATE runs SET params = ?", (text,))
    catalog.execute("UPDATE artifacts SET metadata = ?", (text,))
    catalog.commit()
    catalog.close()
    store = Store()
    for ask in (
        lambda: store.run(1).output,
        lambda: store.run(1).parameters,
        lambda: str(store.run(1).compare(1)),
        lambda: store.run(1).to_openlineage(),
        lambda: store.run(1)._repr_html_(),
        lambda: [artifact.metadata for artifact in store.artifacts()],
        lambda: store.artifact("text").load(),
    ):
        with contextlib.suppress(CanneryError):
            ask()


@pytest.mark.parametrize("command", ["store verify", "fsck --read-data"])
def test_an_object_that_is_only_a_length_is_not_read(folder: Path, command: str) -> None:
    assert work().returncode == 0
    largest = max(Path("store/objects").rglob("*"), key=lambda path: path.stat().st_size)
    largest.chmod(0o644)
    os.truncate(largest, 2**40)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    arguments = [sys.executable, "-m", "cannery", *command.split()]
    done = subprocess.run(
        arguments, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 1, done.stderr

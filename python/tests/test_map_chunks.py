"""`map_chunks`: results in order, errors with their rows, runs that are taken up."""
# ruff: noqa: E501  tables of cases

import json
import os
import pty
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import kill_harness
import pytest
from children import run_child

import cannery
from cannery import chunks, jsonl, map_chunks
from cannery.errors import DataError, WorkerError

ROWS = [{"id": n, "x": n / 4} for n in range(1_000)]
JOB = Path(__file__).with_name("map_job.py")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.jsonl"
    jsonl.write(path, ROWS)
    return path


def doubled(rows):
    return [{"id": row["id"], "x": 2 * row["x"]} for row in rows]


def fails_at_617(rows):
    for row in rows:
        check(row)
    return rows


def check(row):
    if row["id"] == 617:
        raise ZeroDivisionError("no 617")


def total_below(rows):
    if sum(1 for row in rows if row["id"] == 617):
        raise LookupError("somewhere")
    return rows


def dies_at_617(rows):
    if any(row["id"] == 617 for row in rows):
        os.kill(os.getpid(), signal.SIGKILL)
    return rows


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# --- results


@pytest.mark.parametrize(
    "how", [{"workers": 0}, {"workers": 3, "executor": "threads"}, {"workers": 2}, {}]
)
def test_results_are_in_order_whoever_works(source: Path, how) -> None:
    to = source.with_name("out.jsonl")
    done = map_chunks(doubled, source, to, rows=64, **how)
    assert list(jsonl.read(to)) == doubled(ROWS)
    assert (done.path, done.rows_in, done.rows_out, done.chunks) == (to, 1_000, 1_000, 16)
    assert left(source.parent) == ["in.jsonl", "out.jsonl"]


@pytest.mark.parametrize(
    ("fn", "expected"),
    [
        (lambda rows: None, []),
        (lambda rows: [], []),
        (lambda rows: {"n": len(rows)}, [{"n": 400}, {"n": 400}, {"n": 200}]),
        (lambda rows: (row["id"] for row in rows if row["id"] > 997), [998, 999]),
        (lambda rows: [1, None, "x", [2]] if rows[0]["id"] == 400 else None, [1, None, "x", [2]]),
        (lambda rows: [rows[0], rows[0]], [ROWS[n] for n in (0, 0, 400, 400, 800, 800)]),
    ],
)  # fmt: skip
def test_a_function_returns_as_many_rows_as_it_likes(source: Path, fn, expected) -> None:
    for name in ("out.jsonl", "out.json", "out.msgpack"):
        to = source.with_name(name)
        map_chunks(fn, source, to, rows=400, workers=0)
        found = (
            json.loads(to.read_text())
            if name == "out.json"
            else [row for chunk in chunks(to) for row in chunk]
        )
        assert found == expected, name


def test_arrays_and_tables_are_rows_too(tmp_path: Path) -> None:
    np = pytest.importorskip("numpy")
    pandas = pytest.importorskip("pandas")
    whole = np.arange(600.0).reshape(200, 3)
    np.save(tmp_path / "a.npy", whole)
    done = map_chunks(
        lambda a: a[a[:, 0] > 30] * 2, tmp_path / "a.npy", tmp_path / "b.npy", rows=64, workers=0
    )
    assert (np.load(tmp_path / "b.npy") == (whole * 2)[11:]).all()
    assert done.rows_out == 189
    map_chunks(lambda a: a, tmp_path / "a.npy", tmp_path / "c.jsonl", workers=0)
    assert next(iter(jsonl.read(tmp_path / "c.jsonl"))) == [0.0, 1.0, 2.0]
    frame = pandas.DataFrame({"a": range(10), "b": list("abcdefghij")})
    map_chunks(lambda f: f[f.a % 2 == 0], frame, tmp_path / "d.csv", rows=4, workers=0)
    assert (tmp_path / "d.csv").read_text() == "a,b\n0,a\n2,c\n4,e\n6,g\n8,i\n"
    map_chunks(lambda a: {"n": a[:, 0], "m": a[:, 1]}, whole, tmp_path / "e.csv", workers=0)
    assert (tmp_path / "e.csv").read_text().splitlines()[:2] == ["n,m", "0.0,1.0"]
    with pytest.raises(TypeError, match="and this one is of '<i8' and shape") as raised:
        map_chunks(
            lambda a: a if a[0, 0] < 90 else a.astype("int64"),
            tmp_path / "a.npy", tmp_path / "f.npy", rows=50, workers=0,
        )  # fmt: skip
    assert "chunk 1 (rows 50 to 99" in "".join(raised.value.__notes__)


def test_a_dataset_of_hdf5_grows(tmp_path: Path) -> None:
    np = pytest.importorskip("numpy")
    from cannery import hdf5

    whole = np.arange(60_000.0).reshape(20_000, 3)
    map_chunks(lambda a: a[::2], whole, tmp_path / "a.h5", rows=640, workers=0)
    with hdf5.File(tmp_path / "a.h5") as file:
        assert (file["data"][()] == whole[::2]).all()
        assert file["data"].maxshape == (None, 3)
    rows = [{"i": i, "x": i / 2} for i in range(100)]
    map_chunks(lambda part: part, rows, tmp_path / "b.h5", rows=30, workers=0)
    with hdf5.File(tmp_path / "b.h5") as file:
        assert file["data"].dtype == [("i", "<i8"), ("x", "<f8")]
        assert file["data"]["x"].tolist() == [i / 2 for i in range(100)]
    with pytest.raises(TypeError, match="column 'b' has others"):
        map_chunks(lambda _: [{"a": 1, "b": "x"}], rows, tmp_path / "c.h5", workers=0)


@pytest.mark.parametrize(
    "name", ["out.jsonl.gz", "out.csv.zst", "out.csv.bz2", "out.tsv", "out.parquet", "out.arrow"]
)
def test_what_is_written_is_read_back(source: Path, name: str) -> None:
    if name.endswith(("parquet", "arrow")):
        pytest.importorskip("pyarrow")
    to = source.with_name(name)
    map_chunks(doubled, source, to, rows=300, workers=0)
    assert [row for chunk in chunks(to) for row in chunk] == doubled(ROWS)


def test_chunks_of_all_kinds_are_sources(source: Path) -> None:
    train, test = chunks(source, rows=128).split((0.8,), seed=1)
    to = source.with_name("out.jsonl")
    map_chunks(doubled, train.shuffle(2), to, workers=2)
    ids = [row["id"] for row in jsonl.read(to)]
    assert len(ids) == 800
    assert sorted([*ids, *(row["id"] for chunk in test for row in chunk)]) == list(range(1_000))
    map_chunks(list, chunks(source, rows=128).standardize(["x"]), to, workers=2)
    assert abs(sum(row["x"] for row in jsonl.read(to))) < 1e-9
    map_chunks(list, str(source.with_name("in*.jsonl")), to, workers=0, columns=["x"])
    assert list(jsonl.read(to)) == [{"x": row["x"]} for row in ROWS]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"dst": "in.jsonl"}, ValueError, "is the source, too"),
        ({"dst": "nowhere/out.jsonl"}, FileNotFoundError, "there is no folder"),
        ({"dst": "."}, ValueError, "is a folder"),
        ({"dst": "out.xyz"}, ValueError, "does not say which format"),
        ({"dst": "out.npy.gz"}, ValueError, "npy is not written compressed"),
        ({"dst": "out.jsonl.zz"}, ValueError, "none can be appended"),
        ({"fn": "doubled"}, TypeError, "expected a function, got str"),
        ({"workers": -1}, ValueError, "expected a number of workers"),
        ({"workers": 1.5}, TypeError, "expected a number of workers"),
        ({"executor": "fork"}, ValueError, "is no executor"),
        ({"resume": "yes"}, ValueError, "not known for resume="),
        ({"fn": lambda rows: "text"}, TypeError, "the function returned str, which is no rows"),
        ({"fn": lambda rows: 5}, TypeError, "the function returned int, which is no rows"),
        ({"fn": lambda rows: [object()]}, TypeError, "object"),
        ({"fn": lambda rows: [{"a": [1]}], "dst": "out.csv"}, ValueError, "found a list"),
        ({"src": "ftp://a/b.jsonl"}, ValueError, "addresses of this kind"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(source: Path, monkeypatch, arguments, error, words) -> None:
    monkeypatch.chdir(source.parent)
    call = {"fn": doubled, "src": source, "dst": "out.jsonl", "workers": 0, **arguments}
    with pytest.raises(error, match=words) as raised:
        map_chunks(**call)
    assert isinstance(raised.value, cannery.CanneryError)
    assert not Path("out.jsonl").exists()
    assert list(jsonl.read(source)) == ROWS


def test_a_row_with_a_new_column_is_named(source: Path) -> None:
    rows = [*ROWS[:500], {"id": 500, "y": 1}]
    for name in ("out.csv", "out.parquet"):
        if name == "out.parquet":
            pytest.importorskip("pyarrow")
        with pytest.raises(ValueError, match=r"column [`']y[`']") as raised:
            map_chunks(list, rows, source.with_name(name), rows=100, workers=0)
        assert "chunk 5 (rows 500 to 500" in "".join(raised.value.__notes__)


# --- errors


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(
    ("fn", "kind"), [(fails_at_617, ZeroDivisionError), (total_below, LookupError)]
)
def test_an_exception_names_its_row_and_keeps_its_traceback(
    source: Path, workers, fn, kind
) -> None:
    to = source.with_name("out.jsonl")
    with pytest.raises(kind) as raised:
        map_chunks(fn, source, to, rows=100, workers=workers)
    notes = "\n".join(raised.value.__notes__)
    assert f"raised for row 617 of {source}, in chunk 6 (rows 600 to 699 of {source})" in notes
    assert "6 chunks (600 rows) are kept in" in notes
    if workers:
        assert f"in {fn.__name__}\n" in str(raised.value.__cause__)
    assert not to.exists()
    assert left(source.parent) == ["in.jsonl", "out.jsonl.journal", "out.jsonl.partial"]


def test_a_bad_line_is_named_by_chunk_and_line(source: Path) -> None:
    with source.open("a") as file:
        file.write("{oops\n")
    with pytest.raises(ValueError, match="at line 1001") as raised:
        map_chunks(doubled, source, source.with_name("out.jsonl"), rows=300, workers=1)
    assert "in chunk 3 (rows 900 to 1000" in "".join(raised.value.__notes__)


def test_functions_that_workers_cannot_have_are_refused(source: Path) -> None:
    def inner(rows):
        return rows

    to = source.with_name("out.jsonl")
    for fn, words in [(lambda rows: rows, "is a lambda"), (inner, "within another function")]:
        with pytest.raises(cannery.errors.DataTypeError, match=words) as raised:
            map_chunks(fn, source, to, workers=1)
        hint = raised.value.hint or ""
        assert "workers=0" in hint
        assert 'executor="threads"' in hint
    code = f"""
        def fn(rows): return rows
        try:
            cannery.map_chunks(fn, {str(source)!r}, {str(to)!r}, workers=1)
        except TypeError as error:
            print(error)
    """
    assert "in a notebook or at a prompt" in run_child(code)
    assert left(source.parent) == ["in.jsonl"]


def test_a_worker_that_is_killed_is_named_and_the_run_goes_on(source: Path) -> None:
    to = source.with_name("out.jsonl")
    with pytest.raises(
        WorkerError, match=r"ended by SIGKILL while it worked on chunk 6 \(rows 600"
    ) as raised:
        map_chunks(dies_at_617, source, to, rows=100, workers=2)
    assert "memory" in (raised.value.hint or "")
    assert not children()


def test_a_script_without_its_guard_is_told_so(source: Path, tmp_path: Path) -> None:
    script = tmp_path / "job.py"
    script.write_text(
        textwrap.dedent("""
        import sys, cannery
        def fn(rows):
            return rows
        try:
            cannery.map_chunks(fn, sys.argv[1], sys.argv[2], workers=2)
        except RuntimeError as error:
            print(error, error.hint)
    """)
    )
    command = [sys.executable, script, source, tmp_path / "out.jsonl"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert 'if __name__ == "__main__":' in done.stdout
    assert done.stdout.count("while a worker imported the main file") == 1
    assert done.stderr == ""


# --- interruptions


def children(of: int | None = None) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            name = (entry / "cmdline").read_bytes() if fields[0] != "Z" else b""
            if int(fields[1]) == (of or os.getpid()) and b"spawn_main" in name:
                found.append(int(entry.name))
    return found


def wait_for(condition, seconds: float = 30):
    until = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < until
        time.sleep(0.02)
    return found


def journal_has(path: Path, lines: int) -> bool:
    return path.exists() and path.read_bytes().count(b"\n") >= lines


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked at as Linux shows them")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM])
def test_no_worker_outlives_the_run(source: Path, how: signal.Signals) -> None:
    jsonl.write(source, ({"id": n, "x": float(n)} for n in range(20_000)))
    to, straight = source.with_name("out.jsonl"), source.with_name("straight.jsonl")
    process = subprocess.Popen(
        [sys.executable, JOB, source, to],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, text=True,
    )  # fmt: skip
    workers = wait_for(lambda: len(found := children(process.pid)) == 2 and found)
    wait_for(lambda: journal_has(to.with_name("out.jsonl.journal"), 2))
    if how == signal.SIGINT:
        # As a terminal does it: to all processes at once.
        os.killpg(process.pid, how)
    else:
        process.send_signal(how)
    _, err = process.communicate(timeout=30)
    assert process.returncode == -how
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), 10)
    if how == signal.SIGINT:
        assert err.count("Traceback") == 1
        assert "are kept in" in err
        assert "the same call goes on from there" in err
    assert not to.exists()
    rerun = subprocess.run(
        [sys.executable, JOB, source, to], capture_output=True, text=True, check=True
    )
    assert int(rerun.stdout.split()[1]) > 0, "it was taken up"
    subprocess.run(
        [sys.executable, JOB, source, straight, "workers=0"], check=True, capture_output=True
    )
    assert to.read_bytes() == straight.read_bytes()


def test_runs_that_are_killed_end_as_those_that_are_not(tmp_path: Path) -> None:
    met, _ = kill_harness.kill_often(tmp_path, 12, seed=11)
    assert met == 12


def interrupted(source, to: Path, fn=doubled, after: int = 5, **options) -> None:
    """Leave a run of which some chunks are done."""
    calls = 0

    class StopError(Exception):
        pass

    def stops(rows):
        nonlocal calls
        calls += 1
        if calls > after:
            raise StopError
        return fn(rows)

    # The journal shall say that it was `fn`.
    from cannery._map import _task

    real = _task.do

    def do(job, task):
        return real(_task.Job(stops, job.form, job.target, job.name), task)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cannery._map._workers.do", do)
        with pytest.raises(StopError):
            map_chunks(fn, source, to, **{"rows": 100, "workers": 0, **options})


def test_a_run_is_taken_up_by_any_number_of_workers(source: Path) -> None:
    to = source.with_name("out.jsonl")
    for workers in (0, 2):
        interrupted(source, to)
        assert map_chunks(doubled, source, to, rows=100, workers=workers).resumed_chunks == 5
        assert list(jsonl.read(to)) == doubled(ROWS)


def test_what_was_cut_off_is_cut_away(source: Path) -> None:
    to = source.with_name("out.jsonl")
    interrupted(source, to)
    with to.with_name("out.jsonl.partial").open("a") as file:
        file.write('{"id": 500, "x')
    with to.with_name("out.jsonl.journal").open("a") as file:
        file.write('{"chunks": 6, "rows_in')
    assert map_chunks(doubled, source, to, rows=100, workers=0).resumed_chunks == 5
    assert list(jsonl.read(to)) == doubled(ROWS)


@pytest.mark.parametrize(
    "name", ["out.npy", "out.h5", "out.parquet", "out.json", "out.csv", "out.jsonl.gz"]
)
def test_a_run_that_ended_before_the_file_had_its_name(source: Path, name: str) -> None:
    if name == "out.parquet":
        pytest.importorskip("pyarrow")
    if name in ("out.npy", "out.h5"):
        pytest.importorskip("numpy")
    fn = numbers if name in ("out.npy", "out.h5") else doubled
    to, straight = source.with_name(name), source.with_name(f"straight{name}")
    map_chunks(fn, source, straight, rows=100, workers=0)
    for point in ("_complete", "_rename", "note", "replace", "remove"):
        with pytest.MonkeyPatch.context() as patch:
            pull_the_plug(patch, point)
            with pytest.raises(OSError, match="pulled"):
                map_chunks(fn, source, to, rows=100, workers=0)
        done = map_chunks(fn, source, to, rows=100, workers=0)
        assert done.rows_out == 1_000
        assert to.read_bytes() == straight.read_bytes(), point
        assert left(source.parent) == sorted(["in.jsonl", name, straight.name])
        to.unlink()


def numbers(rows):
    return [[row["id"], row["x"]] for row in rows]


def pull_the_plug(patch: pytest.MonkeyPatch, point: str) -> None:
    """Make the run fail at one of its last acts: before it, or behind it where it is a method."""
    from cannery import _map
    from cannery._map import _journal

    def pulled(*_):
        raise OSError("the plug was pulled")

    def behind(real):
        def both(*arguments):
            real(*arguments)
            pulled()

        return both

    if point == "_complete":
        patch.setattr(_map._Run, "_complete", behind(_map._Run._complete))
    elif point == "_rename":
        patch.setattr(_map._Run, "_rename", pulled)
    elif point == "note":
        real = _journal.Journal.note

        def note(journal, done):
            real(journal, done)
            if done.is_complete:
                pulled()

        patch.setattr(_journal.Journal, "note", note)
    elif point == "replace":
        patch.setattr(_map, "sync_folder", pulled)
    else:
        patch.setattr(_journal.Journal, "remove", pulled)


def tripled(rows):
    return [{"id": row["id"], "x": 3 * row["x"]} for row in rows]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"fn": tripled}, "since then changed: the function"),
        ({"rows": 50}, r"the parameter rows \(100, now 50\)"),
        ({"columns": ["id", "x"]}, "the source: columns"),
        ({"as_": "pandas"}, "the parameter as_"),
        ({"grow": True}, r"the source: modified .*the source: size"),
        ({"touch": True}, "the source: modified"),
        ({"spoil": True}, "partial was changed since it was written"),
        ({"shorten": True}, "partial is shorter than its journal says"),
        ({"journal": True}, "is not the journal of a run"),
    ],
)  # fmt: skip
def test_another_run_is_not_taken_up(source: Path, change, words) -> None:
    to, partial = source.with_name("out.jsonl"), source.with_name("out.jsonl.partial")
    interrupted(source, to)
    change = dict(change)
    if change.pop("grow", None):
        with source.open("a") as file:
            file.write('{"id": 1000, "x": 1}\n')
    if change.pop("touch", None):
        os.utime(source)
    if change.pop("spoil", None):
        partial.write_bytes(partial.read_bytes().replace(b"7", b"8", 1))
    if change.pop("shorten", None):
        partial.write_bytes(partial.read_bytes()[:-1])
    if change.pop("journal", None):
        to.with_name("out.jsonl.journal").write_text('{"shopping": ["milk"]}\n')
    call = {"fn": doubled, "src": source, "dst": to, "rows": 100, "workers": 0, **change}
    with pytest.raises((OSError, ValueError), match=words) as raised:
        map_chunks(**call)
    assert isinstance(raised.value, cannery.CanneryError)
    assert 'resume="restart"' in (raised.value.hint or "")
    assert partial.exists(), "nothing is lost"
    if "as_" not in change:
        assert map_chunks(**call, resume="restart").resumed_chunks == 0
        assert list(jsonl.read(to)) == call["fn"](list(jsonl.read(source)))


def test_without_resume_no_journal_is_kept(source: Path) -> None:
    to = source.with_name("out.jsonl")
    interrupted(source, to, resume=False)
    assert map_chunks(doubled, source, to, rows=100, workers=0).resumed_chunks == 0
    assert list(jsonl.read(to)) == doubled(ROWS)


def test_an_iterator_begins_anew(source: Path) -> None:
    to = source.with_name("out.jsonl")
    interrupted(iter(ROWS), to)
    assert map_chunks(doubled, iter(ROWS), to, rows=100, workers=0).resumed_chunks == 0
    assert list(jsonl.read(to)) == doubled(ROWS)
    interrupted(ROWS, to)
    assert map_chunks(doubled, ROWS, to, rows=100, workers=0).resumed_chunks == 5
    interrupted(ROWS, to)
    with pytest.raises(OSError, match="since then changed: the source"):
        map_chunks(doubled, ROWS[1:], to, rows=100, workers=0)


def test_two_runs_do_not_write_one_file(source: Path) -> None:
    to = source.with_name("out.jsonl")

    def within(rows):
        map_chunks(doubled, source, to, workers=0)
        return rows

    with pytest.raises(OSError, match="another process is writing") as raised:
        map_chunks(within, source, to, workers=0)
    assert isinstance(raised.value, cannery.CanneryError)


# --- progress


def test_progress_is_for_terminals(source: Path) -> None:
    code = f"""
        import cannery, time
        def slow(rows):
            time.sleep(0.15)
            return rows
        to = {str(source.with_name("out.jsonl"))!r}
        cannery.map_chunks(slow, {str(source)!r}, to, rows=100, workers=0)
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    quiet = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (quiet.stdout, quiet.stderr) == ("", "")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, stderr=theirs)
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError:
        pass
    assert process.wait() == 0
    text = shown.decode()
    for word in ("in.jsonl to out.jsonl: ", " rows (", " rows/s", " left", " MB of memory"):
        assert word in text, text
    assert text.rstrip(" ").endswith("\r"), "the line is taken away"


# --- the example


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux tells it")
def test_the_example_trains_on_200_megabytes(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    script = Path(__file__).parents[2] / "examples" / "larger_than_memory.py"
    done = subprocess.run(
        [sys.executable, script, "200"],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=1_200,
    )
    assert done.returncode == 0, done.stderr
    said = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert said["table"] == "200 MB"
    assert float(said["right"].split()[0]) > 0.75
    peak, each = (int(word) for word in said["memory"].split() if word.isdigit())
    assert peak < 500
    assert each < 500


# --- the command


def command(*words, **options):
    line = [sys.executable, "-m", "cannery", "map-chunks", *map(str, words)]
    return subprocess.run(line, capture_output=True, text=True, timeout=120, **options)


def test_the_command_does_the_same(source: Path, tmp_path: Path) -> None:
    (tmp_path / "clean.py").write_text(
        "def clean(rows):\n    return [row for row in rows if row['id'] % 2]\n"
        "def fails(rows):\n    return [1 / (row['id'] - 617) for row in rows]\n"
    )
    to = tmp_path / "out.csv"
    done = command(
        f"{tmp_path}/clean.py:clean", source, to, "--rows", 300, "--workers", 2, "--json"
    )
    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    assert (said["rows_in"], said["rows_out"], said["chunks"]) == (1_000, 500, 4)
    assert to.read_text().startswith("id,x\n1,0.25\n3,0.75\n")
    failed = command(f"{tmp_path}/clean.py:fails", source, to, "--workers", 1)
    assert failed.returncode == 2
    assert "ZeroDivisionError" in failed.stderr
    assert f"raised for row 617 of {source}" in failed.stderr
    missing = command(f"{tmp_path}/clean.py:wash", source, to)
    assert missing.returncode == 2
    assert "has no function `wash`" in missing.stderr
    assert "hint: it has clean, fails" in missing.stderr
    assert "expected `FILE.py:FUNCTION`" in command(f"{tmp_path}/clean.py", source, to).stderr


def test_tables_go_through_every_command(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,name\n1,Ada\n2,\n")

    def run(*words):
        line = [sys.executable, "-m", "cannery", *words]
        return subprocess.run(line, capture_output=True, text=True, cwd=tmp_path, timeout=60)

    assert run("cat", "a.csv").stdout == '{"id":1,"name":"Ada"}\n{"id":2,"name":null}\n'
    assert run("head", "-n", "1", "a.csv").stdout == '{"id":1,"name":"Ada"}\n'
    assert run("convert", "a.csv", "b.jsonl").returncode == 0
    assert run("convert", "b.jsonl", "c.tsv").returncode == 0
    assert (tmp_path / "c.tsv").read_text() == "id\tname\n1\tAda\n2\t\n"
    assert run("convert", "c.tsv", "d.csv.gz").returncode == 0
    assert run("cat", "d.csv.gz").stdout == run("cat", "a.csv").stdout
    (tmp_path / "bad.csv").write_text('a,b\n1\n2,3\n4,"5\n')
    checked = run("validate", "bad.csv")
    assert checked.returncode == 1
    assert "row 0 has 1 fields" in checked.stdout + checked.stderr
    assert "is never closed at line 4" in checked.stdout + checked.stderr
    rows = [{"id": 1, "name": "Ada"}, {"id": 2, "name": None}]
    assert cannery.load(tmp_path / "a.csv") == rows
    for name in ("e.csv", "e.tsv", "e.csv.xz"):
        cannery.dump(rows, tmp_path / name)
        assert cannery.load(tmp_path / name) == rows
    assert (tmp_path / "e.tsv").read_text() == (tmp_path / "c.tsv").read_text()
    assert cannery.loads(cannery.dumps(rows, "csv"), "csv") == rows


@pytest.mark.parametrize("name", ["journal", "partial", "assembled"])
@pytest.mark.parametrize("how", ["link", "dangling", "hard link", "pipe", "folder"])
def test_what_others_put_beside_the_file_is_not_written_through(
    source: Path, tmp_path: Path, name: str, how: str
) -> None:
    to, other = tmp_path / "out.jsonl", tmp_path / "precious"
    other.write_text("precious\n")
    beside = to.with_name(f"out.jsonl.{name}")
    if how == "link":
        beside.symlink_to(other)
    elif how == "dangling":
        beside.symlink_to(tmp_path / "nothing")
    elif how == "hard link":
        beside.hardlink_to(other)
    elif how == "pipe":
        os.mkfifo(beside)
    else:
        beside.mkdir()
    for resume in (True, False, "restart"):
        with pytest.raises(DataError, match=rf"out\.jsonl\.{name}"):
            map_chunks(doubled, source, to, rows=100, workers=0, resume=resume)
    assert other.read_text() == "precious\n"
    assert not (tmp_path / "nothing").exists()


BAD_ENTRIES = [
    {"chunks": -1}, {"chunks": "5"}, {"length": -5}, {"length": 1.5}, {"length": 2**80},
    {"prologue": 10**9}, {"checksum": None}, {"rows_in": [1]}, {"is_complete": 1}, {"chunks": True},
]  # fmt: skip


@pytest.mark.parametrize("change", BAD_ENTRIES, ids=str)
def test_a_journal_of_a_stranger_is_looked_at(source: Path, change: dict) -> None:
    to = source.with_name("out.jsonl")
    interrupted(source, to)
    path = to.with_name("out.jsonl.journal")
    *lines, last = path.read_text().splitlines()
    path.write_text("\n".join([*lines, json.dumps({**json.loads(last), **change})]) + "\n")
    before = (to.with_name("out.jsonl.partial")).read_bytes()
    with pytest.raises(DataError, match=r"is not the journal of a run"):
        map_chunks(doubled, source, to, rows=100, workers=0)
    assert to.with_name("out.jsonl.partial").read_bytes() == before


BAD_HEADS = [
    ["'|O'", []], ["[('a', '|O')]", []], ["[('a', [('b', '|O')])]", [2]], ["(" * 5000, []], ["'<f8'", [-1]],
    ["'<f8'", ["x"]], ["'<f8'", [2**70]], ["__import__('os')", []], [1, []], "x", ["-" * 100_000 + "1", []],
]  # fmt: skip


@pytest.mark.parametrize("head", BAD_HEADS, ids=lambda head: str(head)[:30])
def test_no_objects_are_made_of_the_bytes_of_a_partial_file(tmp_path: Path, head) -> None:
    from cannery._map._targets import open_target

    (tmp_path / "parts").write_bytes(bytes(range(64)))
    target = open_target(str(tmp_path / "a.h5"), None)
    with pytest.raises(DataError, match="the journal does not say"):
        target.assemble(tmp_path / "parts", head, tmp_path / "out")

"""What a run leaves behind: its records, and nothing in the process."""

import pytest
from children import run_child

from cannery import CanneryError, Store, pipeline, step

RUNS = """
    import resource, tempfile, threading
    from cannery import Store, pipeline, step
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    store = tempfile.mkdtemp()

    @step
    def make(number: int, padding: bytes) -> bytes:
        return bytes(1000) + bytes([number])

    @step
    def measure(data: bytes) -> int:
        return len(data)

    @step
    def fail(data: bytes) -> int:
        raise ValueError(str(len(data)))

    @pipeline(store=store)
    def work(number: int):
        return measure(make(number, bytes(200_000)))

    @pipeline(store=store)
    def failing(number: int):
        return fail(make(number, bytes(200_000)))

    def descriptors():
        return len(os.listdir("/proc/self/fd"))

    def pages():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1])

    def once(number):
        kept.append(work(number % 3))
        try:
            failing(number % 3)
        except ValueError:
            pass
    kept = []
    open_before, threads_before = descriptors(), threading.active_count()
"""


def test_many_runs_in_a_process_keep_no_descriptors_threads_and_values():
    printed = run_child(
        RUNS
        + """
    for number in range(20):
        once(number)
    size = pages()
    for number in range(180):
        once(number)
    gc.collect()
    assert descriptors() == open_before, descriptors() - open_before
    assert len(os.listdir("/proc/self/task")) == threads_before
    grown = (pages() - size) * os.sysconf("SC_PAGESIZE")
    assert grown < 20 << 20, f"{grown} bytes for 360 runs whose inputs are 200 kB each"
    assert {run.output.load() for run in kept} == {1001}
    assert [step.cached for step in kept[-1].steps.values()] == [True, True]
    assert descriptors() == open_before
    print("OK")
    """
    )
    assert printed == "OK"


def test_closing_a_store_leaves_nothing_open():
    printed = run_child(
        RUNS
        + """
    with Store(store) as opened:
        run = work.with_options(store=opened)(1)
        assert len(opened.runs()) == 1
    assert descriptors() == open_before and os.listdir(store + "/tmp") == []
    try:
        opened.runs()
    except ValueError as error:
        assert "closed" in str(error)
    else:
        raise AssertionError("a closed store answers")
    assert run.output.load() == 1001 and run.steps["measure"].status == "completed"
    assert descriptors() == open_before
    print("OK")
    """
    )
    assert printed == "OK"


def test_artifacts_of_a_failed_run_tell_its_error_in_words(tmp_path):
    given = []

    @step
    def fail() -> int:
        raise ValueError("the reason")

    @pipeline(store=tmp_path / "store")
    def failing():
        given.append(fail())

    for _ in range(2):
        with pytest.raises(ValueError, match="the reason"):
            failing()
    with pytest.raises(CanneryError, match="the reason"):
        given[0].load()
    assert [run.status for run in Store(tmp_path / "store").runs()] == ["failed", "failed"]

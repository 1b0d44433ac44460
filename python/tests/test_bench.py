"""The harness of the tables: a wrong answer is never timed, a ratio is what it says."""

from bench.harness import Contender, Effort, Table, measure, megabytes_per_second, same, verified

QUICK = Effort(seconds=0.001, rounds=1)


def make_table(**figures: float) -> Table:
    table = Table("doubling, MB/s", megabytes_per_second)
    table.add("small", 1_000_000, figures)
    return table


def test_same_tells_apart_what_equality_does_not():
    assert same({"a": [1.5, None]}, {"a": [1.5, None]})
    for result, expected in [
        (1, 1.0),
        (True, 1),
        (-0.0, 0.0),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ]:
        assert result == expected
        assert not same(result, expected)


def test_a_wrong_or_failing_contender_is_named_and_left_out():
    table = make_table()
    contenders = [
        Contender("right", lambda value: value * 2),
        Contender("wrong", lambda value: value * 3),
        Contender("failing", lambda value: value["x"]),
    ]
    right = verified(contenders, 2, lambda result: result == 4, table, "small")
    assert [contender.name for contender in right] == ["right"]
    assert table.complaints == [
        "- wrong on small, not timed: a different result",
        "- failing on small, not timed: TypeError: 'int' object is not subscriptable",
    ]


def test_the_ratio_is_the_best_peers_time_over_ours():
    table = make_table(slow=0.4, fast=0.2, cannery=0.1)
    assert table.ratio("small") == 2.0
    assert "| fast | **5** |" in list(table.lines())
    assert "| best peer / cannery | **2.00x** |" in list(table.lines())


def test_the_ratio_may_be_to_one_peer():
    table = make_table(slow=0.4, fast=0.2, cannery=0.1)
    table.against = "slow"
    assert table.ratio("small") == 4.0
    assert "| slow / cannery | **4.00x** |" in list(table.lines())


def test_there_is_no_ratio_without_a_peer():
    assert make_table(cannery=0.1).ratio("small") is None


def test_fresh_input_is_made_for_every_call_and_not_timed():
    made = []
    taken = []

    def fresh() -> int:
        made.append(len(made))
        return made[-1]

    figures = measure([Contender("take", taken.append)], fresh=fresh, effort=QUICK)
    assert taken == made
    assert len(taken) >= 2
    assert figures["take"] < 0.01

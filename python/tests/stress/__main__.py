"""Runs children, or is one."""

from __future__ import annotations

import argparse
import faulthandler
import os
import random
import subprocess
import sys
from pathlib import Path

from .conditions import CONDITIONS


def child(condition: str, seed: int, rounds: int, only: str | None) -> int:
    """Makes random calls under a condition; gives the number of panics."""
    from .calls import CALLS
    from .conditions import run_in
    from .world import World, worlds

    panics = 0
    names = [only] if only else list(CALLS)

    def work() -> None:
        nonlocal panics
        choose = random.Random(seed)
        for number in range(rounds):
            name = choose.choice(names)
            world = World(seed * 1_000_003 + number)
            worlds.append(world)
            value = world.value()
            try:
                with CONDITIONS[condition]():
                    CALLS[name](world, value)
            except Exception as error:
                if type(error).__name__ == "PanicException":
                    print(f"panic in {name}, round {number}: {error}", file=sys.stderr)
                    panics += 1
            worlds.clear()

    run_in(condition, work)
    return panics


def run_child(condition: str, seed: int, rounds: int, only: str | None) -> str | None:
    """Starts a child; gives what was wrong with it."""
    arguments = ["--child", condition, "--seed", str(seed), "--rounds", str(rounds)]
    if only:
        arguments += ["--only", only]
    folder = Path(__file__).resolve().parents[1]
    run = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-m", "stress", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *filter(None, sys.path)])},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=900,
    )
    if run.returncode == 0:
        return None
    what = f"signal {-run.returncode}" if run.returncode < 0 else f"status {run.returncode}"
    return f"{condition}, seed {seed}: {what}\n{run.stderr[-3000:]}"


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="stress", description=__doc__)
    parser.add_argument("--child", choices=sorted(CONDITIONS))
    parser.add_argument("--condition", choices=sorted(CONDITIONS), action="append")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=200, help="calls of each child")
    parser.add_argument("--children", type=int, default=1, help="children for each condition")
    parser.add_argument("--only", help="one of the calls")
    options = parser.parse_args()
    if options.child:
        faulthandler.enable()
        return 1 if child(options.child, options.seed, options.rounds, options.only) else 0
    failures = 0
    for number in range(options.children):
        for condition in options.condition or CONDITIONS:
            wrong = run_child(condition, options.seed + number, options.rounds, options.only)
            if wrong:
                failures += 1
                print(wrong, flush=True)
    print(f"{options.children} children for each condition, {failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

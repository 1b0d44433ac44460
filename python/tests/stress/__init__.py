"""Everything that Python code can do to the binding while that works: in child processes, seeded.

`python -m stress --rounds 200 --seed 1` from `python/tests`; `make soak` runs it for longer. A
child fails if it ends by a signal, or if a panic shows where there was memory.
"""

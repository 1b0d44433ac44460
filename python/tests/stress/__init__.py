"""Everything that Python code can do to the binding while that works: in child processes, seeded.

`python -m stress --rounds 200 --seed 1` from `python/tests`; `make soak` runs it for longer. A child
fails if it ends by a signal, if a panic shows, or if what is written differs from what is read back.
"""

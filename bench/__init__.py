"""Side-by-side measurements against the peers: `make bench`, or `python -m bench --help`."""

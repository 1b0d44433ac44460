# The private module that is built from crates/python.

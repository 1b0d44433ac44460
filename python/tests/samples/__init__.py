"""Objects of every kind that is data, each by a function that makes an equal one in any process."""

from samples import graphs, instances, models, rarer, stdlib, subclasses, values
from samples.registry import REFUSED, SAME, SAMPLES, TRUST

__all__ = [
    "REFUSED",
    "SAME",
    "SAMPLES",
    "TRUST",
    "graphs",
    "instances",
    "models",
    "rarer",
    "stdlib",
    "subclasses",
    "values",
]

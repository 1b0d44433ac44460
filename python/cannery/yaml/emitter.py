"""Events to text, by the name that programs import."""

from cannery._yaml_emit import Emitter, ScalarAnalysis
from cannery._yaml_errors import EmitterError

__all__ = ["Emitter", "EmitterError", "ScalarAnalysis"]

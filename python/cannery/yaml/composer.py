"""Events to nodes, by the name that programs import."""

from cannery._yaml_errors import ComposerError
from cannery._yaml_parse import Composer

__all__ = ["Composer", "ComposerError"]

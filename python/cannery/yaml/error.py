"""What can be wrong, by the name that programs import."""

from cannery._yaml_errors import Mark, MarkedYAMLError, YAMLError

__all__ = ["Mark", "MarkedYAMLError", "YAMLError"]

"""Tags of plain scalars, by the name that programs import."""

from cannery._yaml_errors import ResolverError
from cannery._yaml_resolve import BaseResolver, Resolver

__all__ = ["BaseResolver", "Resolver", "ResolverError"]

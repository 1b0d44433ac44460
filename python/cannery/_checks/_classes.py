"""Checks of classes with declared fields, of typed dictionaries and of protocols."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import os
import sys
import sysconfig
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_args, get_origin

from cannery._annotations._generics import annotations_of
from cannery._annotations._refusal import refusal
from cannery._annotations._scope import annotations_of_class
from cannery._checks._check import Check, Mismatch, Walk, name_of, segment
from cannery.errors import DataTypeError

if TYPE_CHECKING:
    from cannery._checks._compile import Compiler

_MISSING = object()
# Names that every protocol has and that are no members of it.
_NOT_MEMBERS = frozenset(
    {
        "__abstractmethods__", "__annotations__", "__dict__", "__doc__", "__init__", "__module__",
        "__new__", "__slots__", "__subclasshook__", "__weakref__", "__class_getitem__",
        "__match_args__", "__static_attributes__", "__firstlineno__", "__orig_bases__",
        "__parameters__", "__type_params__", "__protocol_attrs__", "__qualname__",
        "__non_callable_proto_members__", "__annotations_cache__", "__annotate__",
        "_is_protocol", "_is_runtime_protocol", "_abc_impl", "__callable_proto_members_only__",
    }
)  # fmt: skip


def is_typed_dict(cls: Any) -> bool:
    """Say whether a class is a typed dictionary, of `typing` or `typing_extensions`."""
    return isinstance(cls, type) and hasattr(cls, "__required_keys__") and hasattr(cls, "__total__")


def fields_of(annotation: Any) -> dict[str, Any]:
    """Return the annotations of the fields of a class, with its type arguments in their places."""
    cls = get_origin(annotation) or annotation
    return annotations_of(cls, get_args(annotation))


def evaluate_fields(annotation: Any, seen: set[Any] | None = None) -> None:
    """Evaluate the annotations of all classes that an annotation names, and of their fields.

    Raises:
        DataTypeError: for a name that is not there, with the line of the definition.

    """
    seen = set() if seen is None else seen
    if isinstance(annotation, type) and annotation not in seen:
        seen.add(annotation)
        declared = _keys_declared(annotation) if is_typed_dict(annotation) else None
        declared = declared or _declared_fields(annotation)
        for hint in (declared() if declared else {}).values():
            evaluate_fields(hint, seen)
    origin = get_origin(annotation)
    if isinstance(origin or annotation, TypeVar):
        return
    if hasattr(origin or annotation, "__value__"):
        _evaluate_alias(origin or annotation, seen)
    elif isinstance(origin, type) and origin is not annotation:
        evaluate_fields(origin, seen)
    for argument in get_args(annotation):
        evaluate_fields(argument, seen)


def _evaluate_alias(alias: Any, seen: set[Any]) -> None:
    """Evaluate what `type X = ...` stands for."""
    if alias in seen or isinstance(alias, type):
        return
    seen.add(alias)
    try:
        value = alias.__value__
    except Exception as error:
        raise refusal(
            f"`type {alias.__name__}` of the module `{alias.__module__}`: {error}",
            "define or import the name where the program runs, too",
        ) from error
    evaluate_fields(value, seen)


def _keys_declared(cls: Any) -> Callable[[], dict[str, Any]]:
    return lambda: {name: hint for name, (hint, _) in _keys_of(cls).items()}


def _hints_of(cls: Any) -> dict[str, Any]:
    """Evaluate the annotations of a class.

    A library's that names what is there for type checkers only are left out: its user cannot mend
    them.
    """
    try:
        return annotations_of_class(cls)
    except DataTypeError:
        if not _is_of_library(cls):
            raise
        return {}


def _is_of_library(cls: Any) -> bool:
    file = getattr(sys.modules.get(cls.__module__), "__file__", None) or ""
    return cls.__module__ in sys.builtin_module_names or file.startswith(_libraries())


@functools.cache
def _libraries() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    return tuple({f"{paths[name]}{os.sep}" for name in names if name in paths})


def of_fields(compiler: Compiler, cls: Any, arguments: tuple[Any, ...]) -> Check | None:
    """Return the check for a class with declared fields; `None` for all others."""
    if is_typed_dict(cls):
        return _of_typed_dict(compiler, cls, arguments)
    declared = _declared_fields(cls)
    return None if declared is None else _of_declared(compiler, cls, arguments, declared)


def _declared_fields(cls: Any) -> Callable[[], dict[str, Any]] | None:
    """Return what says which fields a class has, and their annotations."""
    fields: Any = getattr(cls, "_fields", None)
    if fields is not None and issubclass(cls, tuple):
        return lambda: _annotated(cls, list(fields))
    if dataclasses.is_dataclass(cls):
        return lambda: _annotated(cls, [field.name for field in dataclasses.fields(cls)])
    if isinstance(getattr(cls, "__attrs_attrs__", None), tuple):
        return lambda: _of_attrs(cls)
    struct_fields: Any = getattr(cls, "__struct_fields__", None)
    if isinstance(struct_fields, tuple):
        return lambda: _annotated(cls, list(struct_fields))
    if "__pydantic_validator__" in vars(cls) and hasattr(cls, "model_fields"):
        return lambda: _of_pydantic(cls)
    return None


def _annotated(cls: Any, names: list[str]) -> dict[str, Any]:
    hints = _hints_of(cls)
    return {name: hints[name] for name in names if name in hints}


def _of_attrs(cls: Any) -> dict[str, Any]:
    hints = _hints_of(cls)
    types = {each.name: hints.get(each.name, each.type) for each in cls.__attrs_attrs__}
    return {name: type for name, type in types.items() if type is not None}


def _of_pydantic(cls: Any) -> dict[str, Any]:
    """Return the fields whose annotations say what is in them: validators may make anything."""
    fields: dict[str, Any] = {}
    for name, field in cls.model_fields.items():
        if _is_plain(field.annotation) and not any(map(_is_validator, field.metadata)):
            metadata = tuple(field.metadata)
            fields[name] = Annotated[field.annotation, *metadata] if metadata else field.annotation
    return fields


def _is_plain(annotation: Any) -> bool:
    module = getattr(annotation, "__module__", "") or ""
    if isinstance(annotation, type) and module.partition(".")[0].startswith("pydantic"):
        return False
    metadata = getattr(annotation, "__metadata__", ())
    return not any(map(_is_validator, metadata)) and all(map(_is_plain, get_args(annotation)))


def _is_validator(item: Any) -> bool:
    module = type(item).__module__.partition(".")[0]
    return module == "pydantic" and not hasattr(item, "strict")


def _of_declared(
    compiler: Compiler,
    cls: Any,
    arguments: tuple[Any, ...],
    declared: Callable[[], dict[str, Any]],
) -> Check:
    """Check the fields of an object; one inside itself is checked once."""
    from cannery._checks._compile import of_class

    outer = of_class(cls)
    checks = _lazily(compiler, cls, arguments, declared)

    def look(value: Any, walk: Walk) -> Mismatch | None:
        missed = outer.look(value, walk)
        if missed is not None or not walk.enter(value, outer):
            return missed
        try:
            return next(_find_in_fields(value, checks(), walk), None)
        finally:
            walk.leave(value, outer)

    return Check(outer.expected, look)


def _lazily(
    compiler: Compiler,
    cls: Any,
    arguments: tuple[Any, ...],
    declared: Callable[[], dict[str, Any]],
) -> Callable[[], dict[str, Check]]:
    # Only when asked: a class may mention itself, or one that is defined later.
    @functools.cache
    def checks() -> dict[str, Check]:
        hints = declared()
        inner = _compilers(compiler, cls, arguments)
        return {name: inner(name).check(hint) for name, hint in hints.items()}

    return checks


def _compilers(
    compiler: Compiler, cls: Any, arguments: tuple[Any, ...]
) -> Callable[[str], Compiler]:
    """Return what finds the compiler for a field: that of the class which declares it."""
    own = compiler.inside(cls, arguments)
    by_class = dict(_bases(own, cls))

    def find(name: str) -> Compiler:
        for base in cls.__mro__:
            if name in vars(base).get("__annotations__", ()):
                return by_class.get(base, own)
        return own

    return find


def _bases(compiler: Compiler, cls: Any) -> Iterator[tuple[Any, Compiler]]:
    yield cls, compiler
    for base in vars(cls).get("__orig_bases__", cls.__bases__):
        origin = get_origin(base) or base
        if isinstance(origin, type) and origin not in (typing.Generic, typing.Protocol, object):
            yield from _bases(compiler.inside(origin, get_args(base)), origin)


def _find_in_fields(value: Any, checks: dict[str, Check], walk: Walk) -> Iterator[Mismatch]:
    for name, check in checks.items():
        found = _attribute(value, name)
        if found is not _MISSING:
            missed = check.look(found, walk)
            if missed is not None:
                yield missed.inside(f".{name}")


def _attribute(value: Any, name: str) -> Any:
    try:
        return getattr(value, name)
    except Exception:  # not set, or a property that does not know
        return _MISSING


def _of_typed_dict(compiler: Compiler, cls: Any, arguments: tuple[Any, ...]) -> Check:
    from cannery._checks._compile import of_class

    outer = of_class(dict, name_of(cls))
    keys = functools.cache(lambda: _keys_of(cls))
    checks = _lazily(
        compiler, cls, arguments, lambda: {name: hint for name, (hint, _) in keys().items()}
    )

    def look(value: Any, walk: Walk) -> Mismatch | None:
        missed = outer.look(value, walk)
        if missed is not None or not walk.enter(value, outer):
            return missed
        try:
            return _find_in_keys(value, keys(), checks(), cls, walk)
        finally:
            walk.leave(value, outer)

    return Check(outer.expected, look)


def _find_in_keys(
    value: Mapping[str, Any],
    keys: dict[str, tuple[Any, bool]],
    checks: dict[str, Check],
    cls: Any,
    walk: Walk,
) -> Mismatch | None:
    for name, (_, required) in keys.items():
        if name not in value:
            if required:
                return Mismatch("", name_of(cls), f"a dict without `{name}`")
            continue
        missed = checks[name].look(value[name], walk)
        if missed is not None:
            return missed.inside(segment(name))
    extra = next((key for key in value if key not in keys), None)
    # PEP 728; other typed dictionaries may have more keys than they name.
    if extra is not None and getattr(cls, "__closed__", False):
        return Mismatch("", name_of(cls), f"a dict with the key {segment(extra)}")
    return None


def _keys_of(cls: Any) -> dict[str, tuple[Any, bool]]:
    """Return the keys of a typed dictionary: their annotations, and which must be there.

    Of annotations that were written as text the class itself does not know which are required.
    """
    keys: dict[str, tuple[Any, bool]] = {}
    for name, annotation in _hints_of(cls).items():
        inner, required = annotation, name in cls.__required_keys__
        while True:
            origin = get_origin(inner)
            wrapper = getattr(origin, "_name", None)
            if origin is Annotated and _wraps_requirement(get_args(inner)[0]):
                inner = get_args(inner)[0]
            elif wrapper in ("Required", "NotRequired", "ReadOnly"):
                required = {"Required": True, "NotRequired": False}.get(wrapper, required)
                inner = get_args(inner)[0]
            else:
                break
        keys[name] = (inner, required)
    return keys


def _wraps_requirement(annotation: Any) -> bool:
    return getattr(get_origin(annotation), "_name", None) in ("Required", "NotRequired", "ReadOnly")


# Protocols: what a value has decides, and not its class.


def of_protocol(compiler: Compiler, cls: Any, arguments: tuple[Any, ...]) -> Check:
    """Return the check for a protocol, whether it may be asked at run time or not."""
    expected = name_of(cls)
    members = protocol_members(cls)
    checks = functools.cache(lambda: _member_checks(compiler, cls, arguments))

    def look(value: Any, walk: Walk) -> Mismatch | None:
        absent = next((name for name in members if not has_member(value, name, members)), None)
        if absent is not None:
            return Mismatch("", expected, f"{name_of(type(value))} without `{absent}`")
        if not walk.enter(value, checks):
            return None
        try:
            # What a property gives is not asked for: it may do anything.
            held = {name: check for name, check in checks().items() if _is_held(value, name)}
            return next(_find_in_fields(value, held, walk), None)
        finally:
            walk.leave(value, checks)

    return Check(expected, look)


@functools.lru_cache(maxsize=512)
def protocol_members(cls: Any) -> dict[str, bool]:
    """Return the members of a protocol, and whether each is a method."""
    members: dict[str, bool] = {}
    for base in cls.__mro__:
        if not getattr(base, "_is_protocol", False) or base.__name__ in ("Protocol", "Generic"):
            continue
        for name in (*vars(base), *vars(base).get("__annotations__", ())):
            if name not in _NOT_MEMBERS and not name.startswith("_abc_"):
                found = vars(base).get(name)
                members.setdefault(name, inspect.isroutine(found))
    return members


def has_member(value: Any, name: str, members: Mapping[str, bool]) -> bool:
    """Say whether a value has a member of a protocol; a method must be one."""
    if name == "__hash__":
        return getattr(type(value), "__hash__", None) is not None
    try:
        found = inspect.getattr_static(value, name)
    except AttributeError:
        found = _attribute(value, name)  # of `__getattr__`
    except Exception:  # classes may be anything
        return False
    if found is _MISSING:
        return False
    return found is not None if members[name] else True


def _member_checks(compiler: Compiler, cls: Any, arguments: tuple[Any, ...]) -> dict[str, Check]:
    hints = {name: hint for name, hint in _hints_of(cls).items() if name in protocol_members(cls)}
    inner = _compilers(compiler, cls, arguments)
    return {name: inner(name).check(hint) for name, hint in hints.items()}


def _is_held(value: Any, name: str) -> bool:
    try:
        found = inspect.getattr_static(value, name)
    except Exception:  # of `__getattr__`
        return False
    return not hasattr(type(found), "__get__") or inspect.ismemberdescriptor(found)

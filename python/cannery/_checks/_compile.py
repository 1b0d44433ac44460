"""From annotations to checks."""

from __future__ import annotations

import collections.abc as abc
import dataclasses
import functools
import io
import types
import typing
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from cannery._annotations._constraints import tests_of
from cannery._annotations._refusal import refusal
from cannery._annotations._scope import Scope, scope_of_class
from cannery._checks import _arrays, _callables, _classes, _containers
from cannery._checks._check import (
    Check,
    Deferred,
    Mismatch,
    Walk,
    describe,
    everything,
    first,
    is_instance,
    name_of,
)

_ANYTHING = (Any, object)
_NOTHING = (typing.Never, typing.NoReturn)
_WRAPPERS = frozenset({"ClassVar", "Final", "Required", "NotRequired", "ReadOnly"})
_TRUTHS = frozenset({"TypeGuard", "TypeIs"})
# PEP 484: an `int` is welcome where a `float` is asked for.
_PROMOTIONS: dict[type, tuple[type, ...]] = {float: (float, int), complex: (complex, float, int)}
_FILES = {typing.IO: "IO", typing.TextIO: "TextIO", typing.BinaryIO: "BinaryIO"}


def check_for(annotation: Any, scope: Scope | None = None) -> Check:
    """Compile the check for an annotation, whose forward references are looked up in `scope`.

    Raises:
        DataTypeError: if it is no type.

    """
    if scope is not None:
        return Compiler(scope).check(annotation)
    try:
        return _cached(annotation)
    except TypeError as error:  # not hashable: a list in `Literal` or `Annotated`
        if "unhashable" not in str(error):
            raise
        return Compiler(None).check(annotation)


@functools.lru_cache(maxsize=1024)
def _cached(annotation: Any) -> Check:
    return Compiler(None).check(annotation)


Bindings = dict[Any, Check]


class Compiler:
    """Makes checks for annotations of one definition, and of the classes that they name.

    `bindings` are the checks that stand for type variables, `own` the class that `Self` means.
    """

    def __init__(
        self,
        scope: Scope | None,
        bindings: Bindings | None = None,
        own: type | None = None,
        known: dict[Any, Check] | None = None,
    ) -> None:
        self._scope = scope
        self._bindings = bindings or {}
        self._own = own
        self._known: dict[Any, Check] = {} if known is None else known

    def check(self, annotation: Any) -> Check:
        """Return the check for an annotation."""
        key = (annotation, id(self._scope), id(self._bindings), self._own)
        try:
            known = self._known.get(key)
        except TypeError:  # not hashable
            return self._compile(annotation)
        if known is None:
            # It may be asked for again before it is made.
            self._known[key] = Deferred(name_of(annotation), lambda: self._known[key])
            try:
                known = self._known[key] = self._compile(annotation)
            except BaseException:
                del self._known[key]
                raise
        return known

    def inside(self, cls: Any, arguments: Sequence[Any]) -> Compiler:
        """Return the compiler for the annotations of a class."""
        parameters = getattr(cls, "__parameters__", ())
        bindings = {
            parameter: self.check(argument)
            for parameter, argument in zip(parameters, arguments, strict=False)
        }
        own = cls if isinstance(cls, type) else None
        known = self._known if not bindings else None
        return Compiler(scope_of_class(cls) if own else self._scope, bindings, own, known)

    def bound(self, parameters: Sequence[Any], arguments: Sequence[Any]) -> Compiler:
        """Return the compiler in which type variables stand for arguments."""
        bindings = {p: self.check(a) for p, a in zip(parameters, arguments, strict=False)}
        return Compiler(self._scope, self._bindings | bindings, self._own)

    def _compile(self, annotation: Any) -> Check:
        if any(annotation is each for each in _ANYTHING):
            return everything(name_of(annotation))
        if any(annotation is each for each in _NOTHING):
            return _nothing(name_of(annotation))
        if annotation is None:
            return of_class(type(None))
        if isinstance(annotation, (str, typing.ForwardRef)):
            return self._reference(annotation)
        origin = get_origin(annotation)
        return self._plain(annotation) if origin is None else self._generic(annotation, origin)

    def _reference(self, annotation: str | typing.ForwardRef) -> Check:
        scope = self._scope
        text = annotation if isinstance(annotation, str) else annotation.__forward_arg__
        if scope is None:
            raise refusal(f"the annotation `{text}` names nothing", "pass the type itself")
        try:
            found = scope.evaluate(annotation)
        except Exception as error:
            raise refusal(
                f"`{text}` in an annotation cannot be evaluated: {error}",
                "define or import it where the annotation is written",
            ) from error
        if found == annotation:
            raise refusal(f"the annotation `{text}` stands for itself and nothing else")
        return self.check(found)

    def _plain(self, annotation: Any) -> Check:
        name = _special_name(annotation)
        if name in ("Self",):
            return everything("Self") if self._own is None else self.check(self._own)
        if name == "LiteralString":
            return of_class(str)
        if isinstance(annotation, dataclasses.InitVar):
            return self.check(annotation.type)
        if hasattr(annotation, "__supertype__"):  # NewType
            return self.check(annotation.__supertype__)
        if not isinstance(annotation, type) and hasattr(annotation, "__value__"):
            return self.check(annotation.__value__)  # `type X = ...`
        is_variable = not isinstance(annotation, type) and hasattr(annotation, "__constraints__")
        if is_variable or isinstance(annotation, TypeVar):
            return self._type_variable(annotation)
        if any(annotation is form for form in _FILES):
            return _of_file(annotation, get_args(annotation))
        if isinstance(annotation, type):
            return self._class(annotation, ())
        return _of_special(annotation)

    def _type_variable(self, variable: Any) -> Check:
        known = self._bindings.get(variable)
        if known is not None:
            return known
        constraints = getattr(variable, "__constraints__", ())
        if constraints:
            return self._union(variable, constraints)
        bound = getattr(variable, "__bound__", None)
        return everything(str(variable)) if bound is None else self.check(bound)

    def _class(self, cls: Any, arguments: tuple[Any, ...]) -> Check:
        if getattr(cls, "_is_protocol", False):
            return _classes.of_protocol(self, cls, arguments)
        return _classes.of_fields(self, cls, arguments) or of_class(cls)

    def _generic(self, annotation: Any, origin: Any) -> Check:
        arguments = get_args(annotation)
        if origin in (Union, types.UnionType):
            return self._union(annotation, arguments)
        if origin is Literal:
            return _of_literal(annotation)
        if origin is typing.Annotated:
            return self._annotated(annotation, arguments[0])
        name = _special_name(origin)
        if name in _WRAPPERS:
            return self.check(arguments[0])
        if name in _TRUTHS:
            return of_class(bool)
        if name == "Unpack":
            return everything(name_of(annotation))
        if hasattr(origin, "__value__"):  # `type X[T] = ...`
            behind = get_origin(origin.__value__)
            if isinstance(behind, type) and _arrays.is_generic(behind):  # NumPy's own `NDArray`
                return self.check(origin.__value__[arguments])
            # One that contains itself has no end: each level is made when a value has it.
            return Deferred(
                name_of(annotation),
                lambda: self.bound(origin.__type_params__, arguments).check(origin.__value__),
            )
        if any(origin is form for form in _FILES):
            return _of_file(origin, arguments)
        if not isinstance(origin, type):
            return everything(name_of(annotation))
        return self._generic_class(annotation, origin, arguments)

    def _generic_class(self, annotation: Any, origin: type, arguments: tuple[Any, ...]) -> Check:
        if origin is type:
            return _callables.of_type(annotation, arguments)
        if origin is abc.Callable:
            return _callables.of_callable(annotation, arguments)
        if _arrays.is_generic(origin):
            return _arrays.of_generic(annotation, origin, arguments)
        found = _containers.of_container(self, annotation, origin, arguments)
        return found or self._class(origin, arguments)

    def _union(self, annotation: Any, alternatives: Sequence[Any]) -> Check:
        checks = [self.check(alternative) for alternative in alternatives]
        expected = " | ".join(dict.fromkeys(c.expected for c in checks)) or name_of(annotation)

        def look(value: Any, walk: Walk) -> Mismatch | None:
            misses = []
            for check in checks:
                missed = check.look(value, walk)
                if missed is None:
                    return None
                misses.append(missed)
            # Of the alternatives, the one that fits outside and differs inside is the one meant.
            deep = [missed for missed in misses if missed.path]
            return deep[0] if len(deep) == 1 else Mismatch("", expected, describe(value))

        return Check(expected, look, _any_accepts(checks))

    def _annotated(self, annotation: Any, inner: Any) -> Check:
        check = self.check(inner)
        tests = tests_of(annotation.__metadata__)
        arrays = [each for each in annotation.__metadata__ if hasattr(each, "__cannery_check__")]
        if not tests and not arrays:
            return check

        def look(value: Any, walk: Walk) -> Mismatch | None:
            missed = check.look(value, walk)
            if missed is not None or value is None:
                return missed
            found = (each.__cannery_check__(value, walk.dimensions) for each in arrays)
            wrong = next((what for what in found if what is not None), None)
            if wrong is not None:
                expected, found, *path = wrong
                return Mismatch("".join(path), expected, found)
            return first(_failed(check.expected, value, *test) for test in tests)

        return Check(check.expected, look)


def of_class(cls: type, expected: str | None = None) -> Check:
    """Return the check for the instances of a class."""
    expected = expected or name_of(cls)
    accepted = _PROMOTIONS.get(cls, cls)

    def look(value: Any, _walk: Walk) -> Mismatch | None:
        fits = is_instance(value, accepted)
        return None if fits else Mismatch("", expected, describe(value, cls))

    return Check(expected, look, lambda kind: _is_subclass(kind, accepted))


def _is_subclass(kind: type, cls: Any) -> bool:
    try:
        return issubclass(kind, cls)
    except Exception:  # `__subclasscheck__` may be anything
        return False


def _nothing(expected: str) -> Check:
    return Check(expected, lambda value, _: Mismatch("", expected, describe(value)))


def _of_special(annotation: Any) -> Check:
    """Return the check for what is no class: forms of `typing` without arguments, and objects."""
    form: Any = annotation
    if type(form).__module__ in ("typing", "typing_extensions") or form is Ellipsis:
        return everything(str(form))
    if any("__instancecheck__" in vars(base) for base in type(form).__mro__):
        return of_class(form, str(form))
    name = getattr(annotation, "__qualname__", None) or repr(annotation)[:60]
    what = "a function" if callable(annotation) else "no type"
    raise refusal(
        f"the annotation `{name}` is {what}, and no value is of it",
        "name the class, or `Any` for everything",
    )


def _special_name(form: Any) -> str:
    """Name a special form: those of `typing_extensions` are others and called the same."""
    module = type(form).__module__
    name = getattr(form, "_name", None) or getattr(form, "__name__", None)
    known = module in ("typing", "typing_extensions") or form is typing.ClassVar
    return name if known and isinstance(name, str) else ""


def _any_accepts(checks: list[Check]) -> Callable[[type], bool] | None:
    tests = [check.accepts_type for check in checks if check.accepts_type is not None]
    if len(tests) < len(checks):
        return None
    return lambda kind: any(test(kind) for test in tests)


def _failed(
    expected: str, value: Any, passes: Callable[[Any], bool], words: str
) -> Mismatch | None:
    try:
        good = bool(passes(value))
    except Exception:  # what cannot be compared does not pass
        good = False
    return None if good else Mismatch("", f"{expected} {words}", describe(value))


def _of_literal(annotation: Any) -> Check:
    allowed = [(type(value), value) for value in get_args(annotation)]
    expected = name_of(annotation)

    def look(value: Any, _walk: Walk) -> Mismatch | None:
        fits = any(type(value) is kind and value == known for kind, known in allowed)
        return None if fits else Mismatch("", expected, describe(value))

    return Check(expected, look)


def _of_file(form: Any, arguments: tuple[Any, ...]) -> Check:
    """Open files have no class in common with `typing.IO`."""
    text = form is typing.TextIO or arguments == (str,)
    binary = form is typing.BinaryIO or arguments == (bytes,)
    expected = _FILES[form] + (f"[{arguments[0].__name__}]" if text and arguments else "")

    def look(value: Any, _walk: Walk) -> Mismatch | None:
        is_text = is_instance(value, io.TextIOBase)
        fits = is_text if text else not is_text if binary else True
        has = all(hasattr(value, name) for name in ("read", "write", "close"))
        return None if has and fits else Mismatch("", expected, describe(value))

    return Check(expected, look)

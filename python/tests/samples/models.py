"""Instances of attrs, pydantic and msgspec."""

# pyright: basic

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import functools
import typing as t
from typing import Any

from samples.classes import Outer, T
from samples.registry import SAME, sample, with_attributes

# One sample a line.
# fmt: off

with contextlib.suppress(ImportError):
    import attrs

    @attrs.define
    class At:
        a: int
        b: list = attrs.field(factory=list)

    @attrs.frozen
    class AtFrozen:
        a: int
        b: str = "x"

    @attrs.define(slots=False)
    class AtDict:
        a: int
        _private: int = 2
        __very: int = 3

    @attrs.define
    class AtConv:
        a: int = attrs.field(converter=lambda x: int(x) * 2, validator=attrs.validators.instance_of(int))
        b: int = attrs.field(init=False, default=9)
        _c: int = attrs.field(alias="see", default=1)

    @attrs.define
    class AtChild(At):
        c: float = 1.5

    @attrs.frozen(cache_hash=True)
    class AtHash:
        a: int

    @attrs.define(kw_only=True)
    class AtKw:
        a: int

    @attrs.define
    class AtPost:
        a: int

        def __attrs_post_init__(self) -> None:
            self.a += 1

    @attrs.define(auto_exc=True)
    class AtError(Exception):
        code: int
        detail: str = "d"

    @attrs.define(eq=False)
    class AtNode:
        me: Any = None

    sample("attrs", lambda: At(1, [2]))
    sample("attrs frozen", lambda: AtFrozen(1))
    sample("attrs dict", lambda: AtDict(1, 5))
    sample("attrs converter", lambda: AtConv("3", see=4))
    sample("attrs child", lambda: AtChild(1, [2], 3.5))
    sample("attrs hash", lambda: (lambda a: (hash(a), a)[1])(AtHash(1)))
    sample("attrs kw", lambda: AtKw(a=1))
    sample("attrs post", lambda: AtPost(1))
    sample("attrs error", lambda: AtError(5))
    sample("attrs keys", lambda: {AtFrozen(1): 1, AtHash(2): 2})
    sample("attrs cycle", lambda: (lambda n: (setattr(n, "me", [n, (n,)]), n)[1])(AtNode()))
    sample("attrs nothing", lambda: attrs.NOTHING)

with contextlib.suppress(ImportError):
    import pydantic

    class Pyd(pydantic.BaseModel):
        a: int
        b: str = "x"

    class PydNested(pydantic.BaseModel):
        inner: Pyd
        many: list[Pyd] = []
        by: dict[str, Pyd] = {}

    class PydExtra(pydantic.BaseModel, extra="allow"):
        a: int

    class PydPrivate(pydantic.BaseModel):
        a: int
        _secret: int = pydantic.PrivateAttr(default=5)

    class PydFrozen(pydantic.BaseModel, frozen=True):
        a: int

    class PydAlias(pydantic.BaseModel):
        a: int = pydantic.Field(alias="Alpha")

    class PydRoot(pydantic.RootModel[list[int]]):
        pass

    class PydGeneric(pydantic.BaseModel, t.Generic[T]):
        v: T

    class Cat(pydantic.BaseModel):
        kind: t.Literal["cat"] = "cat"
        lives: int = 9

    class Dog(pydantic.BaseModel):
        kind: t.Literal["dog"] = "dog"

    class Owner(pydantic.BaseModel):
        pet: t.Annotated[Cat | Dog, pydantic.Field(discriminator="kind")]

    class PydArb(pydantic.BaseModel, arbitrary_types_allowed=True):
        p: Outer.Inner
        when: dt.datetime
        tags: set[int]

    class PydNode(pydantic.BaseModel):
        me: Any = None

        def __eq__(self, other: object) -> bool:
            return self is other

    class PydComputed(pydantic.BaseModel):
        a: int

        @pydantic.computed_field
        @functools.cached_property
        def twice(self) -> int:
            return self.a * 2

    @pydantic.dataclasses.dataclass
    class PydDC:
        a: int
        b: list[int] = dataclasses.field(default_factory=list)

    sample("pydantic", lambda: Pyd(a=1))
    sample("pydantic nested", lambda: PydNested(inner=Pyd(a=1), many=[Pyd(a=2)], by={"x": Pyd(a=3, b="y")}))
    sample("pydantic extra", lambda: PydExtra(a=1, more=[2], z="y"))
    sample("pydantic private", lambda: with_attributes(PydPrivate(a=1), _secret=7))
    sample("pydantic frozen", lambda: {PydFrozen(a=1): 2})
    sample("pydantic alias", lambda: PydAlias(Alpha=1))
    sample("pydantic root", lambda: PydRoot([1, 2]))
    sample("pydantic generic", lambda: PydGeneric[int](v=5))
    sample("pydantic discriminated", lambda: Owner(pet=Cat()))
    sample("pydantic arbitrary", lambda: PydArb(p=Outer.Inner(1), when=dt.datetime(2026, 1, 1), tags={1}))
    sample("pydantic unset", lambda: Pyd.model_construct(a="wrong"))
    sample("pydantic cycle", lambda: (lambda n: (setattr(n, "me", [n]), n)[1])(PydNode()))
    sample("pydantic computed", lambda: (lambda n: (n.twice, n)[1])(PydComputed(a=2)))
    sample("pydantic dataclass", lambda: PydDC(a=1, b=[2]))
    sample("pydantic secret", lambda: [pydantic.SecretStr("s"), pydantic.SecretBytes(b"s")])
    sample("pydantic url", lambda: pydantic.TypeAdapter(pydantic.HttpUrl).validate_python("http://a/b"))

with contextlib.suppress(ImportError):
    import msgspec

    class Ms(msgspec.Struct):
        a: int
        b: list[int] = []

    class MsTag(msgspec.Struct, tag="t", tag_field="kind", frozen=True, order=True):
        a: int

    class MsArray(msgspec.Struct, array_like=True, gc=False):
        a: int
        b: str = "x"

    class MsKw(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True):
        first_name: str
        last_name: str = "z"

    class MsChild(Ms, weakref=True):
        c: float = 1.5

    class MsDict(msgspec.Struct, dict=True):
        a: int

    class MsGeneric(msgspec.Struct, t.Generic[T]):
        v: T

    class MsNode(msgspec.Struct, eq=False):
        me: Any = None

    class MsPost(msgspec.Struct):
        a: int

        def __post_init__(self) -> None:
            self.a += 1

    sample("msgspec", lambda: Ms(1, [2]))
    sample("msgspec tag", lambda: {MsTag(1): MsTag(2)})
    sample("msgspec array", lambda: MsArray(1))
    sample("msgspec kw", lambda: MsKw(first_name="f"))
    sample("msgspec child", lambda: MsChild(1, [2], 3.5))
    sample("msgspec dict", lambda: with_attributes(MsDict(1), extra=5))
    sample("msgspec generic", lambda: MsGeneric[int](5))
    sample("msgspec cycle", lambda: (lambda n: (setattr(n, "me", [n]), n)[1])(MsNode()))
    sample("msgspec post", lambda: MsPost(1))
    sample("msgspec raw", lambda: msgspec.Raw(b"[1]"))
    sample("msgspec unset", lambda: msgspec.UNSET)

# Where a part is none of the value: a cached hash, functions that were bound.
SAME |= {
    "attrs hash": lambda a, b: type(a) is type(b) and a == b,
    "config parser": lambda a, b: type(a) is type(b) and a == b and a["b"]["y"] == b["b"]["y"],
    "raw config parser": lambda a, b: type(a) is type(b) and a == b,
}

# Classes by a pattern, functions by their names.

"""Members, instances and exceptions."""

# pyright: basic

from __future__ import annotations

import calendar
import dataclasses
import decimal
import enum
import http
import http.cookies
import inspect
import json
import signal
import socket
import ssl
from typing import Any

from samples.classes import (
    DC,
    Auto,
    Bits,
    Callable_,
    Colour,
    DateEnum,
    DCChild,
    DCDict,
    DCFrozen,
    DCFrozenChild,
    DCFrozenSlots,
    DCGeneric,
    DCInit,
    DCKw,
    DCPost,
    DCProperty,
    DCSlots,
    DCSlotsChild,
    DCWeak,
    EqAll,
    FloatEnum,
    Gen,
    GenericPair,
    GetAttr,
    GetStateOnly,
    InitError,
    Iterable_,
    Kept,
    MyError,
    MyGroup,
    MyKeyError,
    MyOSError,
    NewArgs,
    NewArgsEx,
    NewInt,
    NewNoArgs,
    NoSuperError,
    Num,
    ObjectEnum,
    Outer,
    Perm,
    Planet,
    Point,
    Props,
    Reduce,
    ReduceClassMethod,
    ReduceDict,
    ReduceError,
    ReduceFunction,
    ReduceItems,
    ReduceState,
    SetAttr,
    SetStateOnly,
    Shape,
    Singleton,
    Size,
    Slots,
    SlotsChild,
    SlotsDictSlot,
    SlotsMap,
    SlotString,
    SlotsWithDict,
    Span,
    State,
    StateInt,
    StateIntKeys,
    StateNone,
    StatePair,
    StateTuple,
    SubPoint,
    TupleEnum,
    WithDescr,
    WithMeta,
)
from samples.registry import sample, with_attributes

# One sample a line.
# fmt: off

# --- enums

sample("enum", lambda: Colour.GREEN)
sample("enum alias", lambda: Colour.ROUGE)
sample("enum init", lambda: Planet.MARS)
sample("enum auto", lambda: Auto.B)
sample("str enum", lambda: Size.BIG)
sample("int enum alias", lambda: Num.UNO)
sample("flag", lambda: Perm.R | Perm.X)
sample("flag named combination", lambda: Perm.RW)
sample("flag none", lambda: Perm(0))
sample("flag inverted", lambda: ~Perm.R)
sample("int flag", lambda: Bits.A | Bits.C)
sample("int flag unknown", lambda: Bits(16 | 1))
sample("int flag negative", lambda: ~Bits.A)
sample("kept flag", lambda: Kept(9))
sample("float enum", lambda: FloatEnum.PI)
sample("tuple enum", lambda: TupleEnum.A)
sample("date enum", lambda: DateEnum.START)
sample("object enum", lambda: [ObjectEnum.LIST, ObjectEnum.FUNC])
sample("nested enum", lambda: Outer.Shade.DARK)
sample("enum class", lambda: [Colour, Num])
sample("http status", lambda: [http.HTTPStatus.NOT_FOUND, http.HTTPMethod.GET])
sample("calendar enum", lambda: [calendar.Month.MAY if hasattr(calendar, "Month") else calendar.MONDAY, calendar.FRIDAY])
sample("signal enum", lambda: [signal.SIGTERM, signal.Signals.SIGINT, signal.Handlers.SIG_DFL])
sample("socket enum", lambda: [socket.AF_INET, socket.SOCK_STREAM, socket.AddressFamily.AF_INET6])
sample("ssl enum", lambda: [ssl.TLSVersion.TLSv1_2, ssl.VerifyMode.CERT_REQUIRED, ssl.OP_NO_SSLv3])
sample("parameter kind", lambda: inspect.Parameter.KEYWORD_ONLY)
sample("enum boundary", lambda: [enum.FlagBoundary.KEEP, enum.CONFORM])

# --- classes of one's own

sample("dataclass", lambda: DC(1, [2]))
sample("dataclass extra attribute", lambda: with_attributes(DC(1), extra=5))
sample("dataclass slots", lambda: DCSlots(1))
sample("dataclass frozen", lambda: DCFrozen(1, (2,)))
sample("dataclass frozen slots", lambda: DCFrozenSlots(1, "x"))
sample("dataclass kw_only", lambda: DCKw(a=1))
sample("dataclass init var", lambda: DCInit(1, 9))
sample("dataclass child", lambda: DCChild(1, [2], 3.5))
sample("dataclass slots child", lambda: DCSlotsChild(1, "c", 2.5))
sample("dataclass frozen child", lambda: DCFrozenChild(1, "c", DCFrozen(2)))
sample("dataclass generic", lambda: DCGeneric[int](5))
sample("dataclass weak", lambda: DCWeak(1))
sample("dataclass post init", lambda: DCPost(3))
sample("dataclass property", lambda: DCProperty(7))
sample("dataclass missing field", lambda: (lambda d: (d.__dict__.pop("b"), d)[1])(DC(1)))
sample("dataclass wrong types", lambda: DC("x", None))
sample("dataclass nested class", lambda: Outer.Data(1))
sample("dataclass of dict", lambda: (lambda d: (d.__setitem__("k", 1), d)[1])(DCDict(2)))
sample("dataclass field", lambda: [each.name for each in dataclasses.fields(DC)])
sample("dataclass made", lambda: MadeDC(1, "y"))
MadeDC = dataclasses.make_dataclass("MadeDC", [("x", int), ("y", str, "d")])
MadeDC.__module__ = __name__
sample("named tuple", lambda: Point(1))
sample("named tuple generic", lambda: GenericPair("a", [1]))
sample("named tuple typed", lambda: Span(1.5))
sample("named tuple subclass", lambda: with_attributes(SubPoint(1, 2, 3), extra=5))
sample("plain", lambda: Outer.Inner([1]))
sample("plain empty", lambda: (lambda o: (vars(o).clear(), o)[1])(Outer.Inner(1)))
sample("odd attributes", lambda: (lambda o: (vars(o).update({"not identifier": 1, "$x": 2, "": 3, "class": 4, "__items__": 5, "é": 6}), o)[1])(Outer.Inner(1)))
sample("slots", lambda: Slots())
sample("slots child", lambda: SlotsChild())
sample("slots and dict", lambda: SlotsWithDict())
sample("slots dict slot", lambda: SlotsDictSlot())
sample("slot string", lambda: SlotString())
sample("slots map", lambda: SlotsMap())
sample("properties", lambda: (lambda p: (p.cached, p)[1])(Props()))
sample("getattr", lambda: GetAttr())
sample("setattr", lambda: SetAttr())
sample("descriptor", lambda: WithDescr())
for cls in (State, StateTuple, StateIntKeys):
    sample(f"class {cls.__name__}", lambda cls=cls: cls([1]))
sample("state int", lambda: StateInt(7))
sample("state none", lambda: (lambda s: (vars(s).clear(), s)[1])(StateNone(1)))
sample("state pair", lambda: StatePair())
sample("getstate only", lambda: GetStateOnly())
sample("setstate only", lambda: SetStateOnly())
sample("reduce", lambda: Reduce((1, 2)))
sample("reduce state", lambda: with_attributes(ReduceState(1), more=1))
sample("reduce items", lambda: ReduceItems([1, 2]))
sample("reduce dict", lambda: (lambda d: (d.__setitem__("k", 1), d)[1])(ReduceDict()))
sample("reduce class method", lambda: ReduceClassMethod(5))
sample("reduce function", lambda: ReduceFunction(5))
sample("new args", lambda: NewArgs([1]))
sample("new args ex", lambda: NewArgsEx(a=[1]))
sample("new int", lambda: NewInt(5, "hex"))
sample("new needs arguments", lambda: NewNoArgs(5))
sample("singleton", lambda: Singleton())
sample("metaclass", lambda: WithMeta())
sample("protocol", lambda: Shape())
sample("generic", lambda: Gen[int](5))
sample("touchy", lambda: Iterable_())
sample("equals all", lambda: [EqAll(), EqAll()])
sample("callable object", lambda: Callable_(3))

# --- exceptions


def chained() -> Any:
    try:
        try:
            raise KeyError("k")
        except KeyError as error:
            raise ValueError("v", 2) from error
    except ValueError as error:
        error.add_note("note")
        return error


def suppressed() -> Any:
    try:
        try:
            raise KeyError("k")
        except KeyError:
            raise ValueError("v") from None
    except ValueError as error:
        return error


sample("error", lambda: ValueError("a", 1, [2]))
sample("error no args", lambda: KeyboardInterrupt())
sample("error chained", chained)
sample("error suppressed", suppressed)
sample("error own", lambda: with_attributes(MyError("x"), data=[1]))
sample("error init", lambda: InitError(5, detail="d"))
sample("error no super", lambda: NoSuperError(5, "p"))
sample("error reduce", lambda: ReduceError(1, 2))
sample("error group", lambda: ExceptionGroup("g", [ValueError(1), ExceptionGroup("h", [KeyError("k")])]))
sample("error base group", lambda: BaseExceptionGroup("g", [KeyboardInterrupt()]))
sample("error own group", lambda: MyGroup("g", [ValueError(1)]))
sample("error os", lambda: OSError(2, "No such file", "a.txt", None, "b.txt"))
sample("error file", lambda: FileNotFoundError(2, "no", "x"))
sample("error os text", lambda: OSError("just text"))
sample("error own os", lambda: MyOSError("p"))
sample("error blocking", lambda: BlockingIOError(11, "again", 5))
sample("error key", lambda: MyKeyError("x"))
sample("error unicode", lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"))
sample("error unicode encode", lambda: UnicodeEncodeError("ascii", "é", 0, 1, "bad"))
sample("error unicode translate", lambda: UnicodeTranslateError("é", 0, 1, "bad"))
sample("error syntax", lambda: SyntaxError("m", ("f", 1, 2, "t", 3, 4)))
sample("error stop", lambda: StopIteration((1, 2)))
sample("error import", lambda: ImportError("m", name="n", path="p"))
sample("error attribute", lambda: AttributeError("m", name="n", obj=[1]))
sample("error name", lambda: NameError("m", name="n"))
sample("error exit", lambda: SystemExit(3))
sample("error json", lambda: json.JSONDecodeError("m", "doc", 2))
sample("error decimal", lambda: decimal.InvalidOperation("x"))
sample("error subprocess", lambda: __import__("subprocess").CalledProcessError(1, ["a"], b"o", b"e"))
sample("warning", lambda: DeprecationWarning("d"))
sample("error class", lambda: [ValueError, MyError, KeyError])

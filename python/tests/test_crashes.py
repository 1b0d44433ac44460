"""What Python code, or a file, could do to the binding, each in a process of its own."""

# ruff: noqa: E501 -- tables of calls, one a line.

import sys

import pytest
from children import run_child

BORROWED = {
    "an error handler empties the dictionary whose key it encodes": """
        import codecs
        def handler(error):
            global junk
            entries.clear()
            junk = [float(i) + 0.25 for i in range(3000)]
            return b"?", error.end
        codecs.register_error("empties", handler)
        for number in range(200):
            entries = {"\\ud800k": 1234.5 + number}
            try:
                packed = msgpack.packb(entries, unicode_errors="empties")
            except RuntimeError:
                continue
            assert msgpack.unpackb(packed) == {"?k": 1234.5 + number}
        """,
    "an error handler empties the list whose text it encodes": """
        import codecs
        def handler(error):
            items.clear()
            return b"?", error.end
        codecs.register_error("empties", handler)
        for number in range(200):
            items = ["\\ud800k" * 50, [1, 2], "text" * number]
            msgpack.packb(items, unicode_errors="empties", default=repr)
        """,
    "a collection clears the list whose integers are written": """
        class Clears:
            def __init__(self, items):
                self.itself, self.items = self, items
            def __del__(self):
                global junk
                self.items.clear()
                junk = [(i + 1) << 101 for i in range(3000)]
        for write in (json.dumps, json.encode, lambda o: json.dumps(o, indent=1)):
            for threshold in range(1, 20):
                gc.disable()
                items = [(1 << 100) + i for i in range(300)]
                expected = list(items)
                Clears(items)
                gc.set_threshold(threshold, 1000, 1000)
                gc.enable()
                text = write(items)
                gc.disable()
                read = json.loads(text)
                assert read == expected[: len(read)]
        """,
    "a file's write releases the buffer that is being written": """
        import pickle as standard
        class File:
            def __init__(self):
                self.calls = 0
            def write(self, data):
                self.calls += 1
                if self.calls == 1:
                    buffer.release()
                    array.clear()
                    self.junk = [bytes([i]) * 200_000 for i in range(20)]
                return len(data)
        for _ in range(5):
            array = bytearray(b"A" * 20_000_000)
            buffer = standard.PickleBuffer(array)
            try:
                pickle.dump(["hello", buffer], File(), protocol=5)
            except ValueError:
                continue
            raise SystemExit("a released buffer was written")
        """,
    "a file's write changes the array that is being written": """
        class File:
            def __init__(self):
                self.pieces = []
            def write(self, data):
                array.clear()
                self.junk = [bytes([i]) * 300_000 for i in range(20)]
                self.pieces.append(bytes(data))
                return len(data)
        for _ in range(5):
            array = bytearray(b"A" * 1_000_000)
            file = File()
            pickle.dump(["hello", array], file, protocol=5)
            import pickle as standard
            assert standard.loads(b"".join(file.pieces)) == ["hello", bytearray(b"A" * 1_000_000)]
        """,
    "a file's write resizes the NumPy array that is being written": """
        import numpy as np
        class File(io.StringIO):
            def write(self, text):
                try:
                    array.resize(10, refcheck=False)
                except ValueError:
                    pass
                try:
                    array.__setstate__(np.arange(3.0).__reduce__()[2])
                except Exception:
                    pass
                self.junk = [bytes([i]) * 100_000 for i in range(20)]
                return super().write(text)
        for _ in range(5):
            array = np.arange(200_000) * 1.5
            try:
                json.dump([array, 1], File(), default="rich")
            except ValueError:
                pass
        """,
    "reducer_override gives the object another class, and lets go of the old one": """
        class Other:
            pass
        class Pickler(pickle.Pickler):
            def reducer_override(self, obj):
                if type(obj).__name__ == "Temporary":
                    obj.__class__ = Other
                    gc.collect()
                return NotImplemented
        for _ in range(50):
            value = type("Temporary", (), {})()
            try:
                Pickler(io.BytesIO(), 4).dump(value)
            except Exception:
                pass
        """,
    "default uses the packer that calls it": """
        def default(value):
            for use in (lambda: memoryview(packer), packer.getbuffer, packer.reset, packer.bytes):
                try:
                    use()
                except (BufferError, RuntimeError):
                    continue
                raise SystemExit("a packer in use was used")
            return 1
        packer = msgpack.Packer(autoreset=False, default=default)
        packer.pack([object()])
        assert packer.bytes() == b"\\x91\\x01"
        """,
    "__init__ of a packer with a view": """
        packer = msgpack.Packer(autoreset=False)
        packer.pack(b"A" * 100_000)
        view = packer.getbuffer()
        before = bytes(view)
        try:
            packer.__init__(autoreset=False, buf_size=50 << 20)
        except BufferError:
            pass
        junk = [bytes([i]) * 100_005 for i in range(50)]
        assert bytes(view) == before
        view.release()
        packer.__init__(autoreset=False, buf_size=50 << 20)
        """,
    "a view goes while its packer is in use": """
        class Truth:
            def __bool__(self):
                global view
                view = None
                return True
        packer = msgpack.Packer(autoreset=False)
        packer.pack([1, 2, 3])
        view = packer.getbuffer()
        try:
            packer.__init__(use_single_float=Truth())
        except BufferError:
            pass
        view = None
        packer.reset()
        """,
    "the class of an extension changes the array around it": """
        def new(cls, *arguments):
            for found in gc.get_objects():
                if type(found) is list and found and found[0] == "marker-of-ours":
                    list(found)
                    found.clear()
            return None
        msgpack.unpackb(msgpack.packb([msgpack.ExtType(1, b"a")]))
        data = msgpack.packb(["marker-of-ours", msgpack.Timestamp(1, 1), "x" * 40, msgpack.Timestamp(2)])
        msgpack.Timestamp.__setattr__ = new
        for _ in range(20):
            try:
                msgpack.unpackb(data)
            except Exception:
                pass
        """,
}


@pytest.mark.parametrize("code", BORROWED.values(), ids=BORROWED.keys())
def test_what_is_borrowed_is_owned_first(code: str) -> None:
    run_child(code)


LAYOUTS = {
    "a field whose slot is that of another class": """
        import dataclasses
        class Wide:
            __slots__ = tuple("abcdefgx")
        @dataclasses.dataclass
        class Point:
            x: int
            y: int
        Point.x = Wide.__dict__["x"]
        made = []
        for _ in range(2000):
            try:
                made.append(json.decode(b'{"x": 123456, "y": 2}', type=Point))
            except TypeError:
                pass
        del made
        gc.collect()
        """,
    "the slots of a base": """
        import dataclasses
        class Base:
            __slots__ = ("x",)
        @dataclasses.dataclass
        class Point(Base):
            __slots__ = ("y",)
            x: int
            y: int
        point = json.decode(b'{"x": 1, "y": 2}', type=Point)
        assert (point.x, point.y) == (1, 2)
        """,
    "two fields in one slot keep one value": """
        import dataclasses
        @dataclasses.dataclass(slots=True)
        class Point:
            x: list
            y: list
        Point.x = Point.__dict__["y"]
        points = [json.decode(b'{"x": [1], "y": [2]}', type=Point) for _ in range(100)]
        assert points[0].y == [2] and sys.getrefcount(points[0].y) == 2
        before = sys.getallocatedblocks()
        for _ in range(5000):
            json.decode(b'{"x": [1], "y": [2]}', type=Point)
        assert sys.getallocatedblocks() - before < 500
        """,
    "a dataclass that is also a dict, a list or an exception": """
        import dataclasses
        for base in (dict, list, int, Exception, tuple, str, set, bytearray):
            Point = dataclasses.make_dataclass("Point", [("x", int)], bases=(base,))
            try:
                made = json.decode(b'{"x": 1}', type=Point)
            except TypeError:
                continue
            repr(made)
            assert made.x == 1
        """,
    "classes that were put in the place of MessagePack's own": """
        msgpack.ExtType = int
        try:
            msgpack.unpackb(b"\\xd4\\x01a")
        except TypeError:
            pass
        """,
    "plans that say what is not so": """
        from cannery import _native
        class Record:
            name, make, fields, after = "int", "tuple", (), None
            refuses_unknown = runs_python = False
            def __init__(self, cls, make):
                self.cls, self.make = cls, make
        for cls, make in ((int, "tuple"), (1, "instance"), (dict, "instance"), (None, "struct")):
            try:
                _native.TypePlan([], [Record(cls, make)], 0)
            except TypeError:
                continue
            raise SystemExit(f"{make} of {cls}")
        """,
}


@pytest.mark.parametrize("code", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_layouts_are_checked(code: str) -> None:
    run_child(code)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="the oldest kind of text is gone")
def test_texts_of_the_oldest_kind_give_the_usual_ones() -> None:
    run_child("""
        import ctypes, warnings
        warnings.simplefilter("ignore")
        api = ctypes.pythonapi
        api.PyUnicode_FromUnicode.restype = ctypes.py_object
        api.PyUnicode_FromUnicode.argtypes = [ctypes.c_void_p, ctypes.c_ssize_t]
        api.PyUnicode_AsUnicode.restype = ctypes.c_void_p
        api.PyUnicode_AsUnicode.argtypes = [ctypes.py_object]
        def old(text):
            made = api.PyUnicode_FromUnicode(None, len(text))
            units = ctypes.create_unicode_buffer(text)
            ctypes.memmove(api.PyUnicode_AsUnicode(made), units, 4 * len(text))
            return made
        for text in ("hello", "h", "", "caf\\xe9", "\\u20ac uro", "\\U0001f600"):
            for write in (
                lambda o: json.dumps(o), lambda o: json.dumps(o, ensure_ascii=False),
                lambda o: json.dumps(o, ensure_ascii=False, indent=1), json.encode, msgpack.packb,
                pickle.dumps, lambda o: pickle.dumps(o, 0), lambda o: yaml.dump(o), cannery.dumps,
                lambda o: jsonl.dumps([o]), cbor.dumps,
            ):
                same = old(text)
                written = write([same, {same: 1}])
                usual = write([text, {text: 1}])
                assert written == usual, (written, usual)
                # A text that claims to be wider than it is would be of another size.
                assert sys.getsizeof(written) == sys.getsizeof(usual)
                if isinstance(written, str):
                    assert written.isascii() == usual.isascii()
            assert json.loads(old(json.dumps([text]))) == [text]
            assert yaml.safe_load(old("- a")) == ["a"]
    """)


def test_panics_are_errors_of_ours() -> None:
    run_child("""
        from cannery import _native
        class Record:
            pass
        class Node:
            ways, checks, read, expected, is_any = {"list": ("list", 7)}, {}, None, "x", False
        plan = _native.TypePlan([Node()], [], 99)
        import cannery._typed as typed
        typed.plan_for = lambda *_: plan
        try:
            json.decode(b"[1]", type=list[int])
        except cannery.CanneryError as error:
            assert isinstance(error, RuntimeError), type(error).__mro__
        else:
            raise SystemExit("no error")
    """)


def test_the_state_of_the_collector_is_the_callers() -> None:
    run_child("""
        class Disables:
            def __setstate__(self, state):
                assert gc.isenabled() == before, "the pause shows"
                gc.disable()
            def __getstate__(self):
                return {"a": 1}
        for format in ("can", "json", "yaml", "msgpack"):
            for before in (True, False):
                gc.enable()
                data = cannery.dumps([Disables()], format)
                gc.enable() if before else gc.disable()
                cannery.loads(data, format, trust=[Disables])
                assert not gc.isenabled()
        class Hashed:
            def __hash__(self):
                gc.disable()
                return 1
        gc.enable()
        data = cannery.dumps({Hashed(): 1, 2: {Hashed()}})
        gc.enable()
        cannery.loads(data, trust=[Hashed])
        assert not gc.isenabled()
        gc.enable()
        for read in (lambda: json.loads("[" * 50 + "]" * 50), lambda: msgpack.unpackb(b"\\x91" * 9 + b"\\1")):
            read()
            assert gc.isenabled()
    """)


def test_arrays_are_mapped_only_if_asked() -> None:
    run_child("""
        import tempfile
        import numpy as np
        folder = tempfile.mkdtemp()
        path = folder + "/a.can"
        array = np.arange(1_000_000)
        cannery.dump({"a": array, "s": np.array([(1, 2.5)], [("i", "i4"), ("f", "f8")])}, path)
        read = cannery.load(path)
        os.truncate(path, 100)
        assert (read["a"] == array).all() and read["a"].flags.writeable and read["s"]["f"][0] == 2.5
        cannery.dump({"a": array}, path)
        mapped = cannery.load(path, mmap=True)["a"]
        assert type(mapped.base).__name__ == "mmap" and (mapped == array).all()
    """)


def test_archives_are_mapped_only_if_asked() -> None:
    run_child("""
        import tempfile
        import numpy as np
        path = tempfile.mkdtemp() + "/a.npz"
        array = np.arange(1_000_000)
        npy.savez(path, a=array)
        archive = npy.load(path)
        os.truncate(path, 100)
        assert (archive["a"] == array).all()
    """)


def test_an_array_that_was_read_owns_its_memory() -> None:
    run_child("""
        import numpy as np
        for format in ("can", "json", "msgpack", "yaml"):
            for dtype in ("f8", "<U3", "S2", "M8[ns]", "?", "c16", "V3"):
                array = np.zeros((3, 2), dtype, "F")
                read = cannery.loads(cannery.dumps(array, format), format)
                assert read.dtype == array.dtype and read.shape == array.shape
                base = read.base
                while isinstance(base, np.ndarray):
                    base = base.base
                assert base is None, (format, dtype, type(base))
    """)


def test_indentation_by_nothing_takes_time_in_proportion() -> None:
    run_child("""
        import time
        def seconds(depth):
            value = nested(depth, lambda o: [o])
            start = time.process_time()
            json.encode(value, depth=10**7, indent=0)
            return time.process_time() - start
        few, many = min(seconds(20_000) for _ in range(3)), seconds(80_000)
        assert many < 12 * few + 0.05, (few, many)
    """)

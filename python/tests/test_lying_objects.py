"""Objects, files and classes that lie or act while Protobuf, HDF5, tensors and tables are read and written."""

# ruff: noqa: E501 -- tables of calls, one a line.

import sys
from textwrap import dedent

import children
import pytest

SETUP = """
    import collections, dataclasses, itertools, pickle as standard, tempfile, weakref
    import numpy as np
    from cannery import hdf5, protobuf, safetensors, torch
    schema = protobuf.Schema('''
        syntax = "proto3";
        package shop;
        import "google/protobuf/any.proto";
        import "google/protobuf/struct.proto";
        enum State { UNKNOWN = 0; PAID = 1; }
        message Item { string name = 1; repeated int32 sizes = 2; }
        message Order {
          int64 id = 1; repeated Item items = 2; map<string, double> weights = 3; State state = 4; bytes blob = 5;
          Order parent = 6; map<int32, Item> by = 7; repeated Order kids = 8; google.protobuf.Struct info = 9;
          google.protobuf.Value value = 10; google.protobuf.Any any = 11; uint64 u = 12; float f = 13; bool b = 14;
          repeated string names = 15; repeated bytes blobs = 16; repeated double ds = 17;
        }
    ''')
    Order, Item = schema["shop.Order"], schema["shop.Item"]
    folder = tempfile.mkdtemp()
    def quiet(call):
        try:
            return call()
        except Exception as error:
            return type(error).__name__
    def trash():
        global junk
        junk = [float(i) + 0.25 for i in range(300)], [bytes([i % 256]) * 41 for i in range(300)], [[i] for i in range(200)]
    class Long:
        '''A sequence that says it is of no length that memory has.'''
        def __len__(self):
            return 2**40
        def __getitem__(self, index):
            raise IndexError
"""


def run_child(code: str) -> None:
    children.run_child(dedent(SETUP) + dedent(code))


CASES = {
    "messages go to files as bytes, whatever the file says it is": """
        class File:
            def __init__(self):
                self.pieces = []
            def write(self, data):
                trash()
                self.pieces.append(data)
                return len(data)
        messages = [bytes([i]) * i for i in range(200, 256)]
        for write, read in (
            (protobuf.write_delimited, protobuf.read_delimited), (protobuf.write_tfrecord, protobuf.read_tfrecord),
        ):
            for _ in range(20):
                file = File()
                assert write(file, messages) == len(messages)
                assert list(read(io.BytesIO(b"".join(file.pieces)))) == messages
        """,
    "a file reads what says it is as long as no memory": """
        class File:
            def read(self, size=-1):
                return Long()
            readline = read
            def readinto(self, buffer):
                return 2**40
        for read in (
            lambda: list(protobuf.read_delimited(File())), lambda: list(protobuf.read_tfrecord(File())),
            lambda: list(protobuf.read_osm(File())), lambda: list(jsonl.read(File())),
            lambda: list(yaml.load_all(File())), lambda: list(msgpack.Unpacker(File())),
            lambda: pickle.load(File()), lambda: cbor.load(File()), lambda: torch.load(File()),
            lambda: npy.load(File()), lambda: json.load(File()),
            lambda: list(cannery.chunks(File(), rows=2, format="csv")),
        ):
            assert quiet(read) in ("TypeError", "DataTypeError", "UnpicklingError", "AttributeError", "DataError", "CorruptError"), quiet(read)
        """,
    "profiles that are part of themselves": """
        endless = []
        endless.append(endless)
        for profile in (endless, list[int], [list[int]], [1], Long()):
            assert quiet(lambda: pickle.loads(b"N.", profile=profile)) in (None, "TypeError", "MemoryError"), profile
        assert pickle.loads(b"N.", profile=["data", "numpy"]) is None
        """,
    "a file's write resizes the array that is being written": """
        class File:
            def write(self, data):
                quiet(lambda: array.resize(3, refcheck=False))
                trash()
                self.last = bytes(data)
                return len(data)
            def tell(self):
                return 0
            def flush(self):
                pass
        for write in (
            lambda: torch.save({"a": array}, File()), lambda: npy.save(File(), array),
            lambda: torch.save({"a": array[10:]}, File()), lambda: npy.save(File(), array[::2].reshape(-1, 2)),
            lambda: npy.savez(File(), a=array), lambda: pickle.dump([array], File()),
        ):
            for _ in range(5):
                array = np.arange(100_000) * 1.5
                write()
        """,
    "values of messages change what holds them": """
        class Acts:
            def act(self):
                held.clear()
                trash()
            def __index__(self): self.act(); return 5
            def __float__(self): self.act(); return 1.5
            def __bool__(self): self.act(); return True
            def __iter__(self): self.act(); return iter([1, 2])
            def __len__(self): self.act(); return 3
            def __getitem__(self, key): self.act(); return 3
            def keys(self): self.act(); return ["a", "b"]
            def __hash__(self): held.clear(); return 7
            def __eq__(self, other): self.act(); return True
            def __getattr__(self, name): self.act(); raise AttributeError(name)
        fields = [field["name"] for field in Order.fields]
        wraps = (
            lambda x: x, lambda x: [x, "y"], lambda x: {x: x}, lambda x: {"a": x}, lambda x: {1: x},
            lambda x: iter([x, x]), lambda x: [[x]], lambda x: {"@type": "x/shop.Order", "id": x},
        )
        for field, wrap, deterministic in itertools.product(fields, wraps, (False, True)):
            held = {"u": 2**63, "names": ["q" * 50] * 4}
            held[field] = wrap(Acts())
            quiet(lambda: Order.encode(held, deterministic=deterministic))
        """,
    "generators of a message's items encode and decode": """
        def items():
            for number in range(20):
                quiet(lambda: Order.encode(held))
                Order.decode(Order.encode({"names": ["a"]}))
                trash()
                yield f"n{number}"
        for _ in range(20):
            held = {"u": 2**63}
            held["names"] = items()
            data = quiet(lambda: Order.encode(held))
            assert isinstance(data, str) or Order.decode(data)["names"] == [f"n{n}" for n in range(20)]
        """,
    "classes of messages that change": """
        data = Order.encode({"id": 1, "items": [{"name": "a", "sizes": [1]}] * 20, "kids": [{"id": 5}] * 3, "weights": {"a": 1.0}})
        Made, Part = Order.dataclass, Item.dataclass
        for change in (
            "Part.__setattr__ = lambda *_: trash()", "Part.__new__ = lambda *_, **__: [1]", "Made.__post_init__ = lambda *_: 1 / 0",
            "Made.__init__ = lambda *_, **__: gc.collect()", "Made.items = property(lambda s: trash(), lambda s, v: trash())",
            "Made.__bases__ = (collections.UserDict,)", "Part.__dataclass_fields__.clear()",
        ):
            quiet(lambda: exec(change))
            made = quiet(lambda: Order.decode(data, type=Made))
            quiet(lambda: repr(made)), quiet(lambda: Order.encode(made))
            del made
            gc.collect()
        """,
    "classes that no message can be made of": """
        native = next(value for value in (getattr(schema, name, None) for name in (*dir(schema), *getattr(schema, "__slots__", ())))
                      if type(value).__name__ == "ProtoSchema")
        number, data = native.message("shop.Order"), Order.encode({"id": 1, "items": [{"name": "a"}], "weights": {"a": 1.0}})
        class Slotted:
            __slots__ = ("id",)
        for cls in (int, str, list, dict, tuple, type, Exception, bytearray, property, np.ndarray, type(None), weakref.ref,
                    collections.OrderedDict, type(lambda: 1), Slotted):
            for template in ({}, {"id": 0}, {"items": {}}, {"items": 5}, {1: 2}):
                quiet(lambda: native.set_class(number, cls, template, [], []))
                made = quiet(lambda: native.decode(number, data, as_class=True, defaults=False, enum_numbers=False, depth=9))
                quiet(lambda: repr(made))
                del made
                gc.collect()
        """,
    "types of HDF5 that are part of themselves": """
        from cannery import _native
        with hdf5.File(folder + "/a.h5", "w") as file:
            file["x"] = np.arange(3.0)
        with hdf5.File(folder + "/a.h5") as file:
            number = file["x"].id if False else ("number", 8, "<f8", "float", None)
        members = []
        described = ("compound", 8, members)
        members.append((b"a", 0, described))
        assert quiet(lambda: _native.Hdf5Type.make(described)) == "RecursionError"
        deep = number
        for _ in range(200_000):
            deep = ("sequence", 16, deep)
        assert quiet(lambda: _native.Hdf5Type.make(deep)) == "RecursionError"
        """,
    "streams that are read while they are read": """
        class File(io.BytesIO):
            def read(self, size=-1):
                trash()
                quiet(lambda: next(frames))
                quiet(lambda: frames.close()) if self.tell() > 3000 else None
                return super().read(9)
        for read, data in (
            (protobuf.read_delimited, b"\\x05hello" * 1000), (protobuf.read_tfrecord, bytes(3000)),
            (protobuf.read_osm, bytes(3000)), (jsonl.read, b"[1]\\n" * 1000), (yaml.load_all, b"--- a\\n" * 500),
        ):
            frames = read(File(data))
            for _ in range(300):
                if quiet(lambda: next(frames)) == "StopIteration":
                    break
        """,
    "iterators that eight threads share": """
        sys.setswitchinterval(1e-6)
        protobuf.write_delimited(folder + "/d", [b"x" * i for i in range(1000)])
        jsonl.write(folder + "/l.jsonl", [{"i": i} for i in range(1000)])
        packed = msgpack.packb({"a": [1, 2]}) * 2000
        for make in (
            lambda: protobuf.read_delimited(folder + "/d"), lambda: jsonl.read(folder + "/l.jsonl"),
            lambda: msgpack.Unpacker(io.BytesIO(packed)), lambda: iter(cannery.chunks(folder + "/l.jsonl", rows=10)),
        ):
            shared = make()
            def work():
                for _ in range(2000):
                    if quiet(lambda: next(shared)) == "StopIteration":
                        break
            threads = [threading.Thread(target=work) for _ in range(8)]
            [thread.start() for thread in threads], [thread.join() for thread in threads]
        """,
    "a file of HDF5 that threads read, write, resize and close": """
        sys.setswitchinterval(1e-6)
        file = hdf5.File(folder + "/w.h5", "w")
        data = file.create_dataset("x", shape=(100, 100), chunks=(10, 10), dtype="f8", maxshape=(None, 100))
        def work(number):
            for turn in range(30):
                quiet(lambda: data.__setitem__(slice(number, number + 5), np.ones((5, 100))))
                quiet(lambda: data[number]), quiet(lambda: data.resize((50 + turn, 100)))
                quiet(lambda: file.create_group(f"g{number}/{turn}")), quiet(lambda: file.__delitem__(f"g{number - 1}"))
                quiet(file.flush), quiet(lambda: file.attrs.__setitem__("a", turn))
                if number == 5 and turn == 25:
                    quiet(file.close)
        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        [thread.start() for thread in threads], [thread.join() for thread in threads]
        """,
    "what is written as the interpreter ends": """
        import atexit, builtins
        class Ends:
            def __init__(self, *held):
                self.held = held
            def __del__(self):
                for call in (
                    lambda: json.dumps([1, 2**70]), lambda: json.loads("["), lambda: pickle.loads(pickle.dumps({1: 2})),
                    lambda: msgpack.unpackb(b"\\x91"), lambda: yaml.safe_load("a: 1"), lambda: cannery.loads(cannery.dumps((1,))),
                    lambda: Order.decode(Order.encode({"id": 1})), lambda: next(self.held[0]), lambda: self.held[1].close(),
                ):
                    try:
                        call()
                    except BaseException:
                        pass
        protobuf.write_delimited(folder + "/d", [b"x"] * 100)
        file = hdf5.File(folder + "/z.h5", "w")
        frames = protobuf.read_delimited(folder + "/d")
        builtins.kept, sys.kept, json.kept, np.kept = (Ends(frames, file) for _ in range(4))
        ring = Ends(frames, file)
        ring.itself = ring
        atexit.register(lambda: Ends(frames, file))
        def work():
            while True:
                json.dumps(list(range(100))), cannery.scan(b"garbage"), Order.decode(Order.encode({"id": 1}))
        [threading.Thread(target=work, daemon=True).start() for _ in range(4)]
        """,
}


@pytest.mark.parametrize("code", CASES.values(), ids=CASES.keys())
def test_what_lies_or_acts_crashes_nothing(code: str) -> None:
    run_child(code)


def test_forks_within_callbacks_and_beside_threads() -> None:
    run_child("""
        import time, warnings
        warnings.simplefilter("ignore")
        children, stop = [], False
        def fork(*_):
            child = os.fork()
            if child:
                children.append(child)
                return 1
            try:
                assert json.loads(json.dumps([1])) == [1] and pickle.loads(pickle.dumps([1])) == [1]
                assert cannery.loads(cannery.dumps({"a": (1,)})) == {"a": (1,)}
                assert Order.decode(Order.encode({"id": 1})) == {"id": 1}
                hdf5.File(f"{folder}/{os.getpid()}.h5", "w").close()
            except BaseException as error:
                os.write(2, repr(error).encode())
                os._exit(3)
            os._exit(0)
        class Forks:
            def __reduce_ex__(self, protocol):
                fork()
                return int, ()
            __index__ = fork
        pickle.dumps(Forks()), json.dumps([object()], default=fork), msgpack.packb([object()], default=fork)
        json.loads('{"a": 1}', object_hook=fork), Item.encode({"sizes": [Forks()]})
        def work():
            while not stop:
                cannery.scan(pickle.dumps(list(range(500)))), jsonl.loads(b'{"a": 1}\\n' * 2000)
                with hdf5.File(f"{folder}/t{threading.get_ident()}.h5", "w") as file:
                    file["x"] = np.arange(500)
        threads = [threading.Thread(target=work) for _ in range(3)]
        [thread.start() for thread in threads]
        for _ in range(12):
            fork()
        stop = True
        [thread.join() for thread in threads]
        assert [os.waitpid(child, 0)[1] for child in children] == [0] * len(children)
    """)


def test_interpreters_within_the_interpreter_refuse_or_work() -> None:
    run_child("""
        try:
            import _interpreters as interpreters
        except ImportError:
            import _xxsubinterpreters as interpreters
        code = '''if True:
            import sys
            sys.path[:0] = PATHS
            try:
                from cannery import json, pickle
            except ImportError:
                pass
            else:
                assert pickle.loads(pickle.dumps(json.loads(json.dumps([1, "a"])))) == [1, "a"]
            '''.replace("PATHS", repr(sys.path))
        for _ in range(3):
            made = interpreters.create()
            interpreters.run_string(made, code)
            interpreters.destroy(made)
        assert json.loads(json.dumps([1])) == [1]
    """)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_files_that_are_open_are_closed() -> None:
    run_child("""
        with hdf5.File(folder + "/a.h5", "w") as file:
            file["x"] = np.arange(3.0)
        torch.save({"a": np.arange(5.0)}, folder + "/a.pt")
        safetensors.save_file({"a": np.arange(5.0)}, folder + "/a.safetensors")
        protobuf.write_delimited(folder + "/d", [b"x"] * 10)
        def call():
            hdf5.File(folder + "/a.h5")["x"][()], torch.load(folder + "/a.pt"), safetensors.open(folder + "/a.safetensors")["a"][1]
            next(protobuf.read_delimited(folder + "/d"))
            quiet(lambda: hdf5.File(folder + "/a.pt")), quiet(lambda: torch.load(folder + "/d"))
        call(), gc.collect()
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(50):
            call()
        gc.collect()
        assert len(os.listdir("/proc/self/fd")) <= before + 1
    """)

"""Hostile pickles of every kind that got past a scanner once, made here: none may be `ok`."""

from __future__ import annotations

import collections
import datetime
import fractions
import io
import pickle as stdlib
import pickletools
import re
import struct
import uuid
from collections.abc import Callable
from typing import Any

import pytest

import cannery

#: Functions and classes of published exploits, some by their names in Python 2, one for each way
#: to run code, reach files, the network, the interpreter, or another pickle.
GADGETS = """
os.system os.popen os.execv os.spawnl os.remove os.putenv posix.system nt.system posix.posix_spawn
subprocess.Popen subprocess.run subprocess.call subprocess.check_output subprocess.getoutput
_posixsubprocess.fork_exec commands.getoutput commands.getstatusoutput popen2.popen3 pty.spawn
asyncio.create_subprocess_shell asyncio.unix_events._UnixSubprocessTransport._start
asyncio.subprocess.create_subprocess_exec asyncio.run multiprocessing.Process
multiprocessing.util.spawnv_passfds concurrent.futures.ThreadPoolExecutor builtins.eval
builtins.exec builtins.compile builtins.__import__ builtins.open builtins.getattr builtins.setattr
builtins.delattr builtins.globals builtins.vars builtins.breakpoint builtins.input builtins.map
builtins.filter builtins.help builtins.exit __builtin__.eval __builtin__.execfile
__builtin__.apply __builtin__.reduce __builtin__.file __builtin__.raw_input functools.reduce
functools.partialmethod _functools.reduce operator.attrgetter operator.methodcaller
operator.itemgetter operator.call operator.setitem _operator.methodcaller _io.FileIO io.open
_io.open_code io.open_code _pyio.open codecs.open io.OpenWrapper pathlib.Path.write_text
pathlib.PosixPath.unlink pathlib.Path.open shutil.rmtree shutil.copyfile shutil.move
tempfile.mktemp tempfile.NamedTemporaryFile glob.glob fileinput.FileInput linecache.getlines
marshal.loads marshal.load types.FunctionType types.CodeType types.MethodType types.new_class
code.interact code.InteractiveInterpreter code.InteractiveConsole codeop.compile_command
bdb.Bdb.run bdb.Bdb.runeval pdb.run pdb.Pdb.run pdb.runeval profile.run profile.Profile.runctx
cProfile.run cProfile.runctx cProfile.Profile.runctx trace.Trace.run trace.Trace.runctx
timeit.timeit timeit.Timer.timeit timeit.main doctest.debug_script doctest.testfile
doctest.run_docstring_examples runpy.run_path runpy._run_code runpy.run_module
rlcompleter.Completer pydoc.locate pydoc.pipepager pydoc.tempfilepager pydoc.safeimport
importlib.import_module importlib.reload importlib._bootstrap._load imp.load_source
imp.load_module pkgutil.resolve_name pkgutil.get_data zipimport.zipimporter py_compile.compile
compileall.compile_dir ensurepip._run_pip pip.main pip._internal.main venv.create site.addsitedir
site.main setuptools.setup distutils.spawn.spawn distutils.file_util.write_file
idlelib.pyshell.ModifiedInterpreter.runcode idlelib.autocomplete.AutoComplete.get_entity
idlelib.calltip.get_entity idlelib.debugobj.ObjectTreeItem.SetText idlelib.run.Executive.runcode
lib2to3.pgen2.pgen.ParserGenerator.make_label lib2to3.pgen2.grammar.Grammar.loads
lib2to3.pgen2.grammar.Grammar.load test.support.script_helper.assert_python_ok
unittest.mock._importer unittest.mock._dot_lookup ctypes.CDLL ctypes.cdll.LoadLibrary ctypes.PyDLL
_ctypes.dlopen cffi.FFI ctypes.util._findSoname_ldconfig socket.create_connection socket.socket
_socket.socket ssl.get_server_certificate urllib.request.urlopen urllib.urlopen urllib2.urlopen
http.client.HTTPSConnection httplib.HTTPConnection ftplib.FTP smtplib.SMTP imaplib.IMAP4_stream
poplib.POP3 telnetlib.Telnet nntplib.NNTP xmlrpc.client.ServerProxy socketserver.TCPServer
http.server.HTTPServer webbrowser.open antigravity.geohash logging.config.fileConfig
logging.config._resolve logging.config.listen logging.FileHandler logging.handlers.SocketHandler
sys.exit sys.settrace sys.modules sys.setrecursionlimit sys.modules.get sys.meta_path.append
atexit.register signal.signal gc.get_objects inspect.currentframe faulthandler.dump_traceback
threading.Thread _thread.start_new_thread _xxsubinterpreters.run_string _interpreters.exec
test.test_os.spawn uuid._get_command_stdout platform.popen platform._syscmd_file
_osx_support._read_output _aix_support._read_cmd_output _pyrepl.pager.pipe_pager tkinter.Tcl
turtle.Screen sqlite3.connect dbm.open shelve.open pickle.load pickle.Unpickler pickle._loads
_pickle.load cPickle.load pickletools.main zipfile.ZipFile tarfile.open tarfile.TarFile.extractall
gzip.open bz2.BZ2File lzma.open mailcap.findmatch getpass.getpass netrc.netrc plistlib.load
mmap.mmap fcntl.ioctl resource.setrlimit curses.setupterm readline.read_init_file crypt.crypt
cgitb.Hook cgi.test wsgiref.simple_server.demo_app numpy.testing._private.utils.runstring
numpy.testing.runstring numpy.load numpy.fromfile numpy.save numpy.memmap
numpy.f2py.crackfortran.getlincoef numpy.f2py.crackfortran.myeval
numpy.f2py.crackfortran.param_eval numpy.f2py.capi_maps.load_f2cmap_file
numpy.f2py.diagnose.run_command numpy.f2py.f2py_testing.run numpy.f2py.compile
numpy.distutils.exec_command.exec_command numpy.ctypeslib.load_library numpy.lib.npyio.NpzFile
numpy.lib._npyio_impl.load numpy.lib.format.read_array numpy.DataSource numpy.genfromtxt
numpy.core.multiarray.fromfile numpy.frombuffer numpy.vectorize numpy.apply_along_axis
pandas.read_pickle pandas.eval pandas.read_csv pandas.HDFStore pandas.DataFrame.eval
pandas.DataFrame.query pandas.DataFrame.to_csv pandas.io.pickle.read_pickle
pandas.core.computation.eval.eval pandas.io.common.get_handle pandas.io.formats.style.Styler
joblib.load joblib.dump joblib.Memory joblib.numpy_pickle.load joblib.numpy_pickle.NDArrayWrapper
joblib.numpy_pickle.NumpyUnpickler joblib.memory.MemorizedFunc
joblib.externals.loky.process_executor scipy.io.loadmat scipy.weave.inline
scipy._lib._testutils._run_concurrent_barrier scipy.spatial._qhull._Qhull
sklearn.datasets.load_files sklearn.datasets.fetch_openml
sklearn.utils._testing.run_python_script_without_output sklearn.externals.joblib.load torch.load
torch.save torch.hub.load torch.hub.load_state_dict_from_url torch.jit.load torch.compile
torch.jit.unsupported_tensor_ops.execWrapper torch.serialization.load torch.serialization._load
torch.storage.UntypedStorage.from_file torch.utils.collect_env.run
torch.utils.bottleneck.__main__.run_cprofile torch.utils.bottleneck.__main__.run_autograd_prof
torch.utils._config_module.ConfigModule.load_config
torch.utils.data.datapipes.utils.decoder.basichandlers torch.utils.cpp_extension.load
torch.utils.model_zoo.load_url torch._inductor.codecache.compile_file
torch._dynamo.guards.GuardBuilder.get torch._dynamo.utils.import_submodule
torch.fx.experimental.symbolic_shapes.ShapeEnv.evaluate_guards_expression
torch.fx.graph_module._exec_with_source torch.distributed.rpc.rpc_sync torch.ops.load_library
torch.cuda.memory._record_memory_history torch.multiprocessing.spawn torch._C._jit_compile
torch.classes.load_library torch.package.PackageImporter torch.onnx.export
torchvision.datasets.utils.download_url tensorflow.io.read_file
tensorflow.python.ops.io_ops.write_file tensorflow.load_library keras.models.load_model
keras.utils.get_file transformers.pipeline huggingface_hub.hf_hub_download yaml.load
yaml.unsafe_load yaml.full_load ruamel.yaml.load jsonpickle.decode dill.loads dill.load
dill._dill._import_module dill._dill._create_function dill._dill._eval_repr cloudpickle.load
cloudpickle.cloudpickle.subimport cloudpickle.cloudpickle._make_function
cloudpickle.cloudpickle_fast._fill_function requests.get requests.api.request
aiohttp.ClientSession httpx.get paramiko.SSHClient fabric.Connection invoke.run sh.Command
pexpect.spawn psutil.Process nltk.data.load jinja2.Template IPython.start_ipython pytest.main
_pytest.config.main py.process.cmdexec nose.run lxml.etree.parse
django.utils.autoreload.restart_with_reloader flask.Flask celery.Celery
statsmodels.iolib.smpickle.load_pickle mlflow.pyfunc.load_model xgboost.Booster.load_model
copyreg.add_extension copyreg.pickle copyreg._extension_registry.update weakref.finalize
contextlib.ExitStack string.Formatter string.Formatter.get_field email.message_from_file
random._os.system collections._sys.modules collections.namedtuple dataclasses.make_dataclass
enum._EnumDict re.sub re.Scanner ast.literal_eval tokenize.open typing.get_type_hints
typing.ForwardRef._evaluate annotationlib.ForwardRef.evaluate argparse.FileType
configparser.ConfigParser.read csv.reader array.array.fromfile random.SystemRandom
statistics._random.Random io.TextIOWrapper abc.ABCMeta my_pkg.Model evil.py оs.system
""".split()


#: Functions that do nothing as long as nobody calls them, with functions that do nothing either.
LAZY = {"builtins.map", "builtins.filter"}


def short(text: str) -> bytes:
    """Push text."""
    data = text.encode()
    return b"\x8c" + bytes([len(data)]) + data


def stack_global(module: str, name: str) -> bytes:
    """Look up a name by two texts on the stack."""
    return short(module) + short(name) + b"\x93"


def line_global(module: str, name: str) -> bytes:
    """Look up a name by two lines."""
    return b"c" + module.encode() + b"\n" + name.encode() + b"\n"


def instance_of(module: str, name: str) -> bytes:
    """Call a name as protocol 0 makes instances."""
    return b"(S'id'\ni" + module.encode() + b"\n" + name.encode() + b"\n."


#: A whole pickle that calls a name with a text, in the ways there are.
CALLS: dict[str, Callable[[str, str], bytes]] = {
    "REDUCE": lambda m, n: b"\x80\x04" + stack_global(m, n) + short("id") + b"\x85R.",
    "REDUCE, old": lambda m, n: line_global(m, n) + b"(S'id'\ntR.",
    "INST": instance_of,
    "OBJ": lambda m, n: b"(" + line_global(m, n) + b"S'id'\no.",
    "NEWOBJ": lambda m, n: b"\x80\x02" + line_global(m, n) + short("id") + b"\x85\x81.",
    "NEWOBJ_EX": lambda m, n: b"\x80\x04" + stack_global(m, n) + short("id") + b"\x85}\x92.",
    "dropped": lambda m, n: line_global(m, n) + b"(S'id'\ntR0]K\x01a.",
    "OBJ, dropped": lambda m, n: b"](" + line_global(m, n) + b"S'id'\no0.",
    "then broken": lambda m, n: line_global(m, n) + b"(S'id'\ntR\xff",
    "without STOP": lambda m, n: line_global(m, n) + b"(S'id'\ntR",
    "memo": lambda m, n: short(m) + b"\x940" + short(n) + b"\x940h\x00h\x01\x93(S'id'\ntR.",
    "state": lambda m, n: (
        b"ccollections\nOrderedDict\n)R}" + short("x") + line_global(m, n) + b"(S'id'\ntRsb."
    ),
    "key": lambda m, n: b"}" + line_global(m, n) + b"(S'id'\ntRNs.",
    "second": lambda m, n: b"N." + line_global(m, n) + b"(S'id'\ntR.",
    "third, behind junk": lambda m, n: (
        b"N.\xff\xfejunk\x80\x02" + line_global(m, n) + b"(S'id'\ntR."
    ),
    "partial": lambda m, n: b"cfunctools\npartial\n(" + line_global(m, n) + b"tR.",
    "default": lambda m, n: b"ccollections\ndefaultdict\n(" + line_global(m, n) + b"tR.",
    "in a frame": lambda m, n: framed(stack_global(m, n) + short("id") + b"\x85R."),
}


def framed(body: bytes) -> bytes:
    """Put opcodes into a frame."""
    return b"\x80\x04\x95" + struct.pack("<Q", len(body)) + body


def split(gadget: str) -> tuple[str, str]:
    """Split a gadget into module and qualified name, as Python would have to import it."""
    parts = gadget.split(".")
    upper = next((i for i, p in enumerate(parts[1:], 1) if p[:1].isupper()), len(parts) - 1)
    return ".".join(parts[:upper]), ".".join(parts[upper:])


@pytest.mark.parametrize("call", CALLS)
def test_no_gadget_is_ok(call: str) -> None:
    for gadget in GADGETS:
        if call in ("partial", "default") and gadget in LAZY:
            continue
        module, name = split(gadget)
        data = CALLS[call](module, name)
        assert cannery.scan(data).verdict != "ok", (gadget, call)
    print(f"gadgets by {call}: {len(GADGETS)} cases ran")


def test_names_that_no_data_needs_are_danger() -> None:
    for name in ("os.system", "builtins.eval", "subprocess.Popen", "ctypes.CDLL", "runpy.run_path"):
        for call in CALLS.values():
            report = cannery.scan(call(*split(name)))
            assert report.verdict == "danger", (name, report.findings)


class Call:
    """Calls a function when it is loaded."""

    def __init__(self, function: Any, *args: Any, state: Any = None) -> None:
        self.reduced = (function, args) if state is None else (function, args, state)

    def __reduce__(self) -> Any:
        return self.reduced


def raw(module: str, name: str, *args: bytes) -> bytes:
    """Call a name with pushed arguments, without `STOP`."""
    return line_global(module, name) + b"(" + b"".join(args) + b"tR"


GENERATOR = ("numpy.random._pickle", "__generator_ctor")
UFUNC = ("numpy.core", "_ufunc_reconstruct")
SYSTEM = raw(*UFUNC, short("os"), short("system"))
#: Names that data needs, put to another use.
TURNED = {
    "ufunc imports any module": SYSTEM,
    "ufunc, dotted": raw(*UFUNC, short("numpy"), short("f2py.crackfortran.myeval")),
    "ufunc whose name is made": raw(*UFUNC, short("os"), raw("builtins", "str", short("system"))),
    "generator calls a function": raw(*GENERATOR, short("id"), SYSTEM),
    "generator calls getattr": raw(*GENERATOR, short("x"), line_global("builtins", "getattr")),
    "generator calls a class": raw(*GENERATOR, short("x"), line_global("builtins", "print")),
    "bit generator calls a class": raw(
        "numpy.random._pickle", "__bit_generator_ctor", line_global("collections", "OrderedDict")
    ),
    "index makes any class": raw(
        "pandas.core.indexes.base",
        "_new_Index",
        line_global("numpy", "memmap"),
        b"}" + short("filename") + short("/tmp/x") + b"s" + short("mode") + short("w+") + b"s",
    ),
    "index makes bytes": raw(
        "pandas.core.indexes.base", "_new_Index", line_global("builtins", "bytearray"), b"}"
    ),
    "block calls a function": raw(
        "pandas.core.internals.blocks", "make_block", short("x"), line_global("builtins", "print")
    ),
    "memmap kept": b"]" + line_global("numpy", "memmap") + b"a",
    "memmap in a state": b"cfunctools\npartial\n(" + line_global("numpy", "memmap") + b"tR",
    "memmap made": line_global("numpy", "memmap") + b"(" + short("/tmp/x") + b"t\x81",
    "getattr kept": b"}" + short("__setstate__") + line_global("builtins", "getattr") + b"s",
    "getattr in a partial": raw(
        "functools", "partial", line_global("builtins", "getattr"), line_global("random", "Random")
    ),
    "getattr in a tuple": line_global("builtins", "getattr") + b"\x85",
    "getattr in a tuple in a list": b"(" + line_global("builtins", "getattr") + b"\x85l",
    "getattr in a frozenset": b"(" + line_global("builtins", "getattr") + b"\x91",
    "getattr from the memo": line_global("builtins", "getattr") + b"q\x000]h\x00a",
    "reduce kept": b"]" + line_global("functools", "reduce") + b"a",
    "reduce calls": raw("functools", "reduce", line_global("builtins", "print"), b"](K\x01K\x02e"),
    "getattr on os": raw("builtins", "getattr", line_global("os", "path"), short("os")),
    "iter with an end": raw("builtins", "iter", line_global("builtins", "print"), b"N"),
    "type makes a class": raw("builtins", "type", short("X"), b")", b"}"),
    "getitem": raw("operator", "getitem", b"](K\x01e", b"K\x00"),
    "reconstructor with another base": raw(
        "copyreg",
        "_reconstructor",
        line_global("collections", "OrderedDict"),
        line_global("io", "FileIO"),
        short("/tmp/x"),
    ),
    "list of a range": raw("builtins", "list", raw("builtins", "range", b"\x8a\x06\0\0\0\0\0\x01")),
    "list of an iterator": raw(
        "builtins", "set", raw("builtins", "zip", raw("builtins", "iter", b"]"))
    ),
    "fraction with a power": raw("fractions", "Fraction", short("1e1000000000")),
    "integer of a decimal": raw("builtins", "int", raw("decimal", "Decimal", short("1e999999999"))),
    "matrix of a program": raw("numpy", "matrix", short("__import__('os')")),
    "matrix of a program, made": line_global("numpy", "matrix") + short("1 2") + b"\x85\x81",
    "zeros": raw("builtins", "bytearray", b"\x8a\x06\0\0\0\0\0\x01"),
    "array that is not empty": raw(
        "numpy.core.multiarray",
        "_reconstruct",
        line_global("numpy", "ndarray"),
        b"J\xff\xff\xff\x7f\x85",
        short("b"),
    ),
    "ufunc of a module that runs": line_global("numpy.f2py.__main__", "__pyx_unpickle_X"),
    "numbers for addresses": raw("numpy", "dtype", short("f8"), b"\x89", b"\x88")
    + b"(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb",
    "addresses for numbers": raw("numpy", "dtype", short("O8"), b"\x89", b"\x88")
    + b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb",
    "same hashes": b"}("
    + b"".join(
        b"\x8a\x0a" + ((2**61 - 1) * (2**8 + i)).to_bytes(10, "little", signed=True) + b"N"
        for i in range(2000)
    )
    + b"u",
}


@pytest.mark.parametrize("case", TURNED)
def test_names_of_data_put_to_another_use(case: str) -> None:
    report = cannery.scan(b"\x80\x02" + TURNED[case] + b".")
    assert report.verdict != "ok"
    assert report.findings[0].reason


def test_a_class_is_changed_by_no_data() -> None:
    for change in (b"}b", b"K\x01K\x02s", b"N}\x86b"):
        data = line_global("collections", "OrderedDict") + change + b"."
        assert cannery.scan(data).verdict == "danger"


def test_danger_at_the_end_of_a_long_stream() -> None:
    data = stdlib.dumps([{"id": i} for i in range(200_000)] + [Call(print, "x")], 4)
    assert cannery.scan(data.replace(b"print", b"\x65xec0"[:5])).verdict != "ok"
    evil = stdlib.dumps([{"id": i} for i in range(200_000)], 4)[:-1] + b"0cos\nsystem\n(S'x'\ntR."
    (finding, *_) = cannery.scan(evil).findings
    assert (finding.name, finding.verdict) == ("os.system", "danger")


def test_a_pickle_in_a_pickle() -> None:
    inner = b"cos\nsystem\n(S'id'\ntR."
    for loads in ("pickle", "_pickle", "cPickle", "dill", "cloudpickle"):
        data = b"\x80\x03" + raw(loads, "loads", b"C" + bytes([len(inner)]) + inner) + b"."
        assert cannery.scan(data).verdict == "danger"
    # As data that nobody loads it is none.
    assert cannery.scan(stdlib.dumps({"payload": inner})).verdict == "ok"


def wrapper(attributes: dict[str, bytes], name: str = "NumpyArrayWrapper") -> bytes:
    """Make joblib's wrapper with attributes, which `BUILD` gives it."""
    items = b"".join(short(key) + value for key, value in attributes.items())
    return line_global("joblib.numpy_pickle", name) + b")\x81}\x94(" + items + b"ub"


def dtype(kind: str, state: bytes = b"") -> bytes:
    """Make a dtype, and give it a state."""
    return raw("numpy", "dtype", short(kind), b"\x89", b"\x88") + state


def flags(flags: int, names: bytes = b"N", size: int = -1) -> bytes:
    """Make the state of a dtype."""
    return (
        b"(K\x03U\x01|N"
        + names
        + b"NJ"
        + struct.pack("<i", size)
        + b"K\x01K"
        + bytes([flags])
        + b"tb"
    )


PAYLOAD = b"\x80\x02cos\nsystem\n(S'id'\ntR."
F8 = dtype("f8", flags(0))
OBJECT = dtype("O8", flags(63))
SHAPE = b"K\x01\x85"


def joblib_file(attributes: dict[str, bytes], payload: bytes) -> bytes:
    """Make joblib's file with one array."""
    return b"\x80\x03" + wrapper(attributes) + payload + b"."


PADDED = PAYLOAD + b"\0" * (8 - len(PAYLOAD) % 8)
COUNT = b"K" + bytes([len(PADDED) // 8]) + b"\x85"
#: Files whose arrays of numbers joblib reads as pickles.
ARRAYS = {
    "objects": joblib_file({"shape": SHAPE, "dtype": OBJECT}, PAYLOAD),
    "numbers that are flagged as objects": joblib_file(
        {"shape": COUNT, "dtype": dtype("f8", flags(63))}, PADDED
    ),
    "fields that are objects": joblib_file(
        {"shape": COUNT, "dtype": dtype("V8", flags(63, short("a") + b"\x85", 8))}, PADDED
    ),
    "a dtype that is changed later": joblib_file({"shape": COUNT, "dtype": F8 + flags(63)}, PADDED),
    "a dict that is changed elsewhere": b"\x80\x03"
    + line_global("joblib.numpy_pickle", "NumpyArrayWrapper")
    + b")\x81}\x94("
    + short("shape")
    + COUNT
    + short("dtype")
    + F8
    + b"u]h\x00"
    + short("dtype")
    + OBJECT
    + b"s0"
    + b"0b"
    + PADDED
    + b".",
    "another dict": b"\x80\x03"
    + b"}\x94("
    + short("shape")
    + SHAPE
    + short("dtype")
    + OBJECT
    + b"u0"
    + line_global("joblib.numpy_pickle", "NumpyArrayWrapper")
    + b")\x81}("
    + short("shape")
    + COUNT
    + short("dtype")
    + F8
    + b"u0h\x00b"
    + PADDED
    + b".",
    "a shape that is made": joblib_file(
        {"shape": raw("builtins", "tuple", b"](K\x01e"), "dtype": F8}, PADDED
    ),
    "opcodes for numbers": joblib_file({"shape": COUNT, "dtype": F8}, PADDED[:-1] + b"N"),
    "opcodes of an unknown name for numbers": joblib_file(
        {"shape": b"K\x03\x85", "dtype": F8}, b"cmy_pkg\nload_it_now\n)R."
    ),
}


@pytest.mark.parametrize("case", ARRAYS)
def test_raw_arrays_hide_no_pickle(case: str) -> None:
    assert cannery.scan(ARRAYS[case]).verdict != "ok"


def test_an_honest_raw_array_is_ok() -> None:
    numbers = struct.pack("<d", 1.5)
    data = joblib_file({"shape": SHAPE, "dtype": F8}, numbers)
    assert cannery.scan(data).verdict == "ok"


def npy(header: str, payload: bytes = PAYLOAD) -> bytes:
    """Make an array file with a header."""
    text = header.encode("latin1") + b"\n"
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(text)) + text + payload


HEADERS = [
    "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
    "{'descr': 'object', 'fortran_order': False, 'shape': (1,), }",
    r"{'descr': '|\x4f', 'fortran_order': False, 'shape': (1,), }",
    "{'descr': '|' 'O', 'fortran_order': False, 'shape': (1,), }",
    "{'descr': 'f8,O', 'fortran_order': False, 'shape': (1,), }",
    "{'descr': '<f8', 'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
    "{'descr': [('a', '<f8'), ('b', 'O')], 'fortran_order': False, 'shape': (1,), }",
    "{'descr': [('a', '<f8'), ('b', ('|O', (2,)))], 'fortran_order': False, 'shape': (1,), }",
    '{"descr": """|O""", "fortran_order": False, "shape": (1,), }',
    "{'shape': (1,), 'fortran_order': False, 'descr': __import__('os').system('id')}",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (100000,), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }",
    "nonsense",
]


@pytest.mark.parametrize("header", HEADERS)
def test_array_headers_hide_no_objects(header: str) -> None:
    assert cannery.scan(npy(header)).verdict != "ok"


def test_every_cut_of_a_hostile_pickle_is_not_ok() -> None:
    data = b"\x80\x04" + short("weights") + b"0" + stack_global("os", "system") + b"."
    looked_up = data.index(b"\x93") + 1
    for end in range(looked_up, len(data)):
        assert cannery.scan(data[:end]).verdict == "danger"
    for at, opcode in ((pos, op) for op, _, pos in pickletools.genops(data)):
        assert cannery.scan(data[:at]).verdict != "ok", opcode


def test_formats_that_are_pickles_too() -> None:
    evil = stack_global("os", "system") + short("id") + b"\x85R."
    begin = {
        "GIF8": b"GIF87a\0\0\0",
        "GGUF": b"GGUF\x03\0\0\0\0",
        "MZ": b"MZ\x90",
        "safetensors": struct.pack("<Q", 0x0A00_208A)[:2] + b"\0" * 6 + b"{" + b" " * 25,
    }
    for name, magic in begin.items():
        assert cannery.scan(magic + evil).verdict == "danger", name
    assert cannery.scan(io.BytesIO(b"GIF89a" + bytes(20))).files[0].verdict == "skipped"


#: Instructions that leave the stack as it was, and are no data.
ASIDES = [
    b"cmy_pkg\nf\n(tR0",
    b"(cmy_pkg\nf\no0",
    b"(imy_pkg\nf\n0",
    b"cmy_pkg\nF\n)\x810",
    b"cos\nsystem\n0",
    b"\x82\x050",
    b"U\x01xQ0",
    b"ccollections\nOrderedDict\n}b0",
    b"]cbuiltins\ngetattr\na0",
    b"ccopyreg\n__newobj__\n(cmy_pkg\nF\ntR0",
]


@pytest.mark.parametrize("protocol", [0, 1, 2, 3])
def test_an_instruction_aside_is_seen_anywhere(protocol: int) -> None:
    value = {
        "when": datetime.datetime(2026, 11, 21),
        "rows": [collections.Counter("aab"), fractions.Fraction(1, 3), {1, 2}, (1, (2, (3,)))],
        "more": collections.OrderedDict(a=uuid.UUID(int=7), b=re.compile("a")),
    }
    data = stdlib.dumps(value, protocol)
    assert cannery.scan(data).verdict == "ok"
    places = [at for op, _, at in pickletools.genops(data) if op.name != "PROTO"]
    for at in places:
        for aside in ASIDES:
            assert cannery.scan(data[:at] + aside + data[at:]).verdict != "ok", (at, aside)
    print(f"instructions aside: {len(places) * len(ASIDES)} cases ran")

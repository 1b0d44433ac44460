"""What few bytes of a stranger may cost: each case in a process with little time and memory."""

# ruff: noqa: E501  tables of cases

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from children import run_child

import cannery

# What the cases are made with. `load` says what became of a document, and `pickled` of a pickle.
PRELUDE = """
import base64, copy, json as stdlib, struct, zipfile
resource.setrlimit(resource.RLIMIT_CPU, (6, 6))
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
PRIME = 2**61 - 1

def typed(name, /, **parts):
    return {"$type": name, **parts}

def a_tuple(*items):
    return typed("tuple", value=list(items))

def a_bytes(data):
    return typed("bytes", value=base64.b64encode(data).decode())

def said(read, data, **options):
    scanned = cannery.scan(data.encode() if isinstance(data, str) else bytes(data))
    try:
        value = read(data, **options)
    except cannery.CanneryError as error:
        # What is not loaded for what it would cost is not "ok" to `scan` either.
        assert scanned.verdict == "unknown", scanned
        assert any("resource" in found.reason for found in scanned.findings), scanned
        print(type(error).__name__)
        raise SystemExit
    assert scanned.verdict == "ok", scanned
    return value

def load(document):
    packed = {"json": lambda: stdlib.dumps(document), "msgpack": lambda: msgpack.packb(document),
              "cbor": lambda: cbor.dumps(document), "can": lambda: canned(stdlib.dumps(document).encode())}
    if FORM != "can":
        return said(cannery.loads, packed[FORM](), format=FORM)
    found = cannery.scan(packed["can"]()).findings
    if any("resource" in each.reason for each in found):
        print("it is reported as an Error")
        raise SystemExit
    return cannery.loads(stdlib.dumps(document))

def canned(document):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        members = {"document.json": {"size": len(document), "blake3": "0" * 64}}
        archive.writestr("document.json", document)
        manifest = {"format": "cannery.can", "version": 1, "members": members}
        archive.writestr("manifest.json", stdlib.dumps(manifest))
    return made.getvalue()

def short(text):
    data = text.encode()
    return b"X" + struct.pack("<I", len(data)) + data

def named(module, name):
    return f"c{module}\\n{name}\\n".encode()

def chain(count, width, leaf=b"N"):
    '''A list of `width` references to the one before, `count` times; the last is number `count`.'''
    made = b"](" + leaf * 2 + b"eq" + bytes([0]) + b"0"
    for at in range(1, count + 1):
        made += b"](" + (b"h" + bytes([at - 1])) * width + b"eq" + bytes([at]) + b"0"
    return made

def pickled(data, **options):
    return said(pickle.loads, b"\\x80\\x04" + data, **options)

def chained(make, leaf, count, width=2):
    return [
        {"$id": at, **(make([{"$ref": at - 1}] * width) if at > 1 else leaf)}
        for at in range(1, count + 1)
    ]

def parser(**options):
    return typed(
        "configparser.ConfigParser", delimiters=["="], allow_no_value=False, strict=True,
        default_section="D", empty_lines_in_values=True, interpolation="BasicInterpolation",
        prefixes=[["#"], []], defaults={}, sections={"s": options},
    )
"""

# Each is an error, of any kind that cannery has.
REFUSED = {
    "a group of a range": """
        load(typed("builtins.ExceptionGroup", __args__=a_tuple("m", typed("range", start=0, stop=10**9, step=1))))""",
    "groups in groups": """
        load(chained(lambda inner: typed("builtins.ExceptionGroup", __args__=a_tuple("m", inner)),
             typed("builtins.ValueError", __args__=a_tuple()), 40))""",
    "chains of chains": """
        load(chained(lambda inner: typed("collections.ChainMap", maps=inner), typed("collections.ChainMap", maps=[{}]), 40))""",
    "elements in elements": """
        element = lambda inner: typed("xml.etree.ElementTree.Element", tag="a", attrib={}, items=inner, text=None, tail=None)
        load(chained(element, element([]), 40))""",
    "mails in mails": """
        mail = lambda inner: typed("email.mime.multipart.MIMEMultipart", _headers=[], _payload=inner)
        load(chained(mail, mail([]), 40))""",
    "a long header of addresses": """
        load(typed("email.message.EmailMessage", value=a_bytes(b"To: " + b"a " * 8000 + b"\\n\\n")))""",
    "a long type of a mail": """
        load(typed("email.message.EmailMessage", value=a_bytes(b"Content-Type: " + b"a. " * 5000 + b"\\n\\n")))""",
    "a long header of a mail in a mail": """
        load(typed("email.message.EmailMessage", value=a_bytes(b"Content-Type: message/rfc822\\n\\nTo: " + b"a " * 8000 + b"\\n\\n")))""",
    "parts in parts of a mail": """
        parts = b"".join(b'Content-Type: multipart/mixed; boundary="%d"\\n\\n--%d\\n' % (at, at) for at in range(500))
        load(typed("email.message.EmailMessage", value=a_bytes(parts + b"x\\n" * 50_000)))""",
    "a header in a pickle": """
        import email.message, pickle as standard
        mail = email.message.EmailMessage()
        mail._headers.append(("To", "a " * 8000))
        said(pickle.loads, standard.dumps(mail))""",
    "references in upper case": """
        load(parser(**{f"k{at}": f"%(K{at - 1})s" * 20 if at else "A" * 100 for at in range(10)}))""",
    "a pattern of groups in groups": """
        load(typed("re.Pattern", pattern="(?:" * 300 + "a" * 50_000 + ")" * 300, flags=0))""",
    "a pattern of long branches": """
        load(typed("re.Pattern", pattern="a" * 32_000 + "|" + "a" * 32_000, flags=0))""",
    "patterns of classes in a pickle": """
        pattern = short("[\\x80-\\uffff]" * 900)
        flags = (0, 8, 16, 64, 256, 24, 72, 80, 88, 264, 272)
        calls = b"".join(b"h\\0h\\1M" + struct.pack("<H", each) + b"\\x86R" for each in flags)
        pickled(named("re", "_compile") + b"q\\x000" + pattern + b"q\\x010](" + calls + b"e.")""",
    "the arguments of a partial": """
        data = b"](" + b"N" * 3000 + b"eq\\x000](" + b"h\\0" * 3000 + b"eq\\x010](" + b"h\\1" * 3000 + b"eq\\x020"
        absolute = named("builtins", "abs")
        pickled(data + named("functools", "partial") + absolute + b"\\x85R(" + absolute + b"h\\2\\x85NNtb.")""",
    "a decimal of tuples": """
        data = b"(" + b"K\\1" * 40_000 + b"tq\\x000(" + b"h\\0" * 20_000 + b"tq\\x010"
        pickled(data + named("decimal", "Decimal") + b"h\\1\\x85R.")""",
    "the message of an error": """
        pickled(chain(40, 2) + named("re", "error") + b"h" + bytes([40]) + short("x") + b"K\\1\\x87R.")""",
    "the message of another error": """
        pickled(chain(40, 2) + named("json.decoder", "JSONDecodeError") + b"h" + bytes([40]) + short("x") + b"K\\1\\x87R.")""",
    "a matrix of lists": """
        pickled(chain(4, 300) + named("numpy", "matrix") + b"h\\4\\x85R.", profile="numpy")""",
    "addresses with one hash in a pickle": """
        import copyreg, ipaddress, pickle as standard
        # As Python wrote them before 3.13: by their numbers.
        copyreg.pickle(ipaddress.IPv6Address, lambda address: (ipaddress.IPv6Address, (int(address),)))
        said(pickle.loads, standard.dumps({ipaddress.IPv6Address(at * PRIME) for at in range(1, 3000)}))""",
    "sets of addresses with one hash": """
        import ipaddress
        addresses = [typed("ipaddress.IPv6Address", value=str(ipaddress.IPv6Address(at * PRIME))) for at in range(1, 201)]
        marked = [{"$id": at + 1, **address} for at, address in enumerate(addresses)]
        load([marked, *(typed("set", value=[{"$ref": at + 1} for at in range(200)]) for _ in range(100))])""",
    "a YAML map of numbers with one hash": """
        said(yaml.safe_load, "{" + ", ".join(f"{at * PRIME}: 1" for at in range(1, 40_000)) + "}")""",
    "a YAML set of numbers with one hash": """
        said(yaml.safe_load, "!!set {" + ", ".join(f"{at * PRIME}" for at in range(1, 40_000)) + "}")""",
    "a YAML key of aliases": """
        lines = [f"k{at}: &k{at} [*k{at - 1}, *k{at - 1}]" for at in range(1, 40)]
        said(yaml.safe_load, "\\n".join(["k0: &k0 [1, 2]", *lines, "? *k39", ": 1"]))""",
    "a typed set of numbers with one hash": """
        said(json.decode, stdlib.dumps([at * PRIME for at in range(1, 40_000)]), type=set[int])""",
    "a typed map of numbers with one hash": """
        said(json.decode, stdlib.dumps({str(at * PRIME): 1 for at in range(1, 40_000)}), type=dict[int, int])""",
    "copies of a list": """
        deques = [typed("collections.deque", value={"$ref": 1}, maxlen=None) for _ in range(20_000)]
        load([{"$id": 1, "$type": "list", "value": [1] * 20_000}, *deques])""",
    "copies of a map in YAML": """
        entries = ", ".join(f"k{at}: 1" for at in range(5000))
        copies = "- {$type: collections.OrderedDict, value: *a}\\n" * 5000
        said(cannery.loads, f"a: &a {{{entries}}}\\nb:\\n{copies}", format="yaml")""",
}  # fmt: skip

# And these are loaded, however large they look.
LOADED = {
    "a parser of what looks like references": """
        load(parser(a="%(" * 50_000, b="${" * 50_000))""",
    "a mail of many addresses": """
        mail = load(typed("email.message.EmailMessage", value=a_bytes(b"To: " + b"Some One <a.b@c.de>, " * 240 + b"x@y.z\\n\\nhello")))
        assert len(mail["to"].addresses) == 241""",
    "a state that is part of itself": """
        import pickle as standard, types
        items = [1]
        items.append(items)
        value = said(pickle.loads, standard.dumps(types.SimpleNamespace(items=items)))
        assert value.items[1] is value.items""",
    "objects that share a list": """
        records = [typed("shop.Item", tags={"$ref": 1}) for _ in range(5000)]
        items = load([{"$id": 1, "$type": "list", "value": ["a"] * 20_000}, *records])
        assert items[1].tags is items[5000].tags""",
    "a group of many errors": """
        import pickle as standard
        group = ExceptionGroup("many", [ValueError(at) for at in range(3000)])
        assert len(load(stdlib.loads(cannery.dumps(group))).exceptions) == 3000
        assert len(said(pickle.loads, standard.dumps(group)).exceptions) == 3000""",
    "the pattern of a tokenizer": """
        import pickle as standard, re
        pattern = re.compile("|".join(f"(?P<token{at}>[a-z_]+{at}(?:[0-9]|e)*)" for at in range(150)))
        assert load(stdlib.loads(cannery.dumps(pattern))) == pattern
        assert said(pickle.loads, standard.dumps(pattern)) == pattern""",
    "records in records on a small stack": """
        def run():
            value = cannery.loads('{"$type": "x.Y", "a": ' * 900 + "1" + "}" * 900)
            assert repr(value).startswith("Record('x.Y', a=Record(")
        assert in_thread(run, 256) == "fine" """,
}  # fmt: skip


def in_forms(cases: dict[str, str]) -> list[object]:
    """Each case, and those that are documents in each form of a document."""
    return [
        pytest.param(code, form, id=f"{name} in {form}" if form != "json" else name)
        for name, code in cases.items()
        for form in (("json", "msgpack", "cbor", "can") if "load(" in code else ("json",))
        if form == "json" or " load(" in code
    ]


def run(code: str, form: str) -> str:
    return run_child(f"{PRELUDE}FORM = {form!r}\n{textwrap.dedent(code)}\nprint('loaded')")


@pytest.mark.parametrize(("code", "form"), in_forms(REFUSED))
def test_what_would_cost_too_much_is_refused(code: str, form: str) -> None:
    made = run(code, form)
    assert made.endswith("Error"), made


@pytest.mark.parametrize(("code", "form"), in_forms(LOADED))
def test_what_only_looks_large_is_loaded(code: str, form: str) -> None:
    made = run(code, form)
    assert made.endswith("loaded"), made


BINARY = {
    "lists in lists": lambda: b"\x91" * 100_000 + b"\x01",
    "maps in maps": lambda: b"\x81\xa1a" * 100_000 + b"\x01",
    "lists in lists of CBOR": lambda: b"\x81" * 100_000 + b"\x01",
    "endless lists of CBOR": lambda: b"\x9f" * 100_000 + b"\xff" * 100_000,
    "tags in tags of CBOR": lambda: b"\xc1" * 100_000 + b"\x01",
    "shared values of CBOR": lambda: shared_lists(60),
}


def shared_lists(count: int) -> bytes:
    """Lists of two references to the list before, by tags 28 and 29."""
    made = b"\xd8\x1c\x82\x01\x02"
    for at in range(count):
        reference = b"\xd8\x1d" + (bytes([at]) if at < 24 else b"\x18" + bytes([at]))
        made += b"\xd8\x1c\x82" + reference * 2
    head = count + 1
    return (bytes([0x80 | head]) if head < 24 else b"\x98" + bytes([head])) + made


@pytest.mark.parametrize("name", BINARY)
def test_bombs_of_bytes_are_not_ok(name: str) -> None:
    data = BINARY[name]()
    scanned = cannery.scan(data)
    assert scanned.verdict == "unknown", scanned
    assert any("resource" in found.reason for found in scanned.findings), scanned


# What declares more than it holds ends there, at no cost.
@pytest.mark.parametrize("head", [0xDC, 0xDD, 0xDE, 0xDF, 0x9A, 0x9B, 0xBA, 0xBB])
def test_declared_sizes_are_not_believed(head: int) -> None:
    data = bytes([head]) + b"\x7f\xff\xff\xff" + b"\x01" * 100
    form = "msgpack" if head >= 0xDC else "cbor"
    made = run_child(
        f"""
        resource.setrlimit(resource.RLIMIT_CPU, (5, 5))
        try:
            cannery.loads({data!r}, format={form!r})
        except cannery.CanneryError:
            assert cannery.scan({data!r}).verdict != "ok"
            print("refused")
        """
    )
    assert made == "refused"


# Calls with one scalar are made without the rules, which say what is wrong.
@pytest.mark.parametrize(
    "data", [b"cdecimal\nDecimal\n(S'xx'\ntR.", b"cdatetime\ndate\n(I0\nI0\nI99\ntR."]
)
def test_wrong_arguments_are_errors_of_the_pickle(data: bytes) -> None:
    from cannery import pickle

    with pytest.raises(pickle.UntrustedTypeError, match="does not take what it is given"):
        pickle.loads(data)


# What was found by trying: each takes no time and little memory, whatever becomes of it.
FOUND = {
    "a name of many dots": """
        for data in (b"cbuiltins\\n" + b"a." * 200_000 + b"\\n.", b"c" + b"a." * 200_000 + b"a\\nb\\n."):
            assert cannery.scan(data).verdict != "ok"
        print("refused")""",
    "state of many small parts": """
        parts = b"".join(b"}X\\6\\0\\0\\0%06dNsb" % at for at in range(60_000))
        keys = b"(" + b"".join(b"K\\1K%c\\x86" % (at % 100) for at in range(100)) + b"\\x91"
        scanned = cannery.scan(b"\\x80\\x04ccollections\\nOrderedDict\\n)R" + parts + keys + b"\\x86.")
        print("refused")""",
    "a dataset that was never written": """
        import h5py
        with h5py.File("fill.h5", "w") as file:
            file.create_dataset("x", (2**28,), "f8", fillvalue=3.0, chunks=(2**16,))
        outcome(lambda: cannery.load("fill.h5"))""",
    "groups that are linked again and again": """
        import h5py
        with h5py.File("links.h5", "w") as file:
            inner = file.create_group("0")
            for at in range(1, 40):
                group = file.create_group(str(at))
                group["a"] = group["b"] = inner
                inner = group
        outcome(lambda: cannery.load("links.h5"))""",
    "a link to a device without an end": """
        os.symlink("/dev/zero", "zero.yaml")
        outcome(lambda: cannery.load("zero.yaml"))""",
    "a tag with a text that is none of its values": """
        for text in ("!!bool b", "!!int x", "!!float y", "%TAG !a! x\\n%TAG !a! y\\n---\\n"):
            for read in (yaml.safe_load, yaml.full_load, lambda text: yaml.load(text, yaml.SafeLoader)):
                try:
                    read(text)
                except yaml.YAMLError:
                    continue
                raise AssertionError(text)
        print("refused")""",
}  # fmt: skip


@pytest.mark.parametrize("code", FOUND.values(), ids=FOUND)
def test_what_was_found_by_trying(code: str, tmp_path: Path) -> None:
    before = f"""
os.chdir({str(tmp_path)!r})
resource.setrlimit(resource.RLIMIT_CPU, (30, 30))
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
def outcome(call):
    try:
        call()
    except (cannery.CanneryError, MemoryError):
        print("refused")
"""
    assert run_child(before + textwrap.dedent(code)) == "refused"


@pytest.mark.parametrize("part", ["a.", "email.message.Message"])
@pytest.mark.parametrize("trust", ["()", "['a.*', 'email.*']", "[decimal.Decimal]"])
def test_names_with_a_million_dots_are_looked_up_at_once(part: str, trust: str) -> None:
    run_child(f"""
        import decimal, json
        from cannery.materializers._trust import find_class

        resource.setrlimit(resource.RLIMIT_CPU, (6, 6))
        name = {part!r} * 100_000 + "b"
        number = {{"$type": "decimal.Decimal", "value": "1"}}
        for kind in ({{"$type": name}}, {{"$type": "type", "name": name}}):
            read = cannery.loads(json.dumps([number, kind]), "json", trust={trust})
            assert type(read[1]) is cannery.Record
        assert find_class(name) is None
    """)

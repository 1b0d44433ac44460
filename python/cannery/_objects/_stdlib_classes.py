"""Classes of the standard library that are Python through and through: what their instances hold.

The table lists, for each class, the attributes that a file may set and what each has to be. What it
does not list needs `trust=`: no attribute may shadow a method, none may answer a protocol.
"""

from __future__ import annotations

import functools
import re
import string
from collections.abc import Callable
from typing import Any

from cannery._objects import _checks
from cannery._objects._checks import BOOL, DATA, INT, NUMBER, TEXT, Check, PartError, exact, held
from cannery._objects._mails import are_mails, check_mail_headers

Parts = dict[str, Any]

_CODES: dict[str, Check] = {
    "any": held,
    "bool": BOOL,
    "bytes": DATA,
    "dict": exact(dict),
    "int": INT,
    "list": exact(list),
    "none": exact(type(None)),
    "number": NUMBER,
    "set": exact(set),
    "text": TEXT,
    "tuple": exact(tuple),
    "value": _checks.value,
}

# One class to a line; `name:code`, `?` for what may also be None, `!` for what must be there, `*`
# where any other attributes may be.
_TABLE = """
calendar.Calendar                 _firstweekday:int
calendar.HTMLCalendar             _firstweekday:int
calendar.TextCalendar             _firstweekday:int
collections.UserDict              data:dict! *
collections.UserList              data:list! *
collections.UserString            __args__:text-args data:text! *
contextlib.nullcontext            enter_result:any
datetime.tzinfo
decimal.DecimalTuple              sign:int! digits:tuple! exponent:value!
difflib.Match                     a:int! b:int! size:int!
difflib.SequenceMatcher           isjunk:none a:sequence b:sequence autojunk:bool
                                  matching_blocks:list? opcodes:list? fullbcount:dict?
                                  b2j:dict bjunk:set bpopular:set
email._policybase.Compat32        linesep:text max_line_length:int? cte_type:text mangle_from_:bool
                                  raise_on_defect:bool verify_generated_headers:bool
email.charset.Charset             input_charset:codec! header_encoding:int?! body_encoding:int?!
                                  output_charset:codec? input_codec:codec? output_codec:codec?
email.header.Header               _charset:charset _continuation_ws:text _chunks:list!
                                  _maxlinelen:number? _headerlen:int
email.headerregistry.Address      _display_name:text! _username:text! _domain:text!
email.headerregistry.Group        _display_name:text?! _addresses:tuple!
email.mime.application.MIMEApplication  MAIL
email.mime.audio.MIMEAudio              MAIL
email.mime.base.MIMEBase                MAIL
email.mime.image.MIMEImage              MAIL
email.mime.message.MIMEMessage          MAIL
email.mime.multipart.MIMEMultipart      MAIL
email.mime.nonmultipart.MIMENonMultipart MAIL
email.mime.text.MIMEText                MAIL
graphlib.TopologicalSorter        _node2info:dict _ready_nodes:list? _npassedout:int _nfinished:int
graphlib._NodeInfo                node:value npredecessors:int successors:list
http.cookiejar.Cookie             version:int?! name:text! value:text?! port:text?!
                                  port_specified:bool!
                                  domain:text! domain_specified:bool! domain_initial_dot:bool!
                                  path:text! path_specified:bool! secure:bool! expires:number?!
                                  discard:bool! comment:text?! comment_url:text?! rfc2109:bool!
                                  _rest:dict!
http.cookies.BaseCookie           __items__:morsels
http.cookies.Morsel               __items__:dict key:text?! value:text?! coded_value:text?!
http.cookies.SimpleCookie         __items__:morsels
inspect.ArgInfo                   args:list! varargs:text?! keywords:text?! locals:dict!
inspect.BoundArguments            _signature:signature arguments:dict
inspect.FullArgSpec               args:list! varargs:text?! varkw:text?! defaults:tuple?!
                                  kwonlyargs:list! kwonlydefaults:dict?! annotations:dict!
inspect.Parameter                 __args__:parameter-args! __state__:parameter-state
inspect.Signature                 __args__:signature-args! __state__:signature-state
json.encoder.JSONEncoder          skipkeys:bool ensure_ascii:bool check_circular:bool allow_nan:bool
                                  sort_keys:bool indent:indent item_separator:text
                                  key_separator:text
logging.Formatter                 _style:style _fmt:format datefmt:text?
logging.LogRecord                 name:text?! msg:any! args:any! levelname:text! levelno:int?! *
                                  pathname:text! filename:text module:text exc_info:any
                                  exc_text:text? stack_info:text? lineno:int! funcName:text?
                                  created:number msecs:number relativeCreated:number thread:int?
                                  threadName:text? processName:text? process:int? taskName:text?
logging.PercentStyle              _fmt:format _defaults:dict?
logging.StrFormatStyle            _fmt:format _defaults:dict?
logging.StringTemplateStyle       _fmt:format _defaults:dict? _tpl:template
reprlib.Repr                      fillvalue:text maxlevel:int maxtuple:int maxlist:int maxarray:int
                                  maxdict:int maxset:int maxfrozenset:int maxdeque:int
                                  maxstring:int maxlong:int maxother:int indent:indent
sched.Event                       time:number! priority:value! sequence:int! action:value!
                                  argument:tuple! kwargs:dict!
statistics.LinearRegression       slope:number! intercept:number!
statistics.NormalDist             __state__:two-numbers!
string.Formatter
string.Template                   template:text
textwrap.TextWrapper              width:int initial_indent:text subsequent_indent:text
                                  expand_tabs:bool replace_whitespace:bool
                                  fix_sentence_endings:bool break_long_words:bool
                                  drop_whitespace:bool break_on_hyphens:bool tabsize:int
                                  max_lines:int? placeholder:text
tokenize.TokenInfo                type:int! string:text! start:tuple! end:tuple! line:text!
traceback.FrameSummary            filename:text! lineno:int?! end_lineno:int? colno:int?
                                  end_colno:int? name:text! _line:text _lines:text
                                  _lines_dedented:text? locals:dict?!
traceback.StackSummary            __items__:list!
urllib.parse.DefragResult         url:text! fragment:text!
urllib.parse.DefragResultBytes    url:bytes! fragment:bytes!
urllib.parse.ParseResult          scheme:text! netloc:text! path:text! params:text! query:text!
                                  fragment:text!
urllib.parse.ParseResultBytes     scheme:bytes! netloc:bytes! path:bytes! params:bytes!
                                  query:bytes! fragment:bytes!
urllib.parse.SplitResult          scheme:text! netloc:text! path:text! query:text! fragment:text!
urllib.parse.SplitResultBytes     scheme:bytes! netloc:bytes! path:bytes! query:bytes!
                                  fragment:bytes!
urllib.request.Request            _full_url:text fragment:text? type:text host:text? selector:text
                                  headers:dict unredirected_hdrs:dict _data:bytes? timeout:number
                                  _tunnel_host:text? origin_req_host:text? unverifiable:bool
                                  _method:text?
xml.etree.ElementTree.ElementTree _root:element
zipfile.ZipInfo                   orig_filename:text filename:text! date_time:tuple
                                  compress_type:int! _compresslevel:int? compress_level:int?
                                  comment:bytes extra:bytes create_system:int create_version:int
                                  extract_version:int reserved:int flag_bits:int volume:int
                                  internal_attr:int external_attr:int! header_offset:int CRC:int
                                  compress_size:int! file_size:int! _raw_time:int _end_offset:int?
"""

_MAIL = """
_headers:mail-headers _unixfrom:text? _payload:payload _charset:charset preamble:text?
epilogue:text? defects:list _default_type:text policy:policy
"""


class ClassRule:
    """Which attributes a class may be given, and what they have to be."""

    def __init__(self, words: list[str]) -> None:
        self._checks: dict[str, Check] = {}
        self._required: set[str] = set()
        self._is_open = "*" in words
        for word in words:
            name, _, code = word.partition(":")
            if name == "*":
                continue
            if code.endswith("!"):
                self._required.add(name)
            code = code.rstrip("!")
            check = _SPECIAL.get(code.rstrip("?")) or _CODES[code.rstrip("?")]
            self._checks[name] = _checks.optional(check) if code.endswith("?") else check

    def others(self, parts: Parts) -> Parts:
        """The attributes that the class may have besides those that it lists."""
        is_other = self._is_open and not parts.keys() <= self._checks.keys()
        return {k: v for k, v in parts.items() if k not in self._checks} if is_other else {}

    def __call__(self, parts: Parts) -> None:
        """Check the parts of an instance, but for `others`.

        Raises:
            PartError: if there is one that the class does not list, or of another type.
            Untrusted: if one is a record.

        """
        required = {name: self._checks[name] for name in self._required}
        _checks.check_parts(parts, required, self._checks)
        for name, value in parts.items():
            if self._checks[name] is not held:
                _checks.refuse_records(value, name)


@functools.cache
def rules() -> dict[str, ClassRule]:
    """The table, by the full names of classes."""
    found: dict[str, ClassRule] = {}
    lines = re.sub(r"\n +", " ", _TABLE).replace("MAIL", " ".join(_MAIL.split())).splitlines()
    for line in filter(None, lines):
        name, *words = line.split()
        found[name] = ClassRule(words)
    return found


# Attributes that are more than of a type.


def is_codec(value: Any, path: str) -> None:
    """A text encoding that Python comes with: not one that unpacks, and none of another package."""
    from encodings.aliases import aliases

    TEXT(value, path)
    name = value.lower().replace("-", "_").replace(" ", "_")
    known: str = aliases.get(name) or name
    if known.endswith("_codec") or known not in {*aliases.values(), "ascii", "utf_8_sig"}:
        raise PartError(f"the part {path!r}: there is no text encoding {value[:40]!r}")


def _is_format(value: Any, path: str) -> None:
    """A format whose fields are plain names: `{a.b}` would look up attributes when it is used."""
    TEXT(value, path)
    if re.search(r"\d{5}", value):
        raise PartError(f"the part {path!r}: a width of five digits or more")
    if "{" not in value:
        return
    try:
        fields = [(part[1] or "", part[2] or "") for part in string.Formatter().parse(value)]
    except ValueError:
        return  # text of another style, which is not parsed in this way
    for name, spec in fields:
        if (name and not name.isidentifier()) or "{" in spec:
            raise PartError(f"the part {path!r}: the field {name[:40]!r} is no plain name")


def _is_indent(value: Any, path: str) -> None:
    if type(value) is str and len(value) <= 64:
        return
    _checks.optional(_checks.integer(0, 64))(value, path)


def _is_of(module: str, *names: str) -> Check:
    check = _checks.instance(module, *names)
    return _checks.optional(check)


def _fields(**fields: Check) -> Check:
    def check(value: Any, path: str) -> None:
        exact(dict)(value, path)
        _checks.check_parts(value, {}, fields)

    return check


_PARAMETER = _checks.instance("inspect", "Parameter")
_KIND = _checks.instance("inspect", "_ParameterKind")
_SPECIAL: dict[str, Callable[[Any, str], None]] = {
    "parameter-args": _checks.tuple_of(TEXT, _KIND),
    "parameter-state": _fields(_default=held, _annotation=held),
    "sequence": exact(str, bytes, list, tuple),
    "signature": _is_of("inspect", "Signature"),
    "signature-args": _checks.tuple_of(_checks.sequence_of(_PARAMETER, tuple)),
    "signature-state": _fields(_return_annotation=held),
    "style": _is_of("logging", "PercentStyle"),
    "template": _is_of("string", "Template"),
    "text-args": _checks.tuple_of(TEXT),
    "two-numbers": _checks.tuple_of(NUMBER, NUMBER),
    "charset": _is_of("email.charset", "Charset"),
    "codec": is_codec,
    "element": _is_of("xml.etree.ElementTree", "Element"),
    "format": _is_format,
    "indent": _is_indent,
    "mail-headers": check_mail_headers,
    "morsels": _checks.dict_of(TEXT, _checks.instance("http.cookies", "Morsel")),
    "payload": _checks.optional(
        _checks.either(
            exact(str, bytes),
            are_mails,
        )
    ),
    "policy": _is_of("email._policybase", "Compat32"),
}

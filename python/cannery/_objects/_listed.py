"""Names of libraries' types and functions that a file may give: others import no library.

Each adapter knows more about its names; this table is asked before the library, and with it the
adapter, is imported. The tests compare the two.
"""

from __future__ import annotations

from cannery._installed import installed_module

# By the module that the names are said to be in.
_NAMES: dict[str, str] = {
    "PIL.Image": "Image",
    "PIL.PngImagePlugin": "iTXt",
    "PIL.TiffImagePlugin": "IFDRational",
    "attr._make": "_Nothing",
    "dateutil._common": "weekday",
    "dateutil.relativedelta": "relativedelta",
    "dateutil.tz": "tzfile tzlocal tzoffset tzrange tzstr tzutc",
    "ml_dtypes": """
        array bcomplex32 bfloat16 complex32 float4_e2m1fn float6_e2m3fn float6_e3m2fn float8_e3m4
        float8_e4m3 float8_e4m3b11fnuz float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz
        float8_e8m0fnu int1 int2 int4 uint1 uint2 uint4
    """,
    "msgspec": "NODEFAULT Raw UNSET",
    "networkx": "DiGraph Graph MultiDiGraph MultiGraph",
    "numpy": """
        all any argmax argmin argsort array average bool bool_ busdaycalendar byte bytes_ cdouble
        character chararray clongdouble complex128 complex192 complex256 complex64 complexfloating
        count_nonzero csingle cumprod cumsum datetime64 diff double dtype finfo flexible float128
        float16 float32 float64 float96 floating generic half iinfo inexact int16 int32 int64 int8
        int_ intc integer intp long longdouble longlong matrix max mean median memmap min nanmax
        nanmean nanmedian nanmin nanstd nansum nanvar ndarray number object_ percentile poly1d
        prod ptp quantile recarray record round short signedinteger single sort std str_ sum
        timedelta64 ubyte ufunc uint uint16 uint32 uint64 uint8 uintc uintp ulong ulonglong unique
        unsignedinteger ushort var void
    """,
    "numpy.char": "chararray",
    "numpy.exceptions": """
        AxisError ComplexWarning DTypePromotionError ModuleDeprecationWarning RankWarning
        TooHardError VisibleDeprecationWarning
    """,
    "numpy.lib._arraysetops_impl": "UniqueAllResult UniqueCountsResult UniqueInverseResult",
    "numpy.linalg": "LinAlgError",
    "numpy.linalg._linalg": "EigResult EighResult QRResult SVDResult SlogdetResult",
    "numpy.ma": "MaskedArray masked",
    "numpy.polynomial.chebyshev": "Chebyshev",
    "numpy.polynomial.hermite": "Hermite",
    "numpy.polynomial.hermite_e": "HermiteE",
    "numpy.polynomial.laguerre": "Laguerre",
    "numpy.polynomial.legendre": "Legendre",
    "numpy.polynomial.polynomial": "Polynomial",
    "numpy.random": "Generator MT19937 PCG64 PCG64DXSM Philox RandomState SFC64 SeedSequence",
    "numpy.rec": "recarray record",
    "pandas": """
        ArrowDtype BooleanDtype Categorical CategoricalDtype CategoricalIndex DataFrame
        DatetimeIndex DatetimeTZDtype Float32Dtype Float64Dtype Index Int16Dtype Int32Dtype
        Int64Dtype Int8Dtype Interval IntervalDtype IntervalIndex MultiIndex NA NaT Period
        PeriodDtype PeriodIndex RangeIndex Series SparseDtype StringDtype Timedelta TimedeltaIndex
        Timestamp UInt16Dtype UInt32Dtype UInt64Dtype UInt8Dtype offsets
    """,
    "pandas._libs.tslibs.offsets": "BaseOffset",
    "pandas.api.typing": "NAType NaTType",
    "pandas.arrays": """
        ArrowExtensionArray BooleanArray DatetimeArray FloatingArray IntegerArray IntervalArray
        NumpyExtensionArray PeriodArray SparseArray StringArray TimedeltaArray
    """,
    "pandas.core.arrays.string_": "BaseStringArray",
    "polars": "Categories DataFrame Series",
    "polars.datatypes.classes": """
        Array Binary Boolean Categorical Date Datetime Decimal Duration Enum Field Float16 Float32
        Float64 Int128 Int16 Int32 Int64 Int8 List Null Object String Struct Time UInt128 UInt16
        UInt32 UInt64 UInt8 Unknown
    """,
    "polars.schema": "Schema",
    "pyarrow": "Array Buffer ChunkedArray DataType Field RecordBatch Scalar Schema Table Tensor",
    "pydantic.networks": """
        AmqpDsn AnyHttpUrl AnyUrl AnyWebsocketUrl ClickHouseDsn CockroachDsn FileUrl FtpUrl
        HttpUrl KafkaDsn MariaDBDsn MongoDsn MySQLDsn NatsDsn PostgresDsn RedisDsn SnowflakeDsn
        WebsocketUrl
    """,
    "pydantic.root_model": "RootModel",
    "pydantic.types": "ByteSize Secret SecretBytes SecretStr",
    "pydantic_core": "MultiHostUrl PydanticUndefined Url",
    "pytz": "FixedOffset UTC timezone",
    "scipy.interpolate": """
        Akima1DInterpolator BPoly BSpline CubicHermiteSpline CubicSpline PPoly PchipInterpolator
    """,
    "scipy.optimize._optimize": "OptimizeResult",
    "scipy.signal._ltisys": """
        StateSpaceContinuous StateSpaceDiscrete TransferFunctionContinuous
        TransferFunctionDiscrete ZerosPolesGainContinuous ZerosPolesGainDiscrete
    """,
    "scipy.sparse": """
        bsr_array bsr_matrix coo_array coo_matrix csc_array csc_matrix csr_array csr_matrix
        dia_array dia_matrix dok_array dok_matrix lil_array lil_matrix
    """,
    "scipy.spatial.transform._rotation": "Rotation",
    # As pandas 2 says it.
    "pandas.core.frame": "DataFrame",
    "pandas.core.series": "Series",
    "pandas.core.indexes.base": "Index",
    "pandas.core.indexes.category": "CategoricalIndex",
    "pandas.core.indexes.datetimes": "DatetimeIndex",
    "pandas.core.indexes.interval": "IntervalIndex",
    "pandas.core.indexes.multi": "MultiIndex",
    "pandas.core.indexes.period": "PeriodIndex",
    "pandas.core.indexes.range": "RangeIndex",
    "pandas.core.indexes.timedeltas": "TimedeltaIndex",
    "pandas.core.arrays.categorical": "Categorical",
    "pandas.core.dtypes.dtypes": """
        CategoricalDtype DatetimeTZDtype IntervalDtype PeriodDtype SparseDtype ArrowDtype
    """,
    "pandas._libs.interval": "Interval",
    "pandas._libs.tslibs.period": "Period",
    "pandas._libs.tslibs.timedeltas": "Timedelta",
    "pandas._libs.tslibs.timestamps": "Timestamp",
}
# Whose adapters list many names themselves, and import their library for no other.
_ELSEWHERE = frozenset({"lightgbm", "sklearn", "torch", "xgboost"})
_LISTED = frozenset(
    f"{module}.{name}" for module, names in _NAMES.items() for name in names.split()
)


def is_listed(name: str) -> bool:
    """Whether a library's adapter may know a type or function of this full name."""
    return name in _LISTED or name.partition(".")[0] in _ELSEWHERE


_DISTRIBUTIONS = {
    "PIL": "Pillow",
    "attr": "attrs",
    "dateutil": "python-dateutil",
    "sklearn": "scikit-learn",
}


def missing_library(name: str) -> str | None:
    """The library whose type has this name, if it is one of these and not installed."""
    package = name.partition(".")[0]
    if not is_listed(name):
        return None
    try:
        installed_module(package)
    except ImportError:
        return _DISTRIBUTIONS.get(package, package)
    return None

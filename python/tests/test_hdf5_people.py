"""Files of pandas, PyTables, AnnData, Keras, MATLAB and netCDF: what `load` makes of them."""

import io
import json
import pickle
import zipfile

import pytest

np = pytest.importorskip("numpy")
h5py = pytest.importorskip("h5py")

import cannery  # noqa: E402
from cannery import hdf5  # noqa: E402
from cannery.errors import UntrustedTypeError  # noqa: E402


def real(suites, *parts):
    path = suites.joinpath("hdf5", *parts)
    if not path.exists():
        pytest.skip(f"the HDF5 suites were NOT FOUND in {path}: set CANNERY_SUITES")
    return path


# ---- pandas and PyTables, whose files h5py can write by hand


def text(data):
    return np.bytes_(data if isinstance(data, bytes) else data.encode())


def pickled(value):
    return np.bytes_(pickle.dumps(value, 0))


def array(group, key, data, **attrs):
    made = group.create_dataset(key, data=data)
    for name, value in {"CLASS": text("ARRAY"), **attrs}.items():
        made.attrs[name] = value
    return made


def index(group, key, data, kind, title=None, **attrs):
    group.attrs[f"{key}_variety"] = text("regular")
    array(group, key, data, kind=text(kind), name=pickled(title), **attrs)


def fixed_frame(group, axis1, blocks):
    group.attrs.update(
        pandas_type=text("frame"), encoding=text("UTF-8"), errors=text("strict"),
        ndim=2, nblocks=len(blocks),
    )  # fmt: skip
    names = [name for columns, _, _ in blocks for name in columns]
    index(group, "axis0", np.array(names, "S"), "string", nan_rep=h5py.Empty("S1"))
    axis1(group)
    for i, (columns, values, attrs) in enumerate(blocks):
        index(group, f"block{i}_items", np.array(columns, "S"), "string", nan_rep=h5py.Empty("S1"))
        array(group, f"block{i}_values", values, transposed=np.uint8(1), **attrs)


def offsets_pickle(name, *arguments):
    """What pandas' frequencies are in pickles."""
    body = b"".join(b"I%d\n" % a for a in arguments)
    return np.bytes_(b"cpandas._libs.tslibs.offsets\n" + name.encode() + b"\n(" + body + b"tR.")


def test_fixed_frames_of_pandas(tmp_path):
    pd = pytest.importorskip("pandas")
    days = pd.date_range("2020-01-31", periods=3, freq="ME").as_unit("ns")

    def axis1(group):
        index(
            group, "axis1", days.asi8, "datetime64[ns]", "day",
            index_class=text("datetime"), freq=offsets_pickle("MonthEnd", 1, 0),
            tz=text("Europe/Berlin"),
        )  # fmt: skip

    with h5py.File(tmp_path / "a.h5", "w") as file:
        group = file.create_group("df")
        texts = np.array(["x", None, "z"], object).reshape(3, 1)
        blocks = [
            (["a", "b"], np.arange(6.0).reshape(3, 2), {}),
            (["when"], days.asi8.reshape(3, 1), {"value_type": text("datetime64[ns]")}),
        ]
        fixed_frame(group, axis1, blocks)
        rows = group.create_dataset("texts", (1,), h5py.vlen_dtype("u1"))
        rows[0] = np.frombuffer(pickle.dumps(texts), "u1")
    found = cannery.load(tmp_path / "a.h5")["df"]
    zoned = days.tz_localize("UTC").tz_convert("Europe/Berlin").rename("day")
    wanted = pd.DataFrame({"a": [0.0, 2.0, 4.0], "b": [1.0, 3.0, 5.0], "when": days}, index=zoned)
    pd.testing.assert_frame_equal(found, wanted, check_freq=False)
    assert found.index.freq is None or found.index.freqstr == "ME"


@pytest.mark.parametrize(
    ("name", "arguments", "freq"),
    [
        ("Day", (1, 0), "D"),
        ("Hour", (3, 0), "3h"),
        ("MonthEnd", (2, 0), "2ME"),
        ("Nano", (5, 0), "5ns"),
    ],
)
def test_frequencies_are_made_without_running_their_pickles(tmp_path, name, arguments, freq):
    pd = pytest.importorskip("pandas")
    wanted = pd.period_range("2020-01-01", periods=4, freq=freq.replace("ME", "M"))

    def axis1(group):
        index(
            group, "axis1", wanted.asi8, "integer",
            index_class=text("period"), freq=offsets_pickle(name, *arguments),
        )  # fmt: skip

    with h5py.File(tmp_path / "a.h5", "w") as file:
        fixed_frame(file.create_group("df"), axis1, [(["a"], np.arange(4).reshape(4, 1), {})])
    found = cannery.load(tmp_path / "a.h5")["df"]
    pd.testing.assert_index_equal(found.index, wanted)


def test_pickles_in_attributes_are_under_the_trust_policy(tmp_path):
    pytest.importorskip("pandas")

    def axis1(group):
        evil = np.bytes_(b"cos\nsystem\n(S'touch %s'\ntR." % str(tmp_path / "ran").encode())
        index(group, "axis1", np.arange(2), "integer", freq=evil)

    with h5py.File(tmp_path / "a.h5", "w") as file:
        fixed_frame(file.create_group("df"), axis1, [(["a"], np.arange(2).reshape(2, 1), {})])
    with pytest.raises(UntrustedTypeError, match=r"names `(os|posix)\.system`"):
        cannery.load(tmp_path / "a.h5")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["pandas_table.h5", "pandas_fixed.h5"])
def test_files_that_pandas_wrote(suites, name):
    pd = pytest.importorskip("pandas")
    path = real(suites, "generated", name)
    found, frames = cannery.load(path), []

    def collect(value):
        if isinstance(value, dict):
            [collect(one) for one in value.values()]
        elif isinstance(value, (pd.DataFrame, pd.Series)):
            frames.append(value)

    collect(found)
    assert frames


def test_tables_of_pytables(tmp_path):
    pd = pytest.importorskip("pandas")
    rows = np.zeros(3, [("a", "<i4"), ("s", "S4"), ("f", ">f8"), ("t", "<i8")])
    rows["a"], rows["s"], rows["f"] = [1, 2, 3], [b"x", b"\xc3\xa4", b""], [0.5, 1, 2]
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs["CLASS"] = text("GROUP")
        nested = np.zeros(2, [("v", "f4", (2,))])
        file.create_dataset("n", data=nested).attrs["CLASS"] = text("TABLE")
        made = file.create_dataset("t", data=rows, maxshape=(None,))
        made.attrs["CLASS"] = text("TABLE")
        file.create_group("_i_t").attrs["CLASS"] = text("TINDEX")
        texts = file.create_dataset("st", (2,), h5py.vlen_dtype("<u4"))
        texts[0], texts[1] = [0x1F600, 65], []
        texts.attrs["PSEUDOATOM"] = text("vlunicode")
        objects = file.create_dataset("ob", (1,), h5py.vlen_dtype("u1"))
        objects[0] = np.frombuffer(pickle.dumps({"k": [1, (2,)]}), "u1")
        objects.attrs["PSEUDOATOM"] = text("object")
    found = cannery.load(tmp_path / "a.h5")
    assert sorted(found) == ["n", "ob", "st", "t"]
    assert found["n"]["v"].shape == (2, 2)
    assert (found["ob"], found["st"]) == ([{"k": [1, (2,)]}], ["\U0001f600A", ""])
    wanted = pd.DataFrame({"a": rows["a"], "s": ["x", "ä", ""], "f": [0.5, 1.0, 2.0], "t": 0})
    pd.testing.assert_frame_equal(found["t"], wanted, check_dtype=False)


def test_truth_values_and_times_of_pytables(tmp_path):
    """PyTables has fields of 8 bits for truth values, and times in two halves of 64 bits."""
    from h5py import h5d, h5s, h5t

    def array(name, kind, data, of="ARRAY", shape=(2,)):
        made = h5d.create(file.id, name.encode(), kind, h5s.create_simple(shape))
        if data is not None:
            made.write(h5s.ALL, h5s.ALL, np.frombuffer(data, "u1"), kind)
        file[name].attrs["CLASS"], file[name].attrs["VERSION"] = text(of), text("2.4")

    moments = np.array([(1 << 32) + 500_000, (7 << 32) + 250_000])
    inner = h5t.create(h5t.COMPOUND, 3)
    inner.insert(b"is", 0, h5t.STD_B8LE)
    inner.insert(b"n", 1, h5t.STD_I16LE)
    outer = h5t.create(h5t.COMPOUND, 11)
    outer.insert(b"inner", 0, inner)
    outer.insert(b"when", 3, h5t.UNIX_D64LE)
    rows = b"".join(b"\1\5\0" + moment.tobytes() for moment in moments)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        array("is", h5t.STD_B8LE, b"\0\1")
        array("pairs", h5t.array_create(h5t.STD_B8LE, (2,)), b"\0\1\1\1", "EARRAY")
        array("when", h5t.UNIX_D64LE, moments.tobytes(), "CARRAY")
        array("table", outer, rows, "TABLE")
        array("rows", h5t.vlen_create(h5t.STD_B8LE), None, "VLARRAY")
        file["rows"][1] = np.array([1, 0, 1], "u1")
        file.create_dataset("numbers", data=np.array([1, 2], "u1"))
    found = cannery.load(tmp_path / "a.h5")
    assert (found["is"].tolist(), found["is"].dtype) == ([False, True], bool)
    assert found["pairs"].tolist() == [[False, True], [True, True]]
    assert found["when"].tolist() == [1.5, 7.25]
    assert found["table"].tolist() == [((True, 5), 1.5), ((True, 5), 7.25)]
    assert [row.tolist() for row in found["rows"]] == [[], [True, False, True]]
    assert found["numbers"].dtype == "u1"


# ---- AnnData


def encoded(made, kind, version="0.2.0"):
    made.attrs["encoding-type"], made.attrs["encoding-version"] = kind, version
    return made


def test_anndata(tmp_path):
    pd = pytest.importorskip("pandas")
    sparse = pytest.importorskip("scipy.sparse")
    matrix = sparse.random(4, 3, 0.5, "csr", random_state=1)
    with h5py.File(tmp_path / "a.h5ad", "w") as file:
        encoded(file, "anndata")
        x = encoded(file.create_group("X"), "csr_matrix")
        x.attrs["shape"] = (4, 3)
        x["data"], x["indices"], x["indptr"] = matrix.data, matrix.indices, matrix.indptr
        obs = encoded(file.create_group("obs"), "dataframe")
        obs.attrs["_index"], obs.attrs["column-order"] = "cell", ["kind", "n", "ok", "note"]
        encoded(obs.create_dataset("cell", data=list("wxyz")), "string-array")
        kind = encoded(obs.create_group("kind"), "categorical")
        kind.attrs["ordered"] = True
        kind["codes"] = np.array([0, 1, -1, 0], "i1")
        encoded(kind.create_dataset("categories", data=["b", "a"]), "string-array")
        for name, of, values in [
            ("n", "nullable-integer", [1, 2, 3, 4]), ("ok", "nullable-boolean", [True] * 4),
        ]:  # fmt: skip
            column = encoded(obs.create_group(name), of)
            column["values"], column["mask"] = values, [False, True, False, False]
        note = encoded(obs.create_group("note"), "nullable-string-array")
        encoded(note.create_dataset("values", data=["p", "", "q", "r"]), "string-array")
        note["mask"] = [False, True, False, False]
        uns = encoded(file.create_group("uns"), "dict")
        encoded(uns.create_dataset("title", data="T"), "string")
        encoded(uns.create_dataset("none", data=h5py.Empty("f4")), "null")
        records = np.array([(1, "ä"), (2, "")], [("n", "i4"), ("s", h5py.string_dtype())])
        encoded(uns.create_dataset("records", data=records), "rec-array")
        old = file.create_group("old")
        old.attrs["h5sparse_format"], old.attrs["h5sparse_shape"] = "csc", (4, 3)
        turned = matrix.tocsc()
        old["data"], old["indices"], old["indptr"] = turned.data, turned.indices, turned.indptr
    found = cannery.load(tmp_path / "a.h5ad")
    assert found["uns"].pop("records").tolist() == [(1, "ä"), (2, "")]
    assert (found["X"] != matrix).nnz == 0
    assert found["X"].format == "csr"
    assert (found["old"] != turned).nnz == 0
    wanted = pd.DataFrame(
        {
            "kind": pd.Categorical.from_codes([0, 1, -1, 0], ["b", "a"], ordered=True),
            "n": pd.array([1, None, 3, 4], "Int64"),
            "ok": pd.array([True, None, True, True], "boolean"),
            "note": pd.array(["p", None, "q", "r"], "string"),
        },
        index=pd.Index(list("wxyz"), name="cell"),
    )
    pd.testing.assert_frame_equal(found["obs"], wanted)
    assert found["uns"] == {"title": "T", "none": None}
    with cannery.load(tmp_path / "a.h5ad", lazy=True) as tree:
        assert isinstance(tree["uns"], hdf5.Tree)
        assert tree["uns/title"] == "T"
        pd.testing.assert_frame_equal(tree["obs"], found["obs"])


# ---- MATLAB


def of_class(made, kind, **attrs):
    made.attrs["MATLAB_class"] = text(kind)
    for key, value in attrs.items():
        made.attrs[key] = value
    return made


def letters(words):
    out = np.empty(len(words), object)
    for i, word in enumerate(words):
        out[i] = np.array([bytes([c]) for c in word.encode()], "S1")
    return out


def test_matlab(tmp_path):
    pytest.importorskip("scipy.sparse")
    with h5py.File(tmp_path / "a.mat", "w", userblock_size=512) as file:
        refs = file.create_group("#refs#")
        of_class(file.create_dataset("m", data=np.arange(6.0).reshape(3, 2)), "double")
        of_class(file.create_dataset("one", data=[[7]]), "int32")
        of_class(file.create_dataset("flag", data=np.array([[1], [0]], "u1")), "logical",
                 MATLAB_int_decode=np.int32(1))  # fmt: skip
        codes = np.frombuffer("hé😀".encode("utf-16-le"), "<u2").reshape(-1, 1)
        of_class(file.create_dataset("s", data=codes), "char", MATLAB_int_decode=np.int32(2))
        of_class(file.create_dataset("rows", data=np.array([[97, 99], [98, 100]], "u2")), "char")
        of_class(file.create_dataset("none", data=np.array([0, 3], "u8")), "double",
                 MATLAB_empty=np.uint8(1))  # fmt: skip
        z = np.array([[(1.0, 2.0)], [(3.0, 0.0)]], [("real", "f8"), ("imag", "f8")])
        of_class(file.create_dataset("z", data=z), "double")
        a = of_class(refs.create_dataset("a", data=[[1.5]]), "double")
        b = of_class(refs.create_dataset("b", data=np.array([[120]], "u2")), "char")
        cell = file.create_dataset("c", data=np.array([[a.ref], [b.ref]], h5py.ref_dtype))
        of_class(cell, "cell")
        grid = np.array([[a.ref, b.ref], [b.ref, a.ref], [a.ref, a.ref]], h5py.ref_dtype)
        of_class(file.create_dataset("grid", data=grid), "cell")
        st = of_class(file.create_group("st"), "struct")
        st.attrs.create("MATLAB_fields", letters(["y", "x"]), dtype=h5py.vlen_dtype("S1"))
        of_class(st.create_dataset("x", data=[[1.0]]), "double")
        of_class(st.create_dataset("y", data=np.array([[65]], "u2")), "char")
        many = of_class(file.create_group("many"), "struct")
        many.create_dataset("f", data=np.array([[a.ref], [b.ref]], h5py.ref_dtype))
        sp = of_class(file.create_group("sp"), "double", MATLAB_sparse=np.uint64(3))
        sp["data"], sp["ir"], sp["jc"] = (
            [5.0, 6.0],
            np.array([0, 2], "u8"),
            np.array([0, 1, 2], "u8"),
        )
    found = cannery.load(tmp_path / "a.mat")
    assert "#refs#" not in found
    np.testing.assert_array_equal(found["m"], [[0, 2, 4], [1, 3, 5]])
    assert (found["one"], found["s"], found["rows"]) == (7, "hé😀", ["ab", "cd"])
    assert found["flag"].tolist() == [[True, False]]
    assert found["none"].shape == (0, 3)
    assert found["z"].tolist() == [[1 + 2j, 3]]
    assert (found["c"], found["grid"]) == ([1.5, "x"], [[1.5, "x", 1.5], ["x", 1.5, 1.5]])
    assert list(found["st"].items()) == [("y", "A"), ("x", 1.0)]
    assert found["many"] == [{"f": 1.5}, {"f": "x"}]
    assert found["sp"].toarray().tolist() == [[5, 0], [0, 0], [0, 6]]
    with cannery.load(tmp_path / "a.mat", lazy=True) as tree:
        assert tree["m"].shape == (2, 3)
        assert tree["m"][1].tolist() == [1, 3, 5]
        assert tree["m"][..., 1:].tolist() == [[2, 4], [3, 5]]
        assert tree["z"][0, 0] == 1 + 2j
        assert (list(tree["st"]), tree["st/y"], tree["c"]) == (["y", "x"], "A", [1.5, "x"])


def test_a_cell_that_contains_itself_is_refused(tmp_path):
    with h5py.File(tmp_path / "a.mat", "w") as file:
        cell = of_class(file.create_dataset("c", (1, 2), h5py.ref_dtype), "cell")
        cell[0, 0] = cell[0, 1] = cell.ref
    with pytest.raises(cannery.CanneryError, match="contains itself"):
        cannery.load(tmp_path / "a.mat")


def test_files_that_matlab_wrote(suites):
    folder = real(suites, "real", "matlab-mat-jl")
    assert cannery.load(folder / "struct.mat")["s2"] == [{"a": 1.0}, {"a": 2.0}]
    sparse = cannery.load(folder / "sparse.mat")
    assert sparse["sparse_eye"].shape == (20, 20)
    assert sparse["sparse_logical"].dtype == bool
    assert sparse["sparse_complex"].dtype == np.complex128
    assert sparse["sparse_empty"].shape == (0, 0)
    assert cannery.load(folder / "array.mat")["a2x2x2"].shape == (2, 2, 2)


# ---- Keras


def saved_layer(group, name, *weights):
    variables = group.create_group("vars")
    variables.attrs["name"] = name
    for i, weight in enumerate(weights):
        variables[str(i)] = weight


def weights_file(target):
    with h5py.File(target, "w") as file:
        file.create_group("vars").attrs["name"] = "model"
        layers = file.create_group("layers")
        saved_layer(layers.create_group("dense"), "first", np.ones((2, 3)), np.zeros(3))
        saved_layer(layers.create_group("dense_1"), "dense", np.ones(1))
        cell = layers.create_group("lstm")
        saved_layer(cell.create_group("cell"), "lstm_cell", np.ones(4))
        saved_layer(cell, "memory")


def check_weights(found):
    assert list(found) == ["first", "dense", "memory"]
    assert found["first"]["0"].shape == (2, 3)
    assert found["dense"]["0"].shape == (1,)
    assert found["memory"]["cell"]["0"].shape == (4,)


def test_weights_of_keras_have_the_names_of_their_layers(tmp_path):
    weights_file(tmp_path / "a.weights.h5")
    check_weights(cannery.load(tmp_path / "a.weights.h5"))
    with cannery.load(tmp_path / "a.weights.h5", lazy=True) as tree:
        check_weights(tree)


def test_keras_archives(tmp_path):
    memory = io.BytesIO()
    weights_file(memory)
    config = {"class_name": "Sequential", "config": {"layers": [{"class_name": "Lambda"}]}}
    with zipfile.ZipFile(tmp_path / "a.keras", "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.15.1"}))
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", memory.getvalue())
    found = cannery.load(tmp_path / "a.keras")
    assert (found["config"], found["metadata"]) == (config, {"keras_version": "3.15.1"})
    check_weights(found["weights"])


def test_older_models_of_keras(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential"})
        file.attrs["keras_version"] = np.bytes_(b"2.4.0")
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = np.array([b"z", b"a"])
        for layer in ("a", "z"):
            group = weights.create_group(layer)
            names = [f"{layer}/kernel:0", f"{layer}/bias:0"]
            group.attrs["weight_names"] = np.array(names, "S")
            for name in names:
                group[name] = np.ones(2)
    found = cannery.load(tmp_path / "a.h5")
    assert found["model_config"] == {"class_name": "Sequential"}
    assert found["keras_version"] == "2.4.0"
    assert list(found["model_weights"]) == ["z", "a"]
    assert list(found["model_weights"]["a"]) == ["a/kernel:0", "a/bias:0"]
    with cannery.load(tmp_path / "a.h5", lazy=True) as tree:
        assert tree["model_weights"]["a"]["a/bias:0"].shape == (2,)


# ---- netCDF and others


def test_netcdf(tmp_path):
    with h5py.File(tmp_path / "a.nc", "w") as file:
        file.attrs["_NCProperties"] = text("version=2")
        file.attrs["title"] = text("T")
        time = file.create_dataset("time", (4,), "f8", maxshape=(None,), chunks=(4,))
        time.make_scale("time")
        x = file.create_dataset("x", (3,), ">f4")
        x.make_scale("This is a netCDF dimension but not a netCDF variable.         3")
        temp = file.create_dataset("t", data=np.array([[1, -9, 3]] * 4, "f4"))
        temp.attrs["_FillValue"] = np.array([-9], "f4")
        temp.dims[0].attach_scale(time)
        temp.dims[1].attach_scale(x)
        deep = file.create_group("deep").create_dataset("u", data=np.arange(3))
        deep.dims[0].attach_scale(x)
    assert sorted(cannery.load(tmp_path / "a.nc")) == ["deep", "t", "time"]
    with cannery.load(tmp_path / "a.nc", lazy=True) as tree:
        assert (tree.dimensions, tree.unlimited) == ({"time": 4, "x": 3}, ["time"])
        assert tree.attrs == {"title": "T"}
        assert tree["t"].dimensions == ("time", "x")
        assert tree["deep/u"].dimensions == ("x",)
        assert tree["time"].dimensions == ("time",)
        assert tree["t"].fill_value == -9
        assert tree["t"].masked()[0].tolist() == [1, None, 3]
        assert tree["t"].masked(slice(1, 2), 1).tolist() == [None]
        assert repr(tree["t"]) == '<Variable "/t" (time=4, x=3) of float32>'
        assert dict(tree["t"].attrs) == {"_FillValue": np.array([-9], "f4")}


def test_references_are_the_paths_of_what_they_lead_to(tmp_path):
    with h5py.File(tmp_path / "a.nwb", "w") as file:
        device = file.create_group("general/devices/probe")
        file["devices"] = np.array([device.ref, h5py.Reference(), file.ref], h5py.ref_dtype)
        file["names"] = ["ä", "b"]
        file.create_group("trials").attrs["neurodata_type"] = "TimeIntervals"
    found = cannery.load(tmp_path / "a.nwb")
    assert found["devices"].tolist() == ["/general/devices/probe", None, "/"]
    assert found["names"].tolist() == ["ä", "b"]
    with cannery.load(tmp_path / "a.nwb", lazy=True) as tree:
        assert repr(tree["trials"]) == '<Tree "/trials" (TimeIntervals): >'


@pytest.mark.parametrize("lazy", [False, True])
def test_real_files_are_shown_as_trees(suites, count_cases, lazy):
    cases, bad = 0, {}
    for path in sorted(real(suites, "real").rglob("*")):
        if not path.is_file() or path.suffix in (".tsv", ".txt"):
            continue
        cases += 1
        try:
            if lazy:
                with cannery.load(path, format="hdf5", lazy=True) as tree:
                    _look(tree)
            else:
                cannery.load(path, format="hdf5")
        except (cannery.CanneryError, KeyError, TypeError) as error:
            bad[path.name] = str(error)[:100]
    count_cases(f"real HDF5 files, {'as trees' if lazy else 'whole'}", cases)
    unknown = [name for name, why in bad.items() if "is not known" not in why]
    # Damaged, of an unknown message, larger than the limit, or of double-double numbers.
    assert set(unknown) <= {
        "blosc.h5", "h5ex_d_bitgroom.h5", "tbogus.h5", "test_attributes.h5", "h5diff_dset2.h5",
        "tcomplex_be.h5",
    }  # fmt: skip


def _look(tree):
    assert repr(tree)
    for name in tree:
        try:
            member = tree[name]
        except hdf5.ObjectError:
            # A link into nothing, or to another file.
            link = tree.group.get(name, getlink=True)
            assert hasattr(link, "path") or name == "Dataset3"
            continue
        if isinstance(member, hdf5.Tree):
            _look(member)
        elif isinstance(member, hdf5.Variable):
            assert len(member.dimensions) in (0, member.ndim)

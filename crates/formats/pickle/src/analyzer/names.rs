//! The names a pickle looks up, each analyzed once.

use std::collections::HashMap;

use super::arguments::Check;
use super::finding::Verdict;
use crate::policy::{Profile, Uses, danger, python3_name, rule};

/// A name that the pickle looked up.
pub(super) struct Name {
    /// As Python 3 calls it: `builtins.eval`.
    pub(super) full: String,
    pub(super) verdict: Verdict,
    pub(super) uses: Uses,
    /// Whose data it is for, if it is for data.
    pub(super) profile: Option<Profile>,
    /// What it does, if no data needs it.
    pub(super) what: &'static str,
    pub(super) special: Special,
    /// It was called, or given to what takes it; only asked of names that are guarded.
    pub(super) is_used: bool,
    /// The finding about it.
    pub(super) finding: Option<usize>,
}

/// Names whose arguments say what they do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Special {
    Nothing,
    /// Makes an instance of its first argument: `copyreg._reconstructor`.
    Reconstructor,
    /// Reads an attribute by name.
    GetAttribute,
    /// Imports a module by name.
    Import,
    /// Reads the pickle in its first argument.
    Nested,
    /// Reads the checkpoint in its first argument, as `PyTorch` pickles storages outside of files.
    NestedStorage,
    /// Calls its first argument, with its third.
    Apply,
    /// Turns text into bytes.
    Encode,
    /// Makes that many bytes, if it is given a number.
    Bytes,
    /// Makes a function out of code.
    Function,
    /// Makes code, or something that has code.
    Code,
    /// Looks up a type by its name.
    TypeName,
    /// Makes a function that reaches an attribute or a method by name.
    Getter,
    /// joblib's array, whose numbers follow in the stream.
    ArrayWrapper,
    /// `numpy.dtype`, which says what the numbers of an array are.
    Dtype,
    /// An array class that opens files when it is called, and is data to `_reconstruct` alone.
    Memmap,
    /// Data for the arguments that a library gives it, and more for others.
    Checked(Check),
    /// `functools.reduce`, with which Python joins flags and types.
    Reduce,
}

impl Special {
    /// Whether a name is fine where it is called by the pickle itself, but nowhere else.
    pub(super) fn is_guarded(self) -> bool {
        matches!(
            self,
            Special::GetAttribute | Special::Memmap | Special::Reduce | Special::NestedStorage
        )
    }
}

/// Whether it matters what a name is called with, or what state it is given.
pub(crate) fn is_looked_at(module: &str, name: &str) -> bool {
    special(module, name) != Special::Nothing
}

fn special(module: &str, name: &str) -> Special {
    match (module, name) {
        ("copyreg", "_reconstructor" | "__newobj__" | "__newobj_ex__") => Special::Reconstructor,
        ("builtins", "getattr") | ("dill._dill" | "dill.dill", "_get_attr" | "_getattribute") => {
            Special::GetAttribute
        }
        ("cloudpickle.cloudpickle" | "cloudpickle", "subimport" | "dynamic_subimport")
        | ("dill._dill" | "dill.dill", "_import_module")
        | ("importlib", "import_module")
        | ("builtins", "__import__") => Special::Import,
        (
            "pickle" | "_pickle" | "cPickle" | "dill" | "dill._dill" | "cloudpickle",
            "loads" | "_loads",
        )
        | ("cloudpickle.cloudpickle" | "pickle5" | "zodbpickle.pickle", "loads") => Special::Nested,
        ("torch.storage", "_load_from_bytes") => Special::NestedStorage,
        ("torch._tensor", "_rebuild_from_type_v2") => Special::Apply,
        ("_codecs", "encode") => Special::Encode,
        ("builtins", "bytes" | "bytearray") => Special::Bytes,
        ("types", "FunctionType" | "LambdaType" | "MethodType")
        | (
            "cloudpickle.cloudpickle" | "cloudpickle.cloudpickle_fast" | "cloudpickle",
            "_make_function" | "_make_skel_func" | "_fill_function",
        )
        | ("dill._dill" | "dill.dill", "_create_function") => Special::Function,
        ("cloudpickle.cloudpickle" | "cloudpickle", "_builtin_type")
        | ("dill._dill" | "dill.dill", "_load_type") => Special::TypeName,
        ("types", "CodeType")
        | (
            "cloudpickle.cloudpickle"
            | "cloudpickle.cloudpickle_fast"
            | "cloudpickle"
            | "dill._dill"
            | "dill.dill"
            | "marshal",
            _,
        ) => Special::Code,
        ("operator" | "_operator", "attrgetter" | "itemgetter" | "methodcaller") => Special::Getter,
        ("joblib.numpy_pickle" | "sklearn.externals.joblib.numpy_pickle", "NumpyArrayWrapper") => {
            Special::ArrayWrapper
        }
        ("functools" | "_functools", "reduce") => Special::Reduce,
        ("numpy", "dtype") => Special::Dtype,
        ("numpy" | "numpy.memmap" | "numpy.core.memmap" | "numpy._core.memmap", "memmap") => {
            Special::Memmap
        }
        _ => Check::of(module, name).map_or(Special::Nothing, Special::Checked),
    }
}

/// Every name once.
#[derive(Default)]
pub(super) struct Names {
    pub(super) list: Vec<Name>,
    by_name: HashMap<(String, String), u32>,
    /// Whether one is of Python's mails.
    pub(super) has_mails: bool,
}

impl Names {
    /// The index of a name, analyzed if it is new.
    pub(super) fn intern(&mut self, module: &str, name: &str) -> u32 {
        // Names are few, and asking without allocating is not worth a key type of its own.
        let key = (module.to_owned(), name.to_owned());
        if let Some(&index) = self.by_name.get(&key) {
            return index;
        }
        let index = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        self.list.push(analyzed(module, name));
        self.by_name.insert(key, index);
        self.has_mails |= module.starts_with("email.");
        index
    }

    /// Analyzes a name again, for an analyzer that goes another way from here on.
    pub(super) fn push_again(&mut self, module: &str, name: &str) {
        self.list.push(analyzed(module, name));
    }

    pub(super) fn set_used(&mut self, index: u32) {
        self.list[index as usize].is_used = true;
    }

    /// Names that are fine where they are called, and that the pickle only looked up: whatever loads
    /// it gets a function that no data is.
    pub(super) fn left_over(&self) -> Vec<u32> {
        let is_left =
            |name: &Name| name.special.is_guarded() && name.verdict == Verdict::Ok && !name.is_used;
        (0..).zip(&self.list).filter(|(_, name)| is_left(name)).map(|(index, _)| index).collect()
    }

    pub(super) fn get(&self, index: u32) -> &Name {
        &self.list[index as usize]
    }
}

fn analyzed(module: &str, name: &str) -> Name {
    let (module3, name3) = python3_name(module, name);
    let special = special(module3, name3);
    let rule = rule(module3, name3);
    let what = match special {
        Special::Nested | Special::NestedStorage | Special::Reduce => None,
        _ if rule.is_some() => None,
        // Both are tried: which one Python looks up depends on the protocol and the reader.
        _ => danger(module3, name3).or_else(|| danger(module, name)),
    };
    let verdict = match (what, rule) {
        // What it reads is analyzed when it is called.
        (None, None) if special.is_guarded() => Verdict::Ok,
        (Some(_), _) => Verdict::Danger,
        (None, Some(_)) => Verdict::Ok,
        (None, None) => Verdict::Unknown,
    };
    Name {
        full: format!("{module3}.{name3}"),
        verdict,
        uses: rule.filter(|_| what.is_none()).map(|rule| rule.uses).unwrap_or_default(),
        profile: rule.map(|rule| rule.profile),
        what: what.unwrap_or(""),
        special,
        is_used: false,
        finding: None,
    }
}

//! The policy of one load: the table, and what its caller trusts.

use std::collections::HashMap;

use cannery_core::Result;
use cannery_pickle::TrustPolicy;
use cannery_pickle::policy::{self, Profile, Uses};
use pyo3::prelude::*;

use crate::errors::from_exception;

/// NumPy's arrays, element types and scalars are data: every reader may make them.
const ARRAYS: [&str; 5] = ["ndarray", "dtype", "_reconstruct", "scalar", "_frombuffer"];

/// The standard library's ways to make an instance of a class.
const MAKERS: [&str; 3] = ["_reconstructor", "__newobj__", "__newobj_ex__"];

/// What a name does that no data needs; `None` if it is not known to do anything.
#[pyfunction]
#[pyo3(signature = (module, name, /))]
pub(super) fn pickle_danger(module: &str, name: &str) -> Option<&'static str> {
    policy::danger(module, name)
}

/// How the table lets a name be used: the bits of `Uses`; 0 if the table has none.
#[pyfunction]
#[pyo3(signature = (module, name, /))]
pub(super) fn pickle_uses(module: &str, name: &str) -> u8 {
    policy::rule(module, name).map_or(0, |rule| rule.uses.bits())
}

/// Whether a function computes a value of its arguments and does nothing else.
#[pyfunction]
#[pyo3(signature = (module, name, /))]
pub(super) fn pickle_is_pure(module: &str, name: &str) -> bool {
    policy::is_pure(module, name)
}

/// Which names are trusted in one pickle.
pub(super) struct PythonPolicy<'py> {
    profile: Profile,
    /// `cannery.pickle._policy.Policy`, which knows what the caller trusts.
    policy: Option<Bound<'py, PyAny>>,
    /// Whether the caller has a `find_class` of its own, which looks up what the table has not.
    finds_itself: bool,
    maps_names: bool,
    /// What the caller's names stand for.
    found: HashMap<(String, String), Bound<'py, PyAny>>,
    py: Python<'py>,
}

/// Everything that can be done with a class that the caller trusts.
fn all_uses() -> Uses {
    [Uses::CALL, Uses::NEW, Uses::STATE, Uses::ITEMS].into_iter().fold(Uses::REFERENCE, Uses::and)
}

impl<'py> PythonPolicy<'py> {
    pub(super) fn new(
        py: Python<'py>,
        profile: Profile,
        policy: Option<Bound<'py, PyAny>>,
        finds_itself: bool,
        maps_names: bool,
    ) -> Self {
        Self { profile, policy, finds_itself, maps_names, found: HashMap::new(), py }
    }

    /// What the caller trusts by that name.
    pub(super) fn found(&self, module: &str, name: &str) -> Option<&Bound<'py, PyAny>> {
        if self.found.is_empty() {
            return None;
        }
        self.found.get(&(module.to_owned(), name.to_owned()))
    }

    pub(super) fn in_table(&self, module: &str, name: &str) -> Option<Uses> {
        // What they are called with is checked: they make instances of what may be made.
        if module == "copyreg" && MAKERS.contains(&name) {
            return Some(Uses::REFERENCE.and(Uses::CALL));
        }
        // Called, and with what the judge of the stream has looked at: never kept.
        if let ("builtins", "getattr") | ("functools" | "_functools", "reduce") = (module, name) {
            return Some(Uses::CALL);
        }
        let rule = policy::rule(module, name)?;
        let is_array = module.starts_with("numpy") && ARRAYS.contains(&name);
        (rule.profile <= self.profile || is_array).then_some(rule.uses)
    }
}

impl TrustPolicy for PythonPolicy<'_> {
    fn allow(&mut self, module: &str, name: &str) -> Result<Option<Uses>> {
        let in_table = self.in_table(module, name);
        if let Some(policy) = &self.policy {
            // What the caller trusts needs no checks, also where the table has it.
            let arguments = (module, name, in_table.is_some());
            let found = policy.call_method1("find", arguments).map_err(from_exception)?;
            if !found.is_none() {
                self.found.insert((module.to_owned(), name.to_owned()), found);
                return Ok(Some(all_uses()));
            }
        }
        Ok(in_table.or_else(|| self.finds_itself.then(all_uses)))
    }

    fn done(&self) -> String {
        let imported = self.policy.as_ref().and_then(|policy| {
            policy.getattr("imported").and_then(|names| names.extract::<Vec<String>>()).ok()
        });
        match imported {
            Some(names) if !names.is_empty() => format!(
                "only what the caller named was imported (`{}`), nothing was called or built",
                names.join("`, `")
            ),
            _ => cannery_pickle::NOTHING_DONE.to_owned(),
        }
    }

    fn extension(&mut self, code: i64) -> Option<(String, String)> {
        let registry = self.py.import("copyreg").ok()?.getattr("_inverted_registry").ok()?;
        registry.get_item(code).ok()?.extract().ok()
    }

    fn maps_names(&self) -> bool {
        self.maps_names
    }
}

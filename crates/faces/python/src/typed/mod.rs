//! Typed reading: an annotation's plan, and the builder that makes its values in one pass.

mod builder;
mod compile;
mod deferred;
mod errors;
mod extension;
mod frame;
mod lookup;
mod make;
mod moment;
mod plan;
mod scalar;
mod stacks;

use pyo3::prelude::*;

pub(crate) use builder::TypedBuilder;
pub(crate) use errors::as_exception;
pub(crate) use plan::TypePlan;

use crate::memory::Name;
use crate::object_slot::ObjectSlot;

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<TypePlan>()
}

/// What a caller says about the type of a document.
pub(crate) struct TypeOptions<'a, 'py> {
    /// The annotation; `None` if any value will do.
    pub(crate) annotation: Option<&'a Bound<'py, PyAny>>,
    /// What is done about fields that the type has not: `"ignore"` or `"error"`.
    pub(crate) unknown: &'a str,
    /// Whether text stands for no number.
    pub(crate) strict: bool,
    /// Whether documents tell bytes and text apart.
    pub(crate) binary: bool,
}

impl<'py> TypeOptions<'_, 'py> {
    /// The plan for the annotation, if there is one; compiled once.
    pub(crate) fn plan(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, TypePlan>>> {
        let Some(annotation) = self.annotation else { return Ok(None) };
        if let Some(plan) = self.recent(annotation) {
            return Ok(Some(plan));
        }
        let module = py.import(Name("cannery._typed"))?;
        let plan = module.call_method1(
            Name("plan_for"),
            (annotation, Name(self.unknown), self.strict, self.binary),
        )?;
        let plan = plan.cast_into::<TypePlan>()?;
        self.remember(annotation, &plan);
        Ok(Some(plan))
    }

    /// The plan for the annotation, if it is at hand, and runs no code of Python.
    pub(crate) fn plan_at_hand(&self) -> Option<Bound<'py, TypePlan>> {
        self.recent(self.annotation?).filter(|plan| !plan.get().0.calls_python)
    }

    fn recent(&self, annotation: &Bound<'py, PyAny>) -> Option<Bound<'py, TypePlan>> {
        let py = annotation.py();
        let recent = RECENT.take(py)?;
        let found = recent.iter().find(|known| {
            known.annotation.bind(py).is(annotation)
                && known.strict == self.strict
                && known.binary == self.binary
                && known.unknown == self.unknown
        });
        let plan = found.map(|known| known.plan.bind(py).clone());
        RECENT.give_back(py, recent);
        plan
    }

    #[cold]
    fn remember(&self, annotation: &Bound<'py, PyAny>, plan: &Bound<'py, TypePlan>) {
        let known = Recent {
            annotation: annotation.clone().unbind(),
            unknown: self.unknown.to_owned(),
            strict: self.strict,
            binary: self.binary,
            plan: plan.clone().unbind(),
        };
        let py = annotation.py();
        let mut recent = RECENT.take(py).unwrap_or_default();
        recent.insert(0, known);
        let forgotten = (recent.len() > MOST_RECENT).then(|| recent.pop());
        RECENT.give_back(py, recent);
        // Only now, for that may run Python code.
        drop(forgotten);
    }
}

/// A plan that was asked for lately.
struct Recent {
    annotation: Py<PyAny>,
    unknown: String,
    strict: bool,
    binary: bool,
    plan: Py<TypePlan>,
}

/// How many plans are found without asking Python: by the very annotation, not by an equal one.
const MOST_RECENT: usize = 16;

static RECENT: ObjectSlot<Vec<Recent>> = ObjectSlot::new();

//! Classes and functions, by their names.

use cannery_pickle::Opcode;
use pyo3::exceptions::PyAttributeError;
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::tasks::Task;
use super::{Object, Pickler, Raised, Saved, code};
use crate::compat;
use crate::memory;
use crate::pickle::registries::{imported, modules, registries};

/// What a dotted name leads to: the object, and that of which it is an attribute.
type Found<'py> = (Object<'py>, Object<'py>);

impl<'py> Pickler<'_, 'py> {
    /// The types of `None`, `NotImplemented` and `...` have no names that lead to them.
    pub(super) fn save_type(&mut self, object: &Object<'py>) -> Saved {
        let py = self.py;
        let singletons = [py.None(), py.NotImplemented(), py.Ellipsis()];
        for singleton in singletons {
            let singleton = singleton.into_bound(py);
            if singleton.get_type().is(object) {
                let class = py.get_type::<pyo3::types::PyType>();
                let reduced = (class, (singleton,)).into_pyobject(py)?;
                return self.save_reduce(&reduced, Some(object));
            }
        }
        self.save_global(object, None)
    }

    /// Writes the name that leads to an object.
    pub(super) fn save_global(
        &mut self,
        object: &Object<'py>,
        name: Option<&Object<'py>>,
    ) -> Saved {
        let py = self.py;
        let name = match name {
            Some(name) => name.clone(),
            None => match compat::attribute(object, intern!(py, "__qualname__"))? {
                Some(name) => name,
                None => object.getattr(intern!(py, "__name__"))?,
            },
        };
        let path = dotted_path(&name)?;
        let module_name = self.which_module(object, &path)?;
        let (module, parent) = self.look_up(object, &module_name, &name, &path)?;
        if self.protocol >= 2 && self.save_extension(object, &module_name, &name)? {
            return Ok(());
        }
        let is_direct = parent.is(&module);
        // A name without dots is the object's own: equal names of others may be written as it.
        let is_own = path.len() == 1 && name.is_exact_instance_of::<PyString>();
        let name = if is_direct && !is_own {
            memory::new_text(py, path.last().map_or("", String::as_str))?.into_any()
        } else {
            name
        };
        self.later(Task::Put(object.clone()));
        if self.protocol >= 4 {
            self.later(Task::Op(code!(StackGlobal)));
            self.later(Task::Save(name));
            self.save(&module_name)
        } else if is_direct {
            self.save_two_lines(&module_name, &name)
        } else {
            self.save_by_getattr(&module_name, &path, parent)
        }
    }

    /// Writes the call that finds an attribute, for protocols that know no dotted names.
    #[cfg(not(Py_3_13))]
    fn save_by_getattr(&mut self, _: &Object<'py>, path: &[String], parent: Object<'py>) -> Saved {
        let py = self.py;
        let getattr = py.import(intern!(py, "builtins"))?.getattr(intern!(py, "getattr"))?;
        let last = path.last().map_or("", String::as_str);
        let reduced = (getattr, (parent, last)).into_pyobject(py)?;
        self.save_reduce(&reduced, None)
    }

    /// Writes the calls that find an attribute, from the module's own name on, as 3.13 does.
    #[cfg(Py_3_13)]
    fn save_by_getattr(&mut self, module: &Object<'py>, path: &[String], _: Object<'py>) -> Saved {
        let py = self.py;
        let getattr = py.import(intern!(py, "builtins"))?.getattr(intern!(py, "getattr"))?;
        for name in path[1..].iter().rev() {
            self.later(Task::Op(code!(Reduce)));
            self.later(Task::Op(if self.protocol < 2 { code!(Tuple) } else { code!(Tuple2) }));
            self.later(Task::Save(memory::new_text(py, name)?.into_any()));
        }
        self.later(Task::Name(module.clone(), memory::new_text(py, &path[0])?.into_any()));
        for _ in 1..path.len() {
            if self.protocol < 2 {
                self.later(Task::Op(code!(Mark)));
            }
            self.later(Task::Save(getattr.clone()));
        }
        Ok(())
    }

    /// Makes sure that the name leads to the object; the module, and the object's parent.
    fn look_up(
        &self,
        object: &Object<'py>,
        module_name: &Object<'py>,
        name: &Object<'py>,
        path: &[String],
    ) -> Result<Found<'py>, Raised> {
        let py = self.py;
        let fail = |message: String| self.pickling_error(&message);
        let shown = || object.repr().map_or_else(|_| "?".to_owned(), |text| text.to_string());
        let Some(module) = self.module(module_name)? else {
            let _ = PyErr::take(py);
            let module = module_name.repr()?;
            return Err(fail(format!(
                "Can't pickle {}: import of module {module} failed",
                shown()
            )));
        };
        let Some((found, parent)) = deep_attribute(&module, path)? else {
            return Err(fail(format!(
                "Can't pickle {}: attribute lookup {name} on {module_name} failed",
                shown()
            )));
        };
        if !found.is(object) {
            return Err(fail(format!(
                "Can't pickle {}: it's not the same object as {module_name}.{name}",
                shown()
            )));
        }
        Ok((module, parent))
    }

    /// A module, imported if it must be; `None` if that fails.
    fn module(&self, name: &Object<'py>) -> Result<Option<Object<'py>>, Raised> {
        if let Ok(name) = name.cast::<PyString>()
            && let Some(module) = imported(self.py, name)?
        {
            return Ok(Some(module));
        }
        // SAFETY: an object that is no text is an exception.
        let imported = unsafe {
            ffi::PyImport_ImportModuleLevelObject(
                name.as_ptr(),
                std::ptr::null_mut(),
                std::ptr::null_mut(),
                std::ptr::null_mut(),
                0,
            )
        };
        if imported.is_null() {
            return Ok(None);
        }
        // SAFETY: a new reference. Of a dotted name, the import gives the outermost package.
        drop(unsafe { Object::from_owned_ptr(self.py, imported) });
        Ok(Some(modules(self.py)?.get_item(name)?))
    }

    /// The module that an object says it is from, or one in which it is found.
    fn which_module(&self, object: &Object<'py>, path: &[String]) -> Result<Object<'py>, Raised> {
        let py = self.py;
        if let Some(module) = compat::attribute(object, intern!(py, "__module__"))?
            && !module.is_none()
        {
            return Ok(module);
        }
        let modules = modules(py)?.call_method0(intern!(py, "copy"))?;
        let modules = modules.cast::<PyDict>().map_err(PyErr::from)?;
        for (name, module) in modules {
            let is_main = name.cast::<PyString>().is_ok_and(|name| name == "__main__");
            if is_main || module.is_none() {
                continue;
            }
            if let Ok(Some((found, _))) = deep_attribute(&module, path)
                && found.is(object)
            {
                return Ok(name);
            }
            let _ = PyErr::take(py);
        }
        Ok(intern!(py, "__main__").clone().into_any())
    }

    /// Writes the code that is registered for a name, if there is one.
    fn save_extension(
        &mut self,
        object: &Object<'py>,
        module_name: &Object<'py>,
        name: &Object<'py>,
    ) -> Result<bool, Raised> {
        let py = self.py;
        let registry = registries(py)?.extensions.bind(py);
        if registry.is_empty() {
            return Ok(false);
        }
        let Some(code) = registry.get_item((module_name, name))? else { return Ok(false) };
        let Ok(code) = code.extract::<i32>() else {
            return Err(self.pickling_error(&format!(
                "Can't pickle {}: extension code {code} is out of range",
                object.repr()?
            )));
        };
        let [a, b, c, d] = code.to_le_bytes();
        match code {
            ..=0 => {
                return Err(self.pickling_error(&format!(
                    "Can't pickle {}: extension code {code} is out of range",
                    object.repr()?
                )));
            }
            1..=0xff => self.out.push(&[Opcode::Ext1 as u8, a])?,
            0x100..=0xffff => self.out.push(&[Opcode::Ext2 as u8, a, b])?,
            _ => self.out.push(&[Opcode::Ext4 as u8, a, b, c, d])?,
        }
        Ok(true)
    }

    pub(super) fn save_two_lines(
        &mut self,
        module_name: &Object<'py>,
        name: &Object<'py>,
    ) -> Saved {
        let (module_name, name) = if self.protocol < 3 && self.options.fix_imports {
            self.python2_name(module_name, name)?
        } else {
            (module_name.clone(), name.clone())
        };
        let encode = |text: &Object<'py>| -> Result<Vec<u8>, Raised> {
            let text = text.cast::<PyString>().map_err(PyErr::from)?.to_cow()?.into_owned();
            if self.protocol < 3 && !text.is_ascii() {
                return Err(self.pickling_error(&format!(
                    "can't pickle global identifier '{module_name}.{name}' using pickle protocol {}",
                    self.protocol
                )));
            }
            Ok(text.into_bytes())
        };
        let lines = [b"c", &*encode(&module_name)?, b"\n", &*encode(&name)?, b"\n"].concat();
        self.out.push(&lines)
    }

    /// What Python 2 calls a name, as `_compat_pickle` says.
    fn python2_name(
        &self,
        module_name: &Object<'py>,
        name: &Object<'py>,
    ) -> Result<(Object<'py>, Object<'py>), Raised> {
        let py = self.py;
        let known = registries(py)?;
        if let Some(pair) = known.old_names.bind(py).get_item((module_name, name))? {
            return Ok((pair.get_item(0)?, pair.get_item(1)?));
        }
        match known.old_modules.bind(py).get_item(module_name)? {
            Some(old) => Ok((old, name.clone())),
            None => Ok((module_name.clone(), name.clone())),
        }
    }
}

fn dotted_path(name: &Object<'_>) -> Result<Vec<String>, Raised> {
    let text = name.cast::<PyString>().map_err(PyErr::from)?.to_cow()?.into_owned();
    let path: Vec<String> = text.split('.').map(str::to_owned).collect();
    if path.iter().any(|part| part == "<locals>") {
        let message = format!("Can't get local object {}", name.repr()?);
        return Err(PyAttributeError::new_err(message).into());
    }
    Ok(path)
}

fn deep_attribute<'py>(module: &Object<'py>, path: &[String]) -> PyResult<Option<Found<'py>>> {
    let (mut value, mut parent) = (module.clone(), module.clone());
    for part in path {
        let part = memory::new_text(module.py(), part)?;
        let Some(next) = compat::attribute(&value, &part)? else { return Ok(None) };
        parent = std::mem::replace(&mut value, next);
    }
    Ok(Some((value, parent)))
}

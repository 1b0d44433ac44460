//! Converting files of tensors, in the memory of one piece of one tensor.

use cannery_core::{
    Budget, Error, ErrorKind, Limits, Order, Result, TensorContainer, TensorDtype, TensorInfo,
};

use super::names::matches;
use super::options::TensorOptions;
use super::target::{TensorTarget, Tensors};
use super::values::is_float;
use super::{OpenTensors, open_tensors};
use crate::{ConvertOptions, Location};

/// Things that are listed in a message at most.
const MAX_LISTED: usize = 10;

/// What was converted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TensorsConverted {
    /// How many tensors.
    pub tensors: usize,
    /// The files that were written.
    pub files: Vec<String>,
    /// What was left out.
    pub left_out: Vec<String>,
}

/// Converts a file of tensors to one of another format; `None` if source or target is none, or if a
/// part is asked for, and nothing was done.
///
/// Files of NumPy's among themselves are none either, unless something is asked for that only
/// tensors have.
///
/// # Errors
/// As [`convert_tensors`], with the file's name; [`ErrorKind::Unsupported`] if `options` ask for
/// something that only tensors have and source or target is none.
pub fn convert_if_tensors(
    source: &Location,
    target: &Location,
    options: &ConvertOptions,
) -> Result<Option<TensorsConverted>> {
    let is_asked = !options.tensors.is_default();
    let is_part = options.select.is_some() || options.head.is_some() || options.tagged;
    let is_forced = options.from.as_deref().is_some_and(|id| !["safetensors", "npz"].contains(&id));
    let to = TensorTarget::of(options.to.as_deref(), target).filter(|_| !is_part && !is_forced);
    let open = if to.is_some() { open_tensors(source)? } else { None };
    let (Some(open), Some(to)) = (open, to) else {
        return if is_asked { Err(no_tensors().in_file(source.name())) } else { Ok(None) };
    };
    let are_arrays = ["npy", "npz"].contains(&open.format);
    if are_arrays && !is_asked && matches!(to, TensorTarget::Npz | TensorTarget::Can) {
        return Ok(None);
    }
    let done = convert_tensors(&open, target, to, &options.tensors);
    done.map(Some).map_err(|e| e.in_file(source.name()))
}

#[cold]
fn no_tensors() -> Error {
    let message = "a type, patterns and a size of files are for named tensors only";
    Error::new(ErrorKind::Unsupported, message)
        .with_hint("files of tensors become safetensors, npz, can, or a folder of npy")
}

/// Converts tensors to a file of another format; tied tensors appear under every name.
///
/// # Errors
/// [`ErrorKind::Unsupported`], with a list, if the target cannot hold everything and `lossy` was
/// not asked for; [`ErrorKind::NotFound`] if no name matches; those of both files.
pub fn convert_tensors(
    source: &OpenTensors,
    location: &Location,
    target: TensorTarget,
    options: &TensorOptions,
) -> Result<TensorsConverted> {
    if options.shard_size.is_some() && target != TensorTarget::Safetensors {
        let message = "only safetensors are divided over several files";
        return Err(Error::new(ErrorKind::Unsupported, message)
            .with_hint("leave `--shard-size` away, or convert to `.safetensors`"));
    }
    let container = &*source.container;
    let chosen = choose(container, options)?;
    let becomes = |info: &TensorInfo| match &options.dtype {
        Some(to) if is_float(&info.dtype) => to.clone(),
        _ => info.dtype.clone(),
    };
    let is_whole = options.include.is_empty();
    let mut left_out = if is_whole { container.others().to_vec() } else { Vec::new() };
    let mut are_floats = false;
    let mut infos = Vec::new();
    for info in chosen {
        match obstacle(info, &becomes(info), target) {
            None => infos.push(info),
            Some(why) => {
                are_floats |= is_float(&info.dtype);
                left_out.push(format!("{}: {why}", info.name));
            }
        }
    }
    if !left_out.is_empty() && !options.lossy {
        return Err(refuse(&left_out, are_floats));
    }
    check_sizes(&infos, container)?;
    let described = infos.iter().map(|t| (t.name.clone(), becomes(t), t.shape.clone())).collect();
    let tensors = Tensors { container, infos, described, target };
    let files = write(&tensors, location, options.shard_size)?;
    Ok(TensorsConverted { tensors: tensors.infos.len(), files, left_out })
}

/// The tensors that are asked for.
fn choose<'a>(
    container: &'a dyn TensorContainer,
    options: &TensorOptions,
) -> Result<Vec<&'a TensorInfo>> {
    let patterns = &options.include;
    let is_wanted = |name: &str| patterns.is_empty() || patterns.iter().any(|p| matches(p, name));
    let chosen: Vec<_> = container.tensors().iter().filter(|t| is_wanted(&t.name)).collect();
    if chosen.is_empty() && !patterns.is_empty() {
        let message = format!("no tensor is called `{}`", patterns.join("` or `"));
        let hint = "`cannery inspect` shows their names; `*` stands for any characters";
        return Err(Error::new(ErrorKind::NotFound, message).with_hint(hint));
    }
    Ok(chosen)
}

fn write(tensors: &Tensors<'_>, location: &Location, max: Option<u64>) -> Result<Vec<String>> {
    match tensors.target {
        TensorTarget::Safetensors => {
            let metadata = metadata_of(tensors.container);
            return tensors.write_safetensors(location, &metadata, max);
        }
        TensorTarget::NpyFolder => tensors.write_folder(location)?,
        TensorTarget::Npz | TensorTarget::Can => tensors.write_map(location)?,
    }
    Ok(vec![location.name()])
}

/// The metadata of the source, and the framework's name that readers of models ask for.
fn metadata_of(container: &dyn TensorContainer) -> Vec<(String, String)> {
    let mut metadata = container.metadata().to_vec();
    if metadata.iter().all(|(key, _)| key != "format") {
        metadata.push(("format".to_owned(), "pt".to_owned()));
    }
    metadata
}

/// Why a tensor cannot be written, if it cannot.
fn obstacle(info: &TensorInfo, dtype: &TensorDtype, target: TensorTarget) -> Option<String> {
    if info.storage.is_none() {
        return Some("it has no data".to_owned());
    }
    if !target.holds(dtype) {
        return Some(format!("the target has no type {dtype}"));
    }
    let is_whole = dtype.itemsize().is_some() || info.is_contiguous(Order::C);
    (!is_whole).then(|| format!("its elements of {dtype} do not follow each other"))
}

/// A tensor whose elements are repeated may be larger than the file by any factor.
fn check_sizes(tensors: &[&TensorInfo], container: &dyn TensorContainer) -> Result<()> {
    let stored = container.storages().iter().fold(0_u64, |sum, s| sum.saturating_add(s.len));
    let mut budget = Budget::new(&Limits::default(), stored);
    for info in tensors.iter().filter(|info| !info.is_contiguous(Order::C)) {
        budget.take_bytes(info.len_in_bytes()?)?;
    }
    Ok(())
}

#[cold]
fn refuse(left_out: &[String], are_floats: bool) -> Error {
    let listed = left_out[..left_out.len().min(MAX_LISTED)].join("; ");
    let more = left_out.len().saturating_sub(MAX_LISTED);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    let message = format!("the target cannot hold everything: {listed}{more}");
    let hint = if are_floats {
        "`--lossy` leaves it out; `--dtype float32` converts floats that it lacks"
    } else {
        "`--lossy` leaves it out"
    };
    Error::new(ErrorKind::Unsupported, message).with_hint(hint)
}

//! `TorchScript` as versions before 1.4 write it: modules and tensors in `model.json`.

use cannery_archive::Archive;
use cannery_core::{Error, ErrorKind, Result, Value};

use crate::dtype::TorchDtype;
use crate::exported::{dict, json, to_count, weight_storage};
use crate::node::Node;
use crate::node_id::NodeId;
use crate::reader::Reader;
use crate::storages::PersistentIds;
use crate::tensor::{Layout, Tensor, View, wrong};
use crate::zip::{MODEL, missing};

/// Modules below each other at most.
const MAX_DEPTH: usize = 50;

/// Parameters at most: a module that the text names often would have each of them as often.
const MAX_PARAMETERS: usize = 1 << 20;

/// Reads the parameters and buffers of all modules, and the constants of their code.
pub(crate) fn read(reader: &mut Reader<'_>, archive: &Archive, folder: &str) -> Result<()> {
    let name = format!("{folder}{MODEL}");
    let member = archive.get(&name).ok_or_else(|| missing(&name))?;
    let model = json(member, reader.data)?;
    reader.heap.ids = PersistentIds::InFolder(folder.to_owned());
    let tensors = model.get("tensors").and_then(Value::items).unwrap_or_default();
    let mut read = Vec::with_capacity(tensors.len());
    for tensor in tensors {
        read.push(read_tensor(reader, archive, folder, tensor)?);
    }
    let mut state = Vec::new();
    if let Some(module) = model.get("mainModule") {
        parameters(module, "", 0, &mut state)?;
    }
    let mut entries = Vec::with_capacity(state.len());
    let mut is_used = vec![false; read.len()];
    for (name, number, is_buffer) in state {
        let Some(&tensor) = read.get(number) else {
            let count = read.len();
            return Err(wrong(format!("a parameter is the tensor {number}, of {count}")));
        };
        is_used[number] = true;
        if !is_buffer {
            set_parameter(reader, tensor);
        }
        entries.push((name, tensor));
    }
    let others = read.iter().zip(is_used).filter(|(_, is_used)| !is_used).map(|(tensor, _)| tensor);
    let constants = Node::Tuple(others.copied().collect());
    let constants = reader.heap.add(constants)?;
    let state = dict(reader, entries)?;
    reader.document("state_dict", state);
    reader.document("constants", constants);
    Ok(())
}

/// Lists the parameters of a module and of those below it: name, number of the tensor, and whether it is a
/// buffer.
fn parameters(
    module: &Value,
    prefix: &str,
    depth: usize,
    found: &mut Vec<(String, usize, bool)>,
) -> Result<()> {
    if depth > MAX_DEPTH {
        return Err(Error::new(ErrorKind::Limit, "modules lie too deep below each other"));
    }
    let name_of = |value: &Value| value.get("name").and_then(Value::as_str).map(ToOwned::to_owned);
    for parameter in module.get("parameters").and_then(Value::items).unwrap_or_default() {
        let name = name_of(parameter).ok_or_else(|| wrong("a parameter has no name".into()))?;
        let number = count(parameter, "tensorId")?;
        let is_buffer = parameter.get("isBuffer").and_then(Value::as_bool) == Some(true);
        if found.len() >= MAX_PARAMETERS {
            return Err(Error::new(ErrorKind::Limit, "there are too many parameters"));
        }
        let number = usize::try_from(number).unwrap_or(usize::MAX);
        found.push((format!("{prefix}{name}"), number, is_buffer));
    }
    for below in module.get("submodules").and_then(Value::items).unwrap_or_default() {
        let name = name_of(below).ok_or_else(|| wrong("a module has no name".into()))?;
        parameters(below, &format!("{prefix}{name}."), depth + 1, found)?;
    }
    Ok(())
}

fn set_parameter(reader: &mut Reader<'_>, id: NodeId) {
    if let Node::Tensor(tensor) = reader.heap.nodes.get_mut(id) {
        tensor.class = Some("torch.nn.parameter.Parameter".to_owned());
    }
}

fn read_tensor(
    reader: &mut Reader<'_>,
    archive: &Archive,
    folder: &str,
    tensor: &Value,
) -> Result<NodeId> {
    let numbers = |key: &str| {
        let items = tensor.get(key).and_then(Value::items).unwrap_or_default();
        let numbers: Option<Vec<u64>> = items.iter().map(number).collect();
        numbers.ok_or_else(|| wrong(format!("the `{key}` of a tensor are no numbers")))
    };
    let dtype = tensor.get("dataType").and_then(Value::as_str).and_then(dtype_of);
    let dtype = dtype.ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, "a tensor is of a type that is not known")
    })?;
    let key = tensor.get("data").and_then(|data| data.get("key")).and_then(Value::as_str);
    let key = key.ok_or_else(|| wrong("a tensor does not say where its elements are".into()))?;
    let name = format!("{folder}{key}");
    let member = archive.get(&name).ok_or_else(|| missing(&name))?;
    let (shape, strides) = (numbers("dims")?, numbers("strides")?);
    let offset = count(tensor, "offset")?;
    let storage = weight_storage(reader, member, key, dtype, false)?;
    let view = View { storage: Some(storage), dtype, shape, strides, offset, start: 0 };
    view.check(member.size)?;
    let mut made = Tensor::new(Layout::Strided(view));
    made.requires_grad = tensor.get("requiresGrad").and_then(Value::as_bool) == Some(true);
    reader.heap.add(Node::Tensor(Box::new(made)))
}

/// A number that is left out where it is 0.
fn count(value: &Value, key: &str) -> Result<u64> {
    let found = value.get(key).map_or(Some(0), number);
    found.ok_or_else(|| wrong(format!("`{key}` is no number")))
}

/// Numbers of 64 bits are texts in this form of JSON.
fn number(value: &Value) -> Option<u64> {
    value.as_str().map_or_else(|| to_count(value), |digits| digits.parse().ok())
}

/// The types by their names in Caffe2's schema.
fn dtype_of(name: &str) -> Option<TorchDtype> {
    TorchDtype::from_name(match name {
        "FLOAT" => "float32",
        "DOUBLE" => "float64",
        "FLOAT16" => "float16",
        "INT8" => "int8",
        "INT16" => "int16",
        "INT32" => "int32",
        "INT64" => "int64",
        "UINT8" | "BYTE" => "uint8",
        "BOOL" => "bool",
        _ => return None,
    })
}

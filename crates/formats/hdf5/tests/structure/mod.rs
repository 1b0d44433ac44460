//! A valid file, and what of a damaged copy has to be as in it: all that checksums cover.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use cannery_core::Result;
use cannery_hdf5::{
    ByteOrder, CreateOptions, DatasetSpec, Dataspace, Datatype, DimSelection, File, Filter,
    LinkTarget, MemoryTarget, Node, ObjectKind, Selection, Storage, TypeClass,
};

/// Bytes of a dataset that are read, at most: damage may make a shape of any size.
const MOST: u64 = 1 << 20;

/// Groups inside of one another that are followed.
const DEEPEST: usize = 8;

/// Objects that are looked at, at most: a damaged file may lead to one group again and again.
const OBJECTS: usize = 2000;

/// What an object is, in words; an error where it cannot be read.
type Objects = BTreeMap<String, Result<String, String>>;

/// A file of groups, datasets in every layout that is written, many links and many attributes.
pub(crate) fn valid() -> &'static [u8] {
    static FILE: LazyLock<Vec<u8>> = LazyLock::new(|| make().expect("a file in memory"));
    &FILE
}

/// The numbers of every dataset of the valid file.
fn numbers() -> Vec<u8> {
    (0..60_i32).flat_map(i32::to_le_bytes).collect()
}

fn integer() -> Datatype {
    let (order, signed, offset, precision) = (ByteOrder::Little, true, 0, 32);
    Datatype::new(4, TypeClass::Fixed { order, signed, offset, precision, is_bits: false })
}

fn make() -> Result<Vec<u8>> {
    let target = Arc::new(MemoryTarget::default());
    let file = File::create_in(Arc::clone(&target) as _, None, &CreateOptions::default())?;
    let root = file.root();
    let checked = vec![Filter::new(1, 1, vec![6]), Filter::new(3, 0, vec![])];
    for (name, storage, filters) in [
        ("contiguous", Storage::Contiguous, vec![]),
        ("compact", Storage::Compact, vec![]),
        ("chunked", Storage::Chunked(vec![7, 2]), vec![]),
        ("checked", Storage::Chunked(vec![4, 3]), checked),
    ] {
        let space = Dataspace::Simple { shape: vec![20, 3], max_shape: vec![Some(20), Some(3)] };
        let mut spec = DatasetSpec::new(integer(), space);
        (spec.storage, spec.filters) = (storage, filters);
        let dataset = root.create_dataset(&spec)?;
        dataset.write(&whole(&[20, 3]), &numbers(), 1)?;
        dataset.set_attribute(b"unit", (&integer(), None), &Dataspace::Scalar, &[1, 2, 3, 4])?;
        root.insert_link(name.as_bytes(), &LinkTarget::Hard(dataset.id().1))?;
    }
    let many = root.create_group(true)?;
    root.insert_link(b"many", &LinkTarget::Hard(many.id().1))?;
    for i in 0..40_u32 {
        many.insert_link(format!("link{i}").as_bytes(), &LinkTarget::Soft(b"/chunked".to_vec()))?;
        let data = i.to_le_bytes();
        let name = format!("attribute{i}");
        many.set_attribute(name.as_bytes(), (&integer(), None), &Dataspace::Scalar, &data)?;
    }
    file.close()?;
    Ok(target.bytes())
}

fn whole(shape: &[u64]) -> Selection {
    let side = |&count: &u64| DimSelection::Range { start: 0, step: 1, count };
    Selection(shape.iter().map(side).collect())
}

/// Reads all of a file, whatever it is: nothing of it may be the end of the process.
pub(crate) fn walk(bytes: Vec<u8>) {
    let _ = File::from_source(Arc::new(bytes)).map(|file| objects(&file));
}

/// Reads all of a damaged copy of the valid file: each object is as it was, or an error.
///
/// # Panics
/// If something that a checksum covers is another one, and nothing is said.
pub(crate) fn check_damaged(bytes: Vec<u8>) {
    static WHOLE: LazyLock<Objects> = LazyLock::new(|| {
        let file = File::from_source(Arc::new(valid().to_vec())).expect("a valid file");
        objects(&file)
    });
    let Ok(file) = File::from_source(Arc::new(bytes)) else { return };
    let found = objects(&file);
    for (path, what) in &found {
        let Ok(what) = what else { continue };
        let before = WHOLE.get(path).and_then(|before| before.as_ref().ok());
        assert_eq!(Some(what), before, "`{path}` is another one, and nothing is said");
    }
}

fn objects(file: &File) -> Objects {
    let mut found = Objects::new();
    visit(&file.root(), "", 0, &mut found);
    found
}

fn visit(node: &Node, path: &str, depth: usize, found: &mut Objects) {
    if found.len() >= OBJECTS || depth > DEEPEST {
        return;
    }
    let what = describe(node);
    let is_group = matches!(node.kind(), Ok(ObjectKind::Group));
    found.insert(path.to_owned(), what.map_err(|error| error.to_string()));
    if !is_group {
        return;
    }
    for link in node.members().unwrap_or_default() {
        let path = format!("{path}/{}", link.name.escape_ascii());
        if matches!(link.target, LinkTarget::Hard(_)) {
            match node.resolve(&link.name) {
                Ok(node) => visit(&node, &path, depth + 1, found),
                Err(error) => {
                    found.insert(path, Err(error.to_string()));
                }
            }
        } else {
            found.insert(path, Ok(format!("{:?}", link.target)));
        }
    }
}

/// The kind of an object, its type, shape, attributes and names, and elements that are checked.
fn describe(node: &Node) -> Result<String> {
    let kind = node.kind()?;
    let mut what = format!("{kind:?}");
    for (name, attribute) in node.attributes()? {
        what = format!("{what} {}={:?}", name.escape_ascii(), attribute?.data);
    }
    match kind {
        ObjectKind::Group => {
            for link in node.members()? {
                what = format!("{what} {}", link.name.escape_ascii());
            }
        }
        ObjectKind::Dataset => {
            let dataset = node.dataset()?;
            what = format!("{what} {:?} {:?}", dataset.datatype(), dataset.space());
            let size = u64::from(dataset.datatype().size);
            if dataset.space().elements().saturating_mul(size) <= MOST {
                // Elements have no checksums of their own; their number is known.
                let len = dataset.read_bytes().map_or(0, |bytes| bytes.len());
                assert!(len == 0 || len as u64 == dataset.space().elements() * size);
            }
        }
        ObjectKind::Datatype => what = format!("{what} {:?}", node.datatype()?),
    }
    Ok(what)
}

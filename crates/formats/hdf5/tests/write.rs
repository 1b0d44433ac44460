//! Files that are written: read back, and whole after each write if the writer ends there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use cannery_core::Result;
use cannery_hdf5::{
    ByteOrder, ByteSource, CreateOptions, DatasetSpec, Dataspace, Datatype, DimSelection,
    ExternalPolicy, File, FileTarget, Filter, LinkTarget, MemoryTarget, Node, ObjectKind,
    Selection, Storage, Target, TypeClass,
};

fn integer(size: u32) -> Datatype {
    let precision = u16::try_from(size * 8).expect("a small size");
    let (order, signed, offset, is_bits) = (ByteOrder::Little, true, 0, false);
    Datatype::new(size, TypeClass::Fixed { order, signed, offset, precision, is_bits })
}

fn chunked(rows: u64, filters: Vec<Filter>) -> DatasetSpec {
    let space = Dataspace::Simple { shape: vec![rows, 3], max_shape: vec![None, Some(3)] };
    let mut spec = DatasetSpec::new(integer(4), space);
    spec.storage = Storage::Chunked(vec![4, 2]);
    spec.filters = filters;
    spec
}

fn rows(from: u64, count: u64) -> Selection {
    let all = DimSelection::Range { start: 0, step: 1, count: 3 };
    Selection(vec![DimSelection::Range { start: from, step: 1, count }, all])
}

fn numbers(count: u64, seed: i32) -> Vec<u8> {
    (0..count * 3).flat_map(|i| (i32::try_from(i).expect("few") * 7 + seed).to_le_bytes()).collect()
}

/// All that a file holds, by path: what each object is, its attributes, its elements.
type Contents = BTreeMap<String, (String, Vec<u8>)>;

fn contents(file: &File) -> Result<Contents> {
    let mut found = Contents::new();
    visit(&file.root(), "", &mut found)?;
    Ok(found)
}

fn visit(node: &Node, path: &str, found: &mut Contents) -> Result<()> {
    let mut what = format!("{:?}", node.kind()?);
    for (name, attribute) in node.attributes()? {
        what = format!("{what} {}={:?}", name.escape_ascii(), attribute?.data);
    }
    let mut data = Vec::new();
    match node.kind()? {
        ObjectKind::Dataset => {
            let dataset = node.dataset()?;
            what = format!("{what} {:?}", dataset.space());
            // Elements in other files are not read.
            data = dataset.read_bytes().unwrap_or_default();
        }
        ObjectKind::Group => {
            for link in node.members()? {
                let path = format!("{path}/{}", link.name.escape_ascii());
                if matches!(link.target, LinkTarget::Hard(_)) {
                    visit(&node.resolve(&link.name)?, &path, found)?;
                } else {
                    found.insert(path, (format!("{:?}", link.target), Vec::new()));
                }
            }
        }
        ObjectKind::Datatype => {}
    }
    found.insert(path.to_owned(), (what, data));
    Ok(())
}

fn fill(file: &File) -> Result<()> {
    let root = file.root();
    let group = root.create_group(false)?;
    root.insert_link(b"group", &LinkTarget::Hard(group.id().1))?;
    let filters = vec![Filter::new(2, 1, vec![]), Filter::new(1, 1, vec![4])];
    let dataset = root.create_dataset(&chunked(10, filters))?;
    dataset.write(&rows(0, 10), &numbers(10, 1), 1)?;
    root.insert_link(b"rows", &LinkTarget::Hard(dataset.id().1))?;
    let space = Dataspace::Simple { shape: vec![5], max_shape: vec![Some(5)] };
    let plain = root.create_dataset(&DatasetSpec::new(integer(4), space))?;
    group.insert_link(b"plain", &LinkTarget::Hard(plain.id().1))?;
    plain.set_attribute(b"unit", (&integer(4), None), &Dataspace::Scalar, &[1, 2, 3, 4])
}

#[test]
fn what_is_written_is_seen_at_once_and_later() -> Result<()> {
    let target = Arc::new(MemoryTarget::default());
    let file = File::create_in(Arc::clone(&target) as _, None, &CreateOptions::default())?;
    fill(&file)?;
    let now = contents(&file)?;
    assert_eq!(now["/rows"].1, numbers(10, 1));
    file.close()?;
    assert_eq!(contents(&File::from_source(Arc::new(target.bytes()))?)?, now);
    assert!(file.root().create_group(false).is_err());
    Ok(())
}

#[test]
fn many_links_and_attributes_are_found() -> Result<()> {
    let target = Arc::new(MemoryTarget::default());
    let mut options = CreateOptions::default();
    options.track_order = true;
    options.user_block = 512;
    let file = File::create_in(Arc::clone(&target) as _, None, &options)?;
    let root = file.root();
    for i in (0..100_000_u32).rev() {
        root.insert_link(format!("link{i}").as_bytes(), &LinkTarget::Soft(b"/x".to_vec()))?;
    }
    for i in 0..300_u32 {
        let name = format!("attribute{i}");
        let data = i.to_le_bytes();
        root.set_attribute(name.as_bytes(), (&integer(4), None), &Dataspace::Scalar, &data)?;
    }
    file.close()?;
    let file = File::from_source(Arc::new(target.bytes()))?;
    assert_eq!(file.user_block_len(), 512);
    let members = file.root().members()?;
    assert_eq!(members.len(), 100_000);
    assert!(
        members
            .iter()
            .zip((0..100_000).rev())
            .all(|(link, i)| link.name == format!("link{i}").as_bytes())
    );
    let attributes = file.root().attributes()?;
    assert_eq!(attributes.len(), 300);
    for (i, (name, attribute)) in (0_u32..).zip(attributes) {
        assert_eq!(
            (name, attribute?.data),
            (format!("attribute{i}").into_bytes(), i.to_le_bytes().to_vec())
        );
    }
    Ok(())
}

#[test]
fn a_smaller_shape_forgets_and_a_larger_one_is_filled() -> Result<()> {
    let file = File::create_in(Arc::new(MemoryTarget::default()), None, &CreateOptions::default())?;
    let dataset = file.root().create_dataset(&chunked(10, Vec::new()))?;
    dataset.write(&rows(0, 10), &numbers(10, 1), 1)?;
    dataset.resize(&[5, 3])?;
    dataset.resize(&[10, 3])?;
    let mut expected = numbers(10, 1);
    expected[5 * 12..].fill(0);
    assert_eq!(dataset.dataset()?.read_bytes()?, expected);
    assert!(dataset.resize(&[10, 4]).is_err());
    Ok(())
}

/// Keeps the state of the file after each write.
struct RecordingTarget {
    inner: MemoryTarget,
    states: Mutex<Vec<Vec<u8>>>,
}

impl ByteSource for RecordingTarget {
    fn len(&self) -> u64 {
        self.inner.len()
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        self.inner.read_at(offset, out)
    }
}

impl RecordingTarget {
    fn record(&self) {
        self.states.lock().expect("no panic").push(self.inner.bytes());
    }
}

impl Target for RecordingTarget {
    fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.inner.write_at(offset, data)?;
        self.record();
        Ok(())
    }

    fn grow(&self, len: u64) -> Result<()> {
        self.inner.grow(len)?;
        self.record();
        Ok(())
    }

    fn publish(&self) -> Result<()> {
        self.inner.publish()
    }
}

type Edit = fn(&File) -> Result<()>;

/// Operations that promise the old or the new state, whenever the writer ends.
const EDITS: &[(&str, Edit)] = &[
    ("append rows", |file| {
        let dataset = file.root().resolve(b"rows")?;
        dataset.resize(&[23, 3])?;
        dataset.write(&rows(10, 13), &numbers(13, 500), 1)
    }),
    ("overwrite rows in chunks", |file| {
        file.root().resolve(b"rows")?.write(&rows(2, 7), &numbers(7, 900), 1)
    }),
    ("shrink", |file| file.root().resolve(b"rows")?.resize(&[3, 3])),
    ("new dataset", |file| {
        let dataset = file.root().create_dataset(&chunked(6, Vec::new()))?;
        dataset.write(&rows(0, 6), &numbers(6, 3), 1)?;
        file.root().insert_link(b"another", &LinkTarget::Hard(dataset.id().1))
    }),
    ("many new groups", |file| {
        for i in 0..40 {
            let group = file.root().create_group(false)?;
            file.root().insert_link(format!("g{i}").as_bytes(), &LinkTarget::Hard(group.id().1))?;
        }
        Ok(())
    }),
    ("delete", |file| file.root().remove_link(b"rows")),
    ("rename", |file| file.root().move_link(b"rows", &file.root(), b"lines")),
    ("many attributes", |file| {
        let node = file.root().resolve(b"rows")?;
        for i in 0..100_u32 {
            let name = format!("attribute{i}");
            let data = i.to_le_bytes();
            node.set_attribute(name.as_bytes(), (&integer(4), None), &Dataspace::Scalar, &data)?;
        }
        Ok(())
    }),
    ("change an attribute", |file| {
        let node = file.root().resolve(b"group/plain")?;
        node.set_attribute(b"unit", (&integer(4), None), &Dataspace::Scalar, &[9, 9, 9, 9])
    }),
    ("first elements of a contiguous dataset", |file| {
        let all = DimSelection::Range { start: 0, step: 1, count: 5 };
        file.root().resolve(b"group/plain")?.write(&Selection(vec![all]), &[7; 20], 1)
    }),
];

#[test]
fn a_file_is_in_its_old_or_new_state_after_each_write() -> Result<()> {
    let target = Arc::new(MemoryTarget::default());
    let file = File::create_in(Arc::clone(&target) as _, None, &CreateOptions::default())?;
    fill(&file)?;
    file.close()?;
    let mut starts = vec![target.bytes()];
    // A file of libhdf5, with version 1 headers and symbol tables, and one of the newest version.
    for name in ["earliest.h5", "latest.h5"] {
        let path = format!("{}/tests/files/{name}", env!("CARGO_MANIFEST_DIR"));
        let target = Arc::new(MemoryTarget::new(std::fs::read(path).expect("part of the crate")));
        let file = File::edit_in(Arc::clone(&target) as _, None, ExternalPolicy::Refuse)?;
        fill(&file)?;
        file.close()?;
        starts.push(target.bytes());
    }
    let mut kills = 0;
    for start in &starts {
        for (name, edit) in EDITS {
            let old = contents(&File::from_source(Arc::new(start.clone()))?)?;
            let inner = MemoryTarget::new(start.clone());
            let target = Arc::new(RecordingTarget { inner, states: Mutex::default() });
            let file = File::edit_in(Arc::clone(&target) as _, None, ExternalPolicy::Refuse)?;
            edit(&file)?;
            let new = contents(&file)?;
            assert_ne!(old, new, "{name}");
            file.close()?;
            let states = std::mem::take(&mut *target.states.lock().expect("no panic"));
            kills += states.len();
            for (number, state) in states.into_iter().enumerate() {
                let found = contents(&File::from_source(Arc::new(state))?)?;
                assert!(found == old || found == new, "{name}, after write {number}");
            }
            let stored = contents(&File::from_source(Arc::new(target.inner.bytes()))?)?;
            assert_eq!(stored, new, "{name}");
        }
    }
    assert!(kills > 200, "{kills} writes");
    Ok(())
}

/// Counts the bytes that are written.
struct CountingTarget {
    inner: MemoryTarget,
    written: Mutex<u64>,
}

impl ByteSource for CountingTarget {
    fn len(&self) -> u64 {
        self.inner.len()
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        self.inner.read_at(offset, out)
    }
}

impl Target for CountingTarget {
    fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        *self.written.lock().expect("no panic") += data.len() as u64;
        self.inner.write_at(offset, data)
    }

    fn grow(&self, len: u64) -> Result<()> {
        self.inner.grow(len)
    }

    fn publish(&self) -> Result<()> {
        self.inner.publish()
    }
}

#[test]
fn appending_costs_the_same_however_much_is_there() -> Result<()> {
    let inner = MemoryTarget::default();
    let target = Arc::new(CountingTarget { inner, written: Mutex::default() });
    let file = File::create_in(Arc::clone(&target) as _, None, &CreateOptions::default())?;
    let dataset = file.root().create_dataset(&chunked(0, Vec::new()))?;
    file.root().insert_link(b"rows", &LinkTarget::Hard(dataset.id().1))?;
    let mut costs = Vec::new();
    let mut expected = Vec::new();
    for batch in 0..2000_u64 {
        dataset.resize(&[4 * batch + 4, 3])?;
        let data = numbers(4, i32::try_from(batch).expect("few"));
        dataset.write(&rows(4 * batch, 4), &data, 1)?;
        expected.extend_from_slice(&data);
        file.flush()?;
        costs.push(std::mem::take(&mut *target.written.lock().expect("no panic")));
    }
    let total = |part: &[u64]| part.iter().sum::<u64>();
    let (early, late) = (total(&costs[100..200]), total(&costs[1900..]));
    assert!(late < 2 * early, "{early} bytes for 100 batches, later {late}");
    file.close()?;
    let file = File::from_source(Arc::new(target.inner.bytes()))?;
    assert_eq!(file.root().resolve(b"rows")?.dataset()?.read_bytes()?, expected);
    Ok(())
}

#[test]
fn chunks_are_found_whatever_order_they_are_written_in() -> Result<()> {
    let target = Arc::new(MemoryTarget::default());
    let file = File::create_in(Arc::clone(&target) as _, None, &CreateOptions::default())?;
    let rows_in_all = 4 * 400;
    let dataset = file.root().create_dataset(&chunked(rows_in_all, Vec::new()))?;
    file.root().insert_link(b"rows", &LinkTarget::Hard(dataset.id().1))?;
    let mut expected = vec![0; index_of(rows_in_all)];
    let mut at = 7_u64;
    for step in 0..600_u64 {
        at = at.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let row = (at >> 33) % (rows_in_all - 3);
        let data = numbers(3, i32::try_from(step).expect("few"));
        dataset.write(&rows(row, 3), &data, 1)?;
        expected[index_of(row)..index_of(row + 3)].copy_from_slice(&data);
        if step % 7 == 0 {
            file.flush()?;
            let stored = File::from_source(Arc::new(target.bytes()))?;
            assert_eq!(stored.root().resolve(b"rows")?.dataset()?.read_bytes()?, expected);
        }
        if step == 300 {
            dataset.resize(&[200, 3])?;
            dataset.resize(&[rows_in_all, 3])?;
            expected[index_of(200)..].fill(0);
        }
    }
    file.close()?;
    let report = cannery_hdf5::Checkup::of(Arc::new(target.bytes()), 1)?;
    assert!(report.is_ok(), "{report:?}");
    Ok(())
}

fn index_of(row: u64) -> usize {
    usize::try_from(row * 12).expect("few")
}

/// Eight random bytes: `SplitMix64`.
fn noise(seed: u64) -> [u8; 8] {
    let mut n = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    n = (n ^ n >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    n = (n ^ n >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    (n ^ n >> 31).to_le_bytes()
}

#[test]
fn files_hold_what_memory_would() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    for seed in 0..20 {
        let path = folder.path().join(format!("{seed}.h5"));
        let (file, memory) = (FileTarget::create(&path)?.waits(false), MemoryTarget::default());
        // Few long pieces, many short ones: at the end, behind it, and where bytes are already.
        for step in 0..300_u64 {
            let noise = noise(seed * 1000 + step);
            let len = if noise[0] < 6 { 40_000 * usize::from(noise[0]) } else { noise[1].into() };
            let end = memory.len();
            let at = match noise[2] % 4 {
                0 => end + u64::from(noise[3]),
                1 => end.saturating_sub(u64::from(noise[3])),
                2 => u64::from(noise[3]) * end / 256,
                _ => end,
            };
            let data = vec![noise[4]; len];
            file.write_at(at, &data)?;
            memory.write_at(at, &data)?;
            if noise[5] < 10 {
                file.grow(at + 300)?;
                memory.grow(at + 300)?;
            }
            assert_eq!(file.len(), memory.len());
            if noise[6] < 60 {
                let start = u64::from(noise[7]) * memory.len() / 256;
                let len = usize::try_from(memory.len() - start).map_or(700, |len| len.min(700));
                let (mut one, mut other) = (vec![0; len], vec![0; len]);
                file.read_at(start, &mut one)?;
                memory.read_at(start, &mut other)?;
                assert_eq!(one, other, "seed {seed}, step {step}");
            }
        }
        assert!(!path.exists());
        file.publish()?;
        assert_eq!(std::fs::read(&path).expect("a file"), memory.bytes(), "seed {seed}");
    }
    Ok(())
}

#[test]
fn threads_write_beside_each_other() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("threads.h5");
    let file = FileTarget::create(&path)?.waits(false);
    // Pieces of all lengths, in the order in which room is taken for them.
    let lens: Vec<usize> = (0..400).map(|i| if i % 7 == 0 { 100_000 } else { i * 13 }).collect();
    let next = Mutex::new((0, 0_u64));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let (number, at) = {
                        let mut next = next.lock().expect("a lock");
                        let (number, at) = *next;
                        let Some(len) = lens.get(number) else { return };
                        *next = (number + 1, at + *len as u64);
                        (number, at)
                    };
                    let data = vec![number.to_le_bytes()[0]; lens[number]];
                    file.write_at(at, &data).expect("written");
                }
            });
        }
    });
    file.publish()?;
    let expected: Vec<u8> =
        lens.iter().enumerate().flat_map(|(i, len)| vec![i.to_le_bytes()[0]; *len]).collect();
    assert!(std::fs::read(&path).expect("a file") == expected);
    Ok(())
}

//! Elements that lead to global heaps: whether what they lead to is there.

use std::sync::Arc;

use cannery_core::Result;

use crate::bytes::{Cursor, UNDEFINED, index};
use crate::core::FileCore;
use crate::datatype::{Datatype, ReferenceKind, TypeClass};
use crate::global_heap::HeapId;
use crate::reference::read_sequence;

/// Sequences inside of sequences that are looked at.
const MAX_DEPTH: usize = 8;

/// Checks elements one after the other; those that lead to nothing are made empty in `data`.
/// Gives back the first error, and how many there are.
pub(crate) fn check(
    core: &Arc<FileCore>,
    datatype: &Datatype,
    data: &mut [u8],
) -> Option<(cannery_core::Error, u64)> {
    let mut found = None;
    for element in data.chunks_exact_mut((datatype.size as usize).max(1)) {
        check_one(core, datatype, element, 0, &mut |error| match &mut found {
            None => found = Some((error, 1)),
            Some((_, count)) => *count += 1,
        });
    }
    found
}

fn check_one(
    core: &Arc<FileCore>,
    datatype: &Datatype,
    data: &mut [u8],
    depth: usize,
    damaged: &mut dyn FnMut(cannery_core::Error),
) {
    let checked = match &datatype.class {
        TypeClass::Compound(members) => {
            for member in members.iter().filter(|m| m.datatype.has_heap_data()) {
                let (at, len) = (member.offset as usize, member.datatype.size as usize);
                if let Some(part) = data.get_mut(at..).and_then(|rest| rest.get_mut(..len)) {
                    check_one(core, &member.datatype, part, depth, damaged);
                }
            }
            return;
        }
        TypeClass::Array { base, .. } if base.has_heap_data() => {
            for part in data.chunks_exact_mut((base.size as usize).max(1)) {
                check_one(core, base, part, depth, damaged);
            }
            return;
        }
        TypeClass::VarString { .. } => read_sequence(core, data, 1).map(drop),
        TypeClass::Sequence(base) => check_sequence(core, base, data, depth),
        TypeClass::Reference(ReferenceKind::Region) => check_region(core, data),
        _ => return,
    };
    if let Err(error) = checked {
        data.fill(0);
        damaged(error);
    }
}

fn check_sequence(core: &Arc<FileCore>, base: &Datatype, data: &[u8], depth: usize) -> Result<()> {
    let (_, mut inner) = read_sequence(core, data, base.size)?;
    if !base.has_heap_data() || depth >= MAX_DEPTH {
        return Ok(());
    }
    let mut first = Ok(());
    for element in inner.chunks_exact_mut(index(u64::from(base.size)).max(1)) {
        check_one(core, base, element, depth + 1, &mut |error| {
            if first.is_ok() {
                first = Err(error);
            }
        });
    }
    first
}

fn check_region(core: &Arc<FileCore>, data: &[u8]) -> Result<()> {
    let id = HeapId::parse(core, &mut Cursor::new(data))?;
    if id.address == 0 || id.address == UNDEFINED {
        return Ok(());
    }
    id.get(core).map(drop)
}

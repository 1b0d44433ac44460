//! Archives: what is written is read by everybody, and what two readers could see apart is refused.

use std::io::{Cursor, Read, Write};

use cannery_archive::{Archive, ArchiveWriter, Method, Rules};
use cannery_core::{ErrorKind, Limits, Result};
use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive};

type Members = Vec<(String, Vec<u8>)>;

fn any_members() -> impl Strategy<Value = Members> {
    let name = "[a-z\u{e9}/.]{1,12}";
    let content = prop::collection::vec(any::<u8>(), 0..300);
    prop::collection::btree_map(name, content, 0..20).prop_map(|map| map.into_iter().collect())
}

fn written(members: &Members, alignment: Option<u16>) -> Vec<u8> {
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new()));
    for (index, (name, content)) in members.iter().enumerate() {
        if index % 2 == 0 {
            writer.add(name, content, alignment).unwrap();
            continue;
        }
        writer.begin(name, content.len() as u64, Method::Stored, alignment).unwrap();
        writer.write_all(content).unwrap();
        writer.end(content.len() as u64, crc32fast::hash(content)).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn read(data: &[u8], rules: Rules) -> Result<Members> {
    let archive = Archive::read(data, rules, &Limits::default())?;
    let member = |member: &cannery_archive::Member| {
        assert_eq!(archive.get(&member.name), Some(member));
        Ok((member.name.clone(), member.bytes(data)?.into_owned()))
    };
    archive.members().iter().map(member).collect()
}

/// What another reader finds.
fn read_by_zip(data: &[u8]) -> Members {
    let mut archive = ZipArchive::new(Cursor::new(data)).unwrap();
    let len = archive.len();
    let member = |index| {
        let mut file = archive.by_index(index).unwrap();
        let mut content = Vec::new();
        file.read_to_end(&mut content).unwrap();
        (file.name().unwrap().into_owned(), content)
    };
    (0..len).map(member).collect()
}

proptest! {
    #[test]
    fn what_is_written_is_read(members in any_members(), alignment in prop::option::of(1_u16..200)) {
        let data = written(&members, alignment);
        prop_assert_eq!(&read(&data, Rules::STRICT).unwrap(), &members);
        prop_assert_eq!(&read_by_zip(&data), &members);
        let archive = Archive::read(&data, Rules::STRICT, &Limits::default()).unwrap();
        let alignment = usize::from(alignment.unwrap_or(1));
        prop_assert!(archive.members().iter().all(|member| member.place.start % alignment == 0));
    }

    #[test]
    fn what_others_write_is_read(
        members in any_members(),
        method in prop::sample::select(vec![
            CompressionMethod::Stored, CompressionMethod::Deflated, CompressionMethod::Zstd,
        ]),
        is_large: bool,
    ) {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in &members {
            let options = SimpleFileOptions::default().compression_method(method);
            writer.start_file(name.as_str(), options.large_file(is_large)).unwrap();
            writer.write_all(content).unwrap();
        }
        let data = writer.finish().unwrap().into_inner();
        prop_assert_eq!(&read(&data, Rules::STRICT).unwrap(), &members);
        prop_assert_eq!(&read(&data, Rules::TORCH).unwrap(), &members);
    }

    #[test]
    fn damage_is_an_error_or_means_nothing(
        members in any_members(),
        at: prop::sample::Index,
        byte: u8,
    ) {
        let mut data = written(&members, Some(64));
        let at = at.index(data.len());
        data[at] = byte;
        if let Ok(found) = read(&data, Rules::STRICT) {
            let contents = |members: &Members| members.iter().map(|(_, bytes)| bytes.clone()).collect::<Vec<_>>();
            prop_assert_eq!(contents(&found), contents(&members));
        }
        let cut = &data[..at];
        prop_assert!(read(cut, Rules::STRICT).is_err());
    }
}

#[test]
fn many_members_are_found_by_name() {
    let members: Members = (0..70_000).map(|n| (n.to_string(), vec![7; n % 3])).collect();
    let data = written(&members, None);
    assert_eq!(read(&data, Rules::STRICT).unwrap(), members);
    assert_eq!(read_by_zip(&data).len(), members.len());
}

#[test]
fn a_name_comes_once() {
    for others in [0, 5, 20] {
        let mut writer = ArchiveWriter::new(Cursor::new(Vec::new()));
        writer.add("x", b"", None).unwrap();
        for other in 0..others {
            writer.add(&other.to_string(), b"", None).unwrap();
        }
        let error = writer.add("x", b"", None).unwrap_err();
        assert_eq!(error.message(), "cannot add the member `x`: there is one already");
    }
}

fn report(data: &[u8], rules: Rules) -> String {
    read(data, rules)
        .map_or_else(|error| error.report(), |members| format!("{} members", members.len()))
}

/// Changes an archive that has its headers and its entries of the directory in these places.
type Edit = dyn Fn(&mut Vec<u8>, &[usize], &[usize]);

/// Two members, and the places of their headers and of their entries in the directory.
fn two() -> (Vec<u8>, Vec<usize>, Vec<usize>) {
    let members = vec![("a".to_owned(), b"one".to_vec()), ("b".to_owned(), b"two".to_vec())];
    let data = written(&members, None);
    let find = |what: &[u8]| (0..data.len()).filter(|&at| data[at..].starts_with(what)).collect();
    let (local, central) = (find(b"PK\x03\x04"), find(b"PK\x01\x02"));
    (data, local, central)
}

#[test]
fn what_readers_could_see_apart_is_refused() {
    let edited = |edit: &Edit| {
        let (mut data, local, central) = two();
        edit(&mut data, &local, &central);
        [report(&data, Rules::STRICT), report(&data, Rules::TORCH)].join(" | ")
    };
    let name = edited(&|data, local, central| {
        (data[local[1] + 30], data[central[1] + 46]) = (b'a', b'a');
    });
    insta::assert_snapshot!(name, @"the archive is damaged: two of its members have the same name, `a` at byte 34 | the archive is damaged: two of its members have the same name, `a` at byte 34");
    let own_name = edited(&|data, local, _| data[local[1] + 30] = b'c');
    insta::assert_snapshot!(own_name, @"the archive is damaged: the member `b` is called otherwise by its own header at byte 115 | the archive is damaged: the member `b` is called otherwise by its own header at byte 115");
    let place = edited(&|data, _, central| {
        let offset: [u8; 4] = data[central[0] + 42..][..4].try_into().unwrap();
        data[central[1] + 42..][..4].copy_from_slice(&offset);
        data[central[1] + 46] = b'a';
        data[central[0] + 46] = b'a';
    });
    insta::assert_snapshot!(place, @"the archive is damaged: the member `a` has other sizes by its own header at byte 115 | the archive is damaged: the member `a` has other sizes by its own header at byte 115");
    let method = edited(&|data, local, _| data[local[0] + 8] = 8);
    insta::assert_snapshot!(method, @"the archive is damaged: the member `a` is packed otherwise by its own header at byte 68 | the archive is damaged: the member `a` is packed otherwise by its own header at byte 68");
    let unknown =
        edited(&|data, local, central| (data[local[0] + 8], data[central[0] + 10]) = (12, 12));
    insta::assert_snapshot!(unknown, @r"
    the member `a` is packed by method 12

    hint: stored, deflated and Zstandard members are read | the member `a` is packed by method 12

    hint: stored, deflated and Zstandard members are read
    ");
    let encrypted = edited(&|data, _, central| data[central[0] + 8] |= 1);
    insta::assert_snapshot!(encrypted, @"the archive is damaged: the member `a` is encrypted at byte 68 | the archive is damaged: the member `a` is encrypted at byte 68");
    let sizes = edited(&|data, local, _| data[local[0] + 22] = 2);
    insta::assert_snapshot!(sizes, @"the archive is damaged: the member `a` has other sizes by its own header at byte 68 | the archive is damaged: the member `a` has other sizes by its own header at byte 68");
    let checksum = edited(&|data, local, central| {
        for at in [local[0] + 14, central[0] + 16] {
            data[at..at + 4].fill(0);
        }
    });
    insta::assert_snapshot!(checksum, @"the archive is damaged: the member `a` has another checksum than it should at byte 31 | 2 members");
    let content = edited(&|data, local, _| data[local[0] + 31] = b'0');
    insta::assert_snapshot!(content, @"the archive is damaged: the member `a` has another checksum than it should at byte 31 | the archive is damaged: the member `a` has another checksum than it should at byte 31");
    let before = edited(&|data, _, _| drop(data.splice(..0, *b"#!/bin/sh\n")));
    insta::assert_snapshot!(before, @"the archive is damaged: there is something before it at byte 10 | 2 members");
    let behind = edited(&|data, _, _| data.extend([0; 64]));
    insta::assert_snapshot!(behind, @"the file is damaged or cut off: it is no whole ZIP archive | 2 members");
    let count = edited(&|data, _, _| {
        let at = data.len() - 22;
        (data[at + 8], data[at + 10]) = (1, 1);
    });
    insta::assert_snapshot!(count, @"the archive is damaged: its directory has another length than its end says at byte 115 | the archive is damaged: its directory has another length than its end says at byte 115");
}

#[test]
fn what_expands_to_too_much_is_refused_before_it_is_read() {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    writer.start_file("bomb", options).unwrap();
    for _ in 0..200 {
        writer.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let data = writer.finish().unwrap().into_inner();
    let error = Archive::read(&data, Rules::STRICT, &Limits::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
}

//! Addresses: what is asked for, and what comes of answers.

#![cfg(feature = "remote")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use cannery_core::{ErrorKind, Limits};
use cannery_places::{Input, LocalCopy, Location, Output};
use proptest::prelude::*;

/// The ranges that were asked for.
type Asked = Arc<Mutex<Vec<Option<(usize, usize)>>>>;

/// A server with one file, which notes the ranges that it is asked for.
struct Server {
    address: String,
    asked: Asked,
}

impl Server {
    fn start(data: Vec<u8>, has_ranges: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/folder/rows.bin", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (data, notes) = (Arc::new(data), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (data, notes) = (Arc::clone(&data), Arc::clone(&notes));
                std::thread::spawn(move || answer_all(stream, &data, has_ranges, &notes));
            }
        });
        Self { address, asked }
    }

    fn location(&self) -> Location {
        Location::parse(&self.address)
    }

    fn asked(&self) -> Vec<Option<(usize, usize)>> {
        self.asked.lock().unwrap().clone()
    }
}

fn answer_all(stream: TcpStream, data: &[u8], has_ranges: bool, notes: &Asked) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let mut stream = stream;
    loop {
        let mut range = None;
        loop {
            let line = lines.next()?.ok()?.to_lowercase();
            if let Some((start, end)) =
                line.strip_prefix("range: bytes=").and_then(|range| range.split_once('-'))
            {
                range = Some((start.parse().ok()?, end.parse().ok()?));
            }
            if line.is_empty() {
                break;
            }
        }
        notes.lock().unwrap().push(range);
        let range = range.filter(|_| has_ranges);
        let (status, part) = match range {
            None => ("200 OK".to_owned(), data),
            Some((start, _)) if start >= data.len() => ("416 No".to_owned(), &data[..0]),
            Some((start, end)) => {
                let part = &data[start..data.len().min(end + 1)];
                let last = start + part.len() - 1;
                let total = data.len();
                (format!("206 Part\r\nContent-Range: bytes {start}-{last}/{total}"), part)
            }
        };
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", part.len());
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(part).ok()?;
    }
}

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|i| u8::try_from((i * 31 + i / 255) % 251).unwrap()).collect()
}

#[test]
fn small_files_take_one_request() {
    let server = Server::start(bytes(1000), true);
    assert_eq!(Input::open(&server.location()).unwrap().read_all().unwrap(), bytes(1000));
    assert_eq!(server.asked(), [Some((0, 65535))]);
}

#[test]
fn large_files_come_in_parts_each_once() {
    let data = bytes((9 << 20) + 17);
    let server = Server::start(data.clone(), true);
    let input = Input::open(&server.location()).unwrap();
    assert_eq!(input.size(), Some(data.len() as u64));
    assert!(input.read_all().unwrap() == data);
    let mut asked: Vec<_> = server.asked().into_iter().flatten().collect();
    asked.sort_unstable();
    assert_eq!(asked.len(), 4);
    assert!(asked.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0));
}

#[test]
fn parts_are_asked_for_alone() {
    let data = bytes(1 << 20);
    let server = Server::start(data.clone(), true);
    let input = Input::open(&server.location()).unwrap();
    let source = input.into_source(&Limits::default()).unwrap();
    assert!(source.is_remote());
    let mut out = vec![0; 100];
    source.read_at(500_000, &mut out).unwrap();
    assert_eq!(out, data[500_000..500_100]);
    source.read_at(10, &mut out).unwrap();
    assert_eq!(out, data[10..110]);
    assert_eq!(server.asked(), [Some((0, 65535)), Some((500_000, 500_099))]);
    let beyond = source.read_at(data.len() as u64 - 50, &mut out).unwrap_err();
    assert_eq!(beyond.kind(), ErrorKind::Truncated);
}

#[test]
fn servers_without_parts_are_read_through() {
    let data = bytes(300_000);
    let server = Server::start(data.clone(), false);
    let source = Input::open(&server.location()).unwrap().into_source(&Limits::default()).unwrap();
    let mut out = vec![0; 10];
    source.read_at(299_990, &mut out).unwrap();
    assert_eq!(out, data[299_990..]);
    assert_eq!(server.asked().len(), 1);
    let copy = match server.location() {
        Location::Url(url) => LocalCopy::of(&url).unwrap(),
        _ => unreachable!(),
    };
    assert!(std::fs::read(copy.path()).unwrap() == data);
    assert_eq!(copy.path().file_name().unwrap(), "rows.bin");
}

#[test]
fn empty_files_are_empty() {
    let server = Server::start(Vec::new(), true);
    assert_eq!(Input::open(&server.location()).unwrap().read_all().unwrap(), b"");
}

#[test]
fn compressed_files_are_expanded_on_the_way() {
    let place = Location::parse("memory://packed/rows.txt.gz");
    let mut output = Output::create(&place).unwrap();
    output.write_all(&bytes(500_000)).unwrap();
    assert_eq!(Input::open(&place).err().unwrap().kind(), ErrorKind::NotFound);
    output.finish().unwrap();
    let input = Input::open(&place).unwrap();
    assert!(input.compression().is_some());
    assert!(input.read_all().unwrap() == bytes(500_000));
}

#[test]
fn what_is_not_finished_is_not_there() {
    let place = Location::parse("memory://kept/a");
    let write = |data: &[u8]| {
        let mut output = Output::create(&place).unwrap();
        output.write_all(data).unwrap();
        output
    };
    write(b"old").finish().unwrap();
    drop(write(b"new"));
    drop(write(&bytes(20 << 20)));
    assert_eq!(Input::open(&place).unwrap().read_all().unwrap(), b"old");
    let error = Output::append(&place).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn objects_hold_what_was_written(
        pieces in proptest::collection::vec(0_usize..3_000_000, 0..8),
        ends in proptest::collection::vec((any::<u64>(), 0_usize..5000), 0..10),
    ) {
        let place = Location::parse("memory://written/object");
        let data = bytes(pieces.iter().sum());
        let mut output = Output::create(&place).unwrap();
        let mut rest = &data[..];
        for piece in pieces {
            output.write_all(&rest[..piece]).unwrap();
            rest = &rest[piece..];
        }
        output.finish().unwrap();
        let mut found = Vec::new();
        Input::open(&place).unwrap().into_reader().read_to_end(&mut found).unwrap();
        prop_assert!(found == data);
        let source = Input::open(&place).unwrap().into_source(&Limits::default()).unwrap();
        prop_assert_eq!(source.len(), data.len() as u64);
        for (at, len) in ends {
            let at = at % (data.len() as u64 + 1);
            let mut out = vec![0; len];
            let expected = data[usize::try_from(at).unwrap()..].get(..len);
            let read = source.read_at(at, &mut out).ok().map(|()| &out[..]);
            prop_assert!(read == expected);
        }
    }
}

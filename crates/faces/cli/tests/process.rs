//! The program as a process: pipes, signals, colours.

mod common;

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use common::Folder;

fn cannery(folder: &Folder) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cannery"));
    command.current_dir(folder.root()).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn rows(count: u32) -> String {
    (0..count).fold(String::new(), |rows, i| rows + &format!("{{\"i\": {i}}}\n"))
}

#[test]
fn standard_input_and_output() {
    let folder = Folder::new();
    let mut child = cannery(&folder)
        .args(["convert", "-", "-", "--to", "json"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"{\"a\": 1}\n{\"a\": 2}\n").unwrap();
    let done = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&done.stdout), "[{\"a\":1},{\"a\":2}]\n");
    assert_eq!((done.status.code(), done.stderr), (Some(0), Vec::new()));
}

#[test]
fn a_closed_pipe_ends_it_quietly() {
    let folder = Folder::new();
    folder.write("a.jsonl", rows(200_000));
    let mut child = cannery(&folder).args(["cat", "a.jsonl"]).spawn().unwrap();
    let mut start = [0; 9];
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut start).unwrap();
    drop(out);
    assert_eq!(&start, b"{\"i\":0}\n{");
    let done = child.wait_with_output().unwrap();
    assert_eq!((done.status.code(), String::from_utf8_lossy(&done.stderr).as_ref()), (Some(0), ""));
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_nothing_unfinished() {
    let folder = Folder::new();
    // A pipe that says nothing more keeps the conversion waiting in the middle of its file.
    let mut child =
        cannery(&folder).args(["convert", "-", "b.json"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"[1, 2,").unwrap();
    let names = || std::fs::read_dir(folder.root()).unwrap().count();
    while names() == 0 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let signalled = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(signalled.success());
    let done = child.wait_with_output().unwrap();
    assert_eq!(
        (done.status.code(), String::from_utf8_lossy(&done.stderr).as_ref()),
        (Some(130), "")
    );
    assert_eq!(names(), 0);
}

#[test]
fn no_colours_in_a_pipe() {
    let folder = Folder::new();
    folder.write("a.json", "{\"a\": 1}");
    let done = cannery(&folder).args(["inspect", "a.json", "b.json"]).output().unwrap();
    assert!(!done.stdout.contains(&0x1b) && !done.stderr.contains(&0x1b));
    assert_eq!(done.status.code(), Some(2));
}

#[test]
fn a_missing_interpreter_is_named() {
    let folder = Folder::new();
    let run = |python: &str| {
        let mut command = cannery(&folder);
        let done = command.env("CANNERY_PYTHON", python).args(["run", "a.py"]).output().unwrap();
        (done.status.code(), String::from_utf8(done.stderr).unwrap())
    };
    let (code, message) = run("no-such-python");
    assert_eq!(code, Some(2));
    insta::assert_snapshot!(message, @r"
    error: cannot start `no-such-python`: No such file or directory (os error 2)
    hint: install Python, or name its interpreter in `CANNERY_PYTHON`
    ");
    // It ignores its arguments and ends as an interpreter without the package does.
    folder.write("python", "#!/bin/sh\nexit 127\n");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let path = folder.path("python");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        insta::assert_snapshot!(run("./python").1, @r"
        error: `./python` does not have the package `cannery`
        hint: `pip install cannery`, or name another interpreter in `CANNERY_PYTHON`
        ");
    }
}

/// Feeds to a conversion `start`, `piece` until `size` bytes went in, and `end`; returns the most
/// memory that it had until then, in kB.
#[cfg(target_os = "linux")]
fn peak_memory(args: &[&str], [start, piece, end]: [&[u8]; 3], size: usize) -> u64 {
    let folder = Folder::new();
    let mut command = cannery(&folder);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(start).unwrap();
    for _ in 0..size / piece.len() {
        stdin.write_all(piece).unwrap();
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    stdin.write_all(end).unwrap();
    drop(stdin);
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(0));
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn a_long_stream_takes_no_more_memory_than_a_short_one() {
    let lines = rows(1000);
    let (lines, documents) = (lines.as_bytes(), lines.replace('{', "---\n{"));
    let packed = [&b"\x82\xa1i\x01\xa4text\xa5hello"[..]; 1000].concat();
    let items = b",{\"a\": [1, 2]}".repeat(1000);
    let cases: [(&str, [&[u8]; 3], &str); 7] = [
        ("jsonl", [b"", lines, b""], "yaml"),
        ("jsonl", [b"", lines, b""], "msgpack"),
        ("yaml", [b"", documents.as_bytes(), b""], "jsonl"),
        ("yaml", [b"", documents.as_bytes(), b""], "msgpack"),
        ("msgpack", [b"", &packed, b""], "jsonl"),
        ("msgpack", [b"", &packed, b""], "yaml"),
        ("json", [b"[0", &items, b"]"], "jsonl"),
    ];
    for (from, parts, to) in cases {
        let args = ["convert", "--from", from, "--to", to, "-", "-"];
        let [short, long] = [1, 6].map(|mb| peak_memory(&args, parts, mb << 20));
        assert!(long < short + 1024, "{from} to {to}: {short} kB, then {long} kB");
    }
}

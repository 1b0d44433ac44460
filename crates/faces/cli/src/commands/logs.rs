//! `cannery logs`: what steps have printed.

use std::collections::HashSet;
use std::io::Read as _;
use std::thread;
use std::time::Duration;

use cannery::{Error, ErrorKind, Value, printable_lines};
use cannery_store::{RunId, RunStatus, StepRecord, StepStatus, Store};

use super::printing::{object, print_json};
use super::stores;
use crate::args::LogsArgs;
use crate::failure::Failure;
use crate::{Console, ExitStatus};

/// How often it is looked whether a step has printed more.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// Bytes that are read at once; an escaped text is a few times as long.
const CHUNK: u64 = 1 << 20;

pub(crate) fn logs(args: &LogsArgs, console: &mut Console<'_>) -> Result<ExitStatus, Failure> {
    let store = stores::open(&args.store)?;
    let steps = steps(&store, args)?;
    if args.store.json {
        let steps: Result<Vec<_>, Failure> =
            steps.iter().map(|step| log_value(&store, step)).collect();
        print_json(&steps?.into_iter().collect::<Value>(), console)?;
        return Ok(ExitStatus::Success);
    }
    let is_run = !args.last && args.target.len() == 1;
    let is_titled = steps.len() != 1 || (is_run && args.follow);
    let mut steps = steps;
    let mut printed = HashSet::new();
    loop {
        // Before the steps are listed: none begins after its end.
        let is_over = !is_run || !args.follow || has_ended(&store, &steps, args)?;
        for step in &steps {
            if printed.insert(step.id) {
                if is_titled {
                    console.line(format_args!("== {}", step.label()))?;
                }
                print(&store, step, args.follow, console)?;
            }
        }
        if is_over {
            return Ok(ExitStatus::Success);
        }
        console.flush()?;
        thread::sleep(POLL_INTERVAL);
        steps = self::steps(&store, args)?;
    }
}

/// Whether no further step of a run will begin.
fn has_ended(store: &Store, steps: &[StepRecord], args: &LogsArgs) -> Result<bool, Failure> {
    let run = match steps.first() {
        Some(step) => step.run,
        None => args.target[0].parse().map_or(RunId(0), RunId),
    };
    Ok(store.run(run)?.status != RunStatus::Running)
}

/// The steps that are meant.
fn steps(store: &Store, args: &LogsArgs) -> Result<Vec<StepRecord>, Failure> {
    let (first, second) = (&args.target[0], args.target.get(1));
    if args.last {
        if second.is_some() {
            let message = "`--last` takes the name of a step alone";
            return Err(Error::new(ErrorKind::Value, message).into());
        }
        return Ok(vec![store.last_step(first)?]);
    }
    let run = first.parse().map(RunId).map_err(|_| {
        Error::new(ErrorKind::Value, format!("`{first}` is no number of a run"))
            .with_hint(format!("`cannery logs --last {first}`, if it is the name of a step"))
    })?;
    store.run(run)?;
    let mut steps = store.steps(run)?;
    let Some(wanted) = second else { return Ok(steps) };
    let labels: Vec<_> = steps.iter().map(StepRecord::label).collect();
    steps.retain(|step| step.label() == *wanted);
    if steps.is_empty() {
        let message = format!("run {run} has no step `{wanted}`");
        let hint = format!("its steps are: {}", labels.join(", "));
        return Err(Error::new(ErrorKind::NotFound, message).with_hint(hint).into());
    }
    Ok(steps)
}

/// The step that ran, for one whose result was known.
fn that_ran(store: &Store, step: &StepRecord) -> Result<StepRecord, Failure> {
    let found = if step.cached { store.execution_found_by(step)? } else { None };
    Ok(found.unwrap_or_else(|| step.clone()))
}

fn print(
    store: &Store,
    step: &StepRecord,
    follow: bool,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let mut ran = that_ran(store, step)?;
    if ran.id != step.id {
        let label = step.label();
        console.note(format_args!("`{label}` was cached; printed when it ran in run {}:", ran.run));
    }
    let (mut read, mut left) = (0, Vec::new());
    loop {
        // Before the log is read: nothing is added after its end.
        let is_running = ran.status == StepStatus::Running;
        while let Some(chunk) = chunk(store, &ran, read)? {
            read += chunk.len() as u64;
            left.extend_from_slice(&chunk);
            let end = left.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            let end = if end == 0 && left.len() as u64 > CHUNK { left.len() } else { end };
            let lines: Vec<u8> = left.drain(..end).collect();
            print_lines(&lines, console)?;
        }
        if !is_running || !follow {
            break;
        }
        console.flush()?;
        thread::sleep(POLL_INTERVAL);
        ran = store.step(ran.id)?;
    }
    print_lines(&left, console)
}

fn print_lines(bytes: &[u8], console: &mut Console<'_>) -> Result<(), Failure> {
    if bytes.is_empty() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let lines: Vec<_> = text.split('\n').map(as_left).collect();
    console.lines(printable_lines(&lines.join("\n")))
}

/// A line as a terminal would leave it: without colours, and of what was written over and over
/// again, as by a progress bar, the last.
fn as_left(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("\u{1b}[") {
        let code = &rest[at + 2..];
        let end = code.find(|c: char| !c.is_ascii_digit() && c != ';');
        let Some(end) = end.filter(|end| matches!(code.as_bytes()[*end], b'm' | b'K')) else {
            plain.push_str(&rest[..at + 2]);
            rest = code;
            continue;
        };
        plain.push_str(&rest[..at]);
        rest = &code[end + 1..];
    }
    plain.push_str(rest);
    let last = plain.split('\r').rfind(|part| !part.is_empty());
    last.unwrap_or_default().to_owned()
}

fn chunk(store: &Store, step: &StepRecord, from: u64) -> Result<Option<Vec<u8>>, Failure> {
    let Some(log) = store.step_log(step, from)? else { return Ok(None) };
    let mut bytes = Vec::new();
    log.take(CHUNK)
        .read_to_end(&mut bytes)
        .map_err(|error| Error::io(error, "cannot read the step's log"))?;
    Ok(Some(bytes).filter(|bytes| !bytes.is_empty()))
}

fn log_value(store: &Store, step: &StepRecord) -> Result<Value, Failure> {
    let ran = that_ran(store, step)?;
    let mut bytes = Vec::new();
    while let Some(chunk) = chunk(store, &ran, bytes.len() as u64)? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(object([
        ("run", step.run.0.into()),
        ("step", step.label().into()),
        ("ran_in", ran.run.0.into()),
        ("log", String::from_utf8_lossy(&bytes).into_owned().into()),
    ]))
}

#[cfg(test)]
mod tests {
    use super::as_left;

    #[test]
    fn lines_are_told_as_a_terminal_leaves_them() {
        let cases = [
            ("plain", "plain"),
            ("\r 10%\r 20%\r 30%", " 30%"),
            ("done\r", "done"),
            ("\u{1b}[31mred\u{1b}[0m and \u{1b}[1;32mgreen", "red and green"),
            ("\u{1b}[2J clears", "\u{1b}[2J clears"),
            ("\u{1b}[", "\u{1b}["),
            ("", ""),
        ];
        for (line, left) in cases {
            assert_eq!(as_left(line), left, "{line:?}");
        }
    }
}

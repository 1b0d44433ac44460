//! Executes steps in worker processes, which need the store and a task and nothing else.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::outcome::interrupted;
use crate::task::reply_from_bytes;
use crate::wire::{read_frame, write_frame};
use crate::{Deadline, Error, ErrorKind, Executor, Outputs, Result, StepJob, Task};

/// How often it is looked whether the run was stopped, time is over, or something was printed.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Bytes of a log that are handed on at once.
const CHUNK: u64 = 1 << 16;

/// How a worker process is started: a program that calls [`serve`](crate::serve).
#[derive(Clone, Debug)]
pub struct WorkerCommand {
    /// The program.
    pub program: OsString,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// What it is told first: whatever its host needs to find the code.
    pub setup: Vec<u8>,
}

/// Executes steps in worker processes: as many as there are steps at a time, each used again.
///
/// A step that has not ended at its deadline, or when the run is stopped, is ended with its
/// process and all that this has started.
pub struct Processes {
    command: WorkerCommand,
    idle: Mutex<Vec<Worker>>,
    /// The processes, idle or not.
    started: Mutex<Vec<Arc<Process>>>,
}

struct Worker {
    process: Arc<Process>,
    to: ChildStdin,
    replies: Receiver<Vec<u8>>,
}

impl Processes {
    /// Workers that are started in this way, when they are needed.
    #[must_use]
    pub fn new(command: WorkerCommand) -> Self {
        Self { command, idle: Mutex::default(), started: Mutex::default() }
    }

    fn worker(&self) -> Result<Worker> {
        match lock(&self.idle).pop() {
            Some(worker) => Ok(worker),
            None => self.start(),
        }
    }

    fn start(&self) -> Result<Worker> {
        let program = Path::new(&self.command.program).display();
        let mut command = Command::new(&self.command.program);
        command.args(&self.command.arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        in_own_group(&mut command);
        let mut child = command
            .spawn()
            .map_err(|error| Error::io(error, format!("cannot start a worker with `{program}`")))?;
        let (to, from) = (child.stdin.take(), child.stdout.take());
        let process = Arc::new(Process(Mutex::new(child)));
        lock(&self.started).push(Arc::clone(&process));
        let (Some(mut to), Some(mut from)) = (to, from) else { return Err(process.lost()) };
        let (sender, replies) = channel();
        // Ends with the process, whose end of the pipe it reads.
        thread::Builder::new()
            .name("cannery replies".to_owned())
            .spawn(move || {
                while let Ok(Some(reply)) = read_frame(&mut from) {
                    if sender.send(reply).is_err() {
                        break;
                    }
                }
            })
            .map_err(|error| Error::io(error, "cannot start a thread"))?;
        write_frame(&mut to, &self.command.setup).map_err(|_| process.lost())?;
        Ok(Worker { process, to, replies })
    }

    /// Waits for a worker's reply; a worker that is not waited for to the end is ended.
    fn reply(worker: &Worker, job: &StepJob<'_>, log: &mut LogTail<'_>) -> Result<Vec<u8>> {
        loop {
            match worker.replies.recv_timeout(POLL_INTERVAL) {
                Ok(reply) => return Ok(reply),
                Err(RecvTimeoutError::Disconnected) => return Err(worker.process.lost()),
                Err(RecvTimeoutError::Timeout) => {}
            }
            log.hand_on();
            if job.context.is_cancelled() {
                return Err(interrupted());
            }
            job.body.poll()?;
            if let Some(deadline) = job.deadline.filter(Deadline::has_passed) {
                return Err(deadline.exceeded("and was ended"));
            }
        }
    }
}

impl Executor for Processes {
    fn execute(&self, job: &StepJob<'_>) -> Result<Outputs> {
        let body = job.body.task(job.context)?;
        let task = Task::new(body, job.key_parts, job.context)?;
        let bytes = task.to_bytes()?;
        let mut log =
            LogTail { path: &task.log, read: log_length(&task.log), printed: job.printed };
        let mut worker = self.worker()?;
        let sent = write_frame(&mut worker.to, &bytes).map_err(|_| worker.process.lost());
        let reply = sent.and_then(|()| Self::reply(&worker, job, &mut log));
        log.hand_on();
        if reply.is_err() {
            worker.process.kill();
        }
        let reply = reply_from_bytes(&reply?)?;
        lock(&self.idle).push(worker);
        match reply {
            Ok(outputs) => {
                job.body.take_notes(&outputs.notes)?;
                Ok(outputs)
            }
            Err((error, of_host)) => Err(job.body.error_from_bytes(&of_host).unwrap_or(error)),
        }
    }

    fn can_end_steps(&self) -> bool {
        true
    }

    fn shut_down(&self) {
        // An idle worker ends when its input does.
        lock(&self.idle).clear();
        for process in std::mem::take(&mut *lock(&self.started)) {
            process.kill();
        }
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        self.shut_down();
    }
}

impl fmt::Debug for Processes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Processes({:?})", self.command.program)
    }
}

struct Process(Mutex<Child>);

impl Process {
    /// Ends the process and what it has started, and waits for its end.
    fn kill(&self) {
        let mut child = lock(&self.0);
        if child.try_wait().is_ok_and(|status| status.is_none()) {
            kill_group(&mut child);
        }
        // It was killed: there is nothing to learn from its end.
        let _ = child.wait();
    }

    /// Why a worker does not answer any more.
    #[cold]
    fn lost(&self) -> Error {
        let mut child = lock(&self.0);
        // Its end of the pipe is closed a moment before it has ended.
        let ended = (0..100).find_map(|_| {
            let status = child.try_wait().ok().flatten();
            if status.is_none() {
                thread::sleep(Duration::from_millis(10));
            }
            status
        });
        let how = ended.map_or_else(|| "closed its output".to_owned(), describe);
        let hint = "`cannery logs` shows what the step printed; where memory is short, the system \
                    kills the largest process";
        Error::new(ErrorKind::Worker, format!("its worker process {how}")).with_hint(hint)
    }
}

/// What a step prints, handed on as it comes.
struct LogTail<'a> {
    path: &'a Path,
    read: u64,
    printed: &'a (dyn Fn(&[u8]) + Sync),
}

impl LogTail<'_> {
    /// Hands on what is new. A log that cannot be read is kept all the same.
    fn hand_on(&mut self) {
        if log_length(self.path) <= self.read {
            return;
        }
        let Ok(mut file) = File::open(self.path) else { return };
        if file.seek(SeekFrom::Start(self.read)).is_err() {
            return;
        }
        loop {
            let mut chunk = Vec::new();
            match (&mut file).take(CHUNK).read_to_end(&mut chunk) {
                Ok(count) if count > 0 => {
                    self.read += count as u64;
                    (self.printed)(&chunk);
                }
                _ => return,
            }
        }
    }
}

fn log_length(path: &Path) -> u64 {
    path.metadata().map_or(0, |found| found.len())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(unix)]
fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;

    match status.signal() {
        Some(signal) => format!("was killed by signal {signal}"),
        None => format!("ended with {status}"),
    }
}

#[cfg(not(unix))]
fn describe(status: ExitStatus) -> String {
    format!("ended with {status}")
}

/// Leaves Ctrl-C to this process, and lets all that a worker starts be ended with it.
#[cfg(unix)]
fn in_own_group(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;

    command.process_group(0);
}

#[cfg(not(unix))]
fn in_own_group(_: &mut Command) {}

#[cfg(unix)]
fn kill_group(child: &mut Child) {
    use rustix::process::{Pid, Signal, kill_process_group};

    // It has not been waited for, so its number is still its own.
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

#[cfg(not(unix))]
fn kill_group(child: &mut Child) {
    let _ = child.kill();
}

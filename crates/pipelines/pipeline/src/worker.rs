//! The other end of [`Processes`](crate::Processes): a process that does tasks.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use cannery_store::Store;

use crate::task::{Reply, reply_to_bytes, resolve};
use crate::wire::{read_frame, write_frame};
use crate::{Error, ErrorKind, Outputs, Result, StepBody, StepContext, Task, usage};

/// Does the tasks that come in on standard input, until it ends, and answers on standard output.
///
/// `begin` is told what the host was to be told first, and opens the store; `find` gives the body
/// of a task's step. What steps print goes to their logs, and what is printed between them to
/// standard error. When the process that reads the answers is gone, this one ends in the midst of
/// a step.
///
/// # Errors
/// Those of `begin`, and those of the pipes.
pub fn serve<B: StepBody>(
    begin: impl FnOnce(&[u8]) -> Result<Store>,
    find: impl Fn(&Task) -> Result<B>,
) -> Result<()> {
    let pipes =
        Pipes::take().map_err(|error| Error::io(error, "cannot take the worker's pipes"))?;
    let (tasks, mut answers) = (read_ahead(pipes.tasks), pipes.answers);
    let Ok(setup) = tasks.recv() else { return Ok(()) };
    let store = begin(&setup)?.held();
    while let Ok(bytes) = tasks.recv() {
        let reply = Task::from_bytes(&bytes)
            .map_err(|error| (error, Vec::new()))
            .and_then(|task| perform(&store, &task, &find));
        let answer =
            reply_to_bytes(&reply).or_else(|error| reply_to_bytes(&Err((error, Vec::new()))))?;
        if write_frame(&mut answers, &answer).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

fn perform<B: StepBody>(store: &Store, task: &Task, find: &impl Fn(&Task) -> Result<B>) -> Reply {
    let printed = PrintsTo::begin(&task.log);
    printed.map_err(|error| (error, Vec::new())).and_then(|_prints| {
        let body = find(task).map_err(|error| (error, Vec::new()))?;
        execute(store, task, &body).map_err(|error| {
            let of_host = body.error_to_bytes(&error);
            (error, of_host)
        })
    })
}

fn execute(store: &Store, task: &Task, body: &dyn StepBody) -> Result<Outputs> {
    let inputs = task.inputs.iter();
    let arguments = inputs.map(|(name, input)| Ok((name.clone(), resolve(store, input)?)));
    let (run, name) = ((task.run, "".into()), (task.step.clone(), task.invocation));
    let arguments = arguments.collect::<Result<_>>()?;
    let context = StepContext::new(store.clone(), run, name, arguments, Arc::default())
        .in_worker(task.output.clone(), task.log.clone());
    task.check_parts(&body.key_parts(&context)?)?;
    let measuring = usage::Measuring::of_process();
    let mut outputs = crate::execute::contain_panic(|| body.execute(&context))?;
    outputs.usage = measuring.usage();
    Ok(outputs)
}

/// Reads tasks while one is done, to hear when the other end is gone.
fn read_ahead(mut from: File) -> Receiver<Vec<u8>> {
    let (sender, tasks) = channel();
    thread::spawn(move || {
        while let Ok(Some(task)) = read_frame(&mut from) {
            if sender.send(task).is_err() {
                return;
            }
        }
        // There is none to answer to.
        std::process::exit(0);
    });
    tasks
}

struct Pipes {
    tasks: File,
    answers: File,
}

#[cfg(unix)]
impl Pipes {
    /// Keeps what leads to the other end out of the reach of steps.
    fn take() -> std::io::Result<Self> {
        use rustix::io::fcntl_dupfd_cloexec;
        use rustix::stdio;

        let tasks = fcntl_dupfd_cloexec(stdio::stdin(), 3)?;
        let answers = fcntl_dupfd_cloexec(stdio::stdout(), 3)?;
        stdio::dup2_stdin(File::open("/dev/null")?)?;
        stdio::dup2_stdout(stdio::stderr())?;
        Ok(Self { tasks: tasks.into(), answers: answers.into() })
    }
}

/// Lets all that the process prints go to a file.
struct PrintsTo {
    #[cfg(unix)]
    before: std::os::fd::OwnedFd,
}

#[cfg(unix)]
impl PrintsTo {
    fn begin(log: &Path) -> Result<Self> {
        use rustix::io::fcntl_dupfd_cloexec;
        use rustix::stdio;

        let cannot = |error| Error::io(error, format!("cannot write the log `{}`", log.display()));
        let file = File::options().append(true).create(true).open(log).map_err(cannot)?;
        let before = fcntl_dupfd_cloexec(stdio::stderr(), 3).map_err(|e| cannot(e.into()))?;
        std::io::stdout().flush().map_err(cannot)?;
        stdio::dup2_stdout(&file).map_err(|error| cannot(error.into()))?;
        stdio::dup2_stderr(&file).map_err(|error| cannot(error.into()))?;
        Ok(Self { before })
    }
}

#[cfg(unix)]
impl Drop for PrintsTo {
    fn drop(&mut self) {
        use rustix::stdio;

        let _ = std::io::stdout().flush();
        // Where it fails, what is printed between steps goes to the last one's log.
        let _ = stdio::dup2_stdout(&self.before);
        let _ = stdio::dup2_stderr(&self.before);
    }
}

#[cfg(not(unix))]
impl Pipes {
    fn take() -> std::io::Result<Self> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
}

#[cfg(not(unix))]
impl PrintsTo {
    fn begin(_: &Path) -> Result<Self> {
        Ok(Self {})
    }
}

/// A task that cannot be done by this process.
#[must_use]
pub fn no_such_step(task: &Task) -> Error {
    let message = format!("`{}` has no step `{}`", task.body.module, task.body.function);
    Error::new(ErrorKind::NotFound, message)
}

//! A step's call as data: what a worker needs besides the store.

use std::path::PathBuf;

use cannery_store::{ArtifactId, ArtifactRecord, Description, Digest, Observation, RunId, Usage};

use crate::body::OutputSource;
use crate::wire::{FieldReader, Fields};
use crate::{Argument, Error, ErrorKind, KeyParts, Output, Outputs, Result, StepContext};

/// What of a step's call only its host knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskBody {
    /// Where the step's function is defined; of a Rust step, the name of its registry.
    pub module: String,
    /// Its qualified name there, or the name it is registered by.
    pub function: String,
    /// The ids of the materializers that were chosen for it.
    pub materializers: Vec<String>,
    /// The parameters and options, as the host writes them.
    pub payload: Vec<u8>,
}

/// An input of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskInput {
    /// A stored artifact, and the digest of its content.
    Artifact(ArtifactId, Digest),
    /// A parameter's bytes.
    Literal(Vec<u8>),
}

/// A step's call as data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The run it belongs to.
    pub run: RunId,
    /// The step's name.
    pub step: String,
    /// 1 for the first step of this name in the run, 2 for the next, ...
    pub invocation: u32,
    /// What its host knows of it.
    pub body: TaskBody,
    /// Its inputs, by argument.
    pub inputs: Vec<(String, TaskInput)>,
    /// What its cache key was made of: a worker whose code has other parts must not do it.
    pub key_parts: Vec<(String, Digest)>,
    /// A folder for its outputs.
    pub output: PathBuf,
    /// The file that what it prints is added to.
    pub log: PathBuf,
}

impl Task {
    /// The task of a step that is about to run.
    pub(crate) fn new(body: TaskBody, parts: &KeyParts, context: &StepContext) -> Result<Self> {
        let input = |argument: &Argument| match argument {
            Argument::Artifact(artifact) => TaskInput::Artifact(artifact.id, artifact.digest),
            Argument::Literal(bytes) => TaskInput::Literal(bytes.to_vec()),
        };
        let inputs = context.arguments.iter();
        Ok(Self {
            run: context.run,
            step: context.name.clone(),
            invocation: context.invocation,
            body,
            inputs: inputs.map(|(name, argument)| (name.clone(), input(argument))).collect(),
            key_parts: parts.digests(),
            output: context.output_folder()?,
            log: context.log_path()?,
        })
    }

    /// Refuses to go on where the code is another than the one that the key was made of.
    pub(crate) fn check_parts(&self, found: &KeyParts) -> Result<()> {
        let found = found.digests();
        let of_code = |parts: &[(String, Digest)], label: &str| {
            parts.iter().find(|(name, _)| name == label).map(|(_, digest)| *digest)
        };
        let labels = found.iter().chain(&self.key_parts).map(|(label, _)| label);
        let mut changed =
            labels.filter(|label| of_code(&found, label) != of_code(&self.key_parts, label));
        let Some(label) = changed.next() else { return Ok(()) };
        let message = format!(
            "a worker process finds another `{label}` of step `{}` than the process that runs the \
             pipeline",
            self.step
        );
        Err(Error::new(ErrorKind::Conflict, message).with_hint(
            "code or variables were changed after they were imported, which workers do not see: \
             set them where their module does, or use `executor=\"threads\"`",
        ))
    }

    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut fields = Fields::default();
        fields.number(self.run.0.cast_unsigned()).text(&self.step);
        fields.number(self.invocation.into()).text(&self.body.module).text(&self.body.function);
        fields.list(&self.body.materializers, |fields, id| {
            fields.text(id);
        });
        fields.bytes(&self.body.payload);
        fields.list(&self.inputs, |fields, (name, input)| {
            match input {
                TaskInput::Artifact(id, digest) => {
                    fields.text(name).number(0).number(id.0.cast_unsigned()).digest(digest)
                }
                TaskInput::Literal(bytes) => fields.text(name).number(1).bytes(bytes),
            };
        });
        fields.list(&self.key_parts, |fields, (label, digest)| {
            fields.text(label).digest(digest);
        });
        fields.text(path_text(&self.output)?).text(path_text(&self.log)?);
        Ok(fields.finish())
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut fields = FieldReader::new(bytes);
        let task = Self::read(&mut fields).ok_or_else(not_understood)?;
        fields.end().map(|()| task).ok_or_else(not_understood)
    }

    fn read(fields: &mut FieldReader<'_>) -> Option<Self> {
        let run = RunId(fields.number()?.cast_signed());
        let step = fields.text()?;
        let invocation = u32::try_from(fields.number()?).ok()?;
        let (module, function) = (fields.text()?, fields.text()?);
        let materializers = fields.list(FieldReader::text)?;
        let payload = fields.bytes()?.to_vec();
        let inputs = fields.list(|fields| {
            let (name, kind) = (fields.text()?, fields.number()?);
            let input = if kind == 0 {
                TaskInput::Artifact(ArtifactId(fields.number()?.cast_signed()), fields.digest()?)
            } else {
                TaskInput::Literal(fields.bytes()?.to_vec())
            };
            Some((name, input))
        })?;
        let key_parts = fields.list(|fields| Some((fields.text()?, fields.digest()?)))?;
        let (output, log) = (fields.text()?.into(), fields.text()?.into());
        let body = TaskBody { module, function, materializers, payload };
        Some(Self { run, step, invocation, body, inputs, key_parts, output, log })
    }
}

/// How a worker ended a task: what came out, or the error and what the host says of it.
pub(crate) type Reply = Result<Outputs, (Error, Vec<u8>)>;

const KINDS: [ErrorKind; 22] = [
    ErrorKind::Syntax,
    ErrorKind::Truncated,
    ErrorKind::Encoding,
    ErrorKind::Type,
    ErrorKind::Value,
    ErrorKind::Unsupported,
    ErrorKind::Cycle,
    ErrorKind::Reference,
    ErrorKind::Depth,
    ErrorKind::Limit,
    ErrorKind::Untrusted,
    ErrorKind::Corrupt,
    ErrorKind::Version,
    ErrorKind::NotFound,
    ErrorKind::Conflict,
    ErrorKind::Permission,
    ErrorKind::Io,
    ErrorKind::Interrupted,
    ErrorKind::Memory,
    ErrorKind::Timeout,
    ErrorKind::Worker,
    ErrorKind::Host,
];

pub(crate) fn reply_to_bytes(reply: &Reply) -> Result<Vec<u8>> {
    let mut fields = Fields::default();
    match reply {
        Ok(outputs) => write_outputs(fields.number(0), outputs)?,
        Err((error, of_host)) => {
            let kind = KINDS.iter().position(|kind| *kind == error.kind());
            fields.number(1).number(kind.unwrap_or(KINDS.len() - 1) as u64);
            fields.text(error.message()).text(error.hint().unwrap_or_default()).bytes(of_host);
        }
    }
    Ok(fields.finish())
}

fn write_outputs(fields: &mut Fields, outputs: &Outputs) -> Result<()> {
    fields.number(outputs.items.len() as u64);
    for Output { name, source, about } in &outputs.items {
        fields.text(name);
        match source {
            OutputSource::Folder(path) => fields.number(0).text(path_text(path)?),
            OutputSource::File(path) => fields.number(1).text(path_text(path)?),
            OutputSource::Bytes(file, bytes) => fields.number(2).text(file).bytes(bytes),
        };
        fields.text(&about.type_name).text(&about.format).text(&about.metadata);
    }
    fields.list(&outputs.observations, |fields, seen| {
        fields.text(&seen.label).text(&seen.state);
    });
    let cpu = outputs.usage.cpu.map_or(0, |cpu| u64::try_from(cpu.as_micros()).unwrap_or(0));
    fields.number(cpu).number(outputs.usage.memory.unwrap_or(0)).bytes(&outputs.notes);
    Ok(())
}

pub(crate) fn reply_from_bytes(bytes: &[u8]) -> Result<Reply> {
    let mut fields = FieldReader::new(bytes);
    let reply = read_reply(&mut fields).ok_or_else(not_understood)?;
    fields.end().map(|()| reply).ok_or_else(not_understood)
}

fn read_reply(fields: &mut FieldReader<'_>) -> Option<Reply> {
    if fields.number()? == 0 {
        return read_outputs(fields).map(Ok);
    }
    let kind = *KINDS.get(usize::try_from(fields.number()?).ok()?)?;
    let (message, hint) = (fields.text()?, fields.text()?);
    let error = Error::new(kind, message);
    let error = if hint.is_empty() { error } else { error.with_hint(hint) };
    Some(Err((error, fields.bytes()?.to_vec())))
}

fn read_outputs(fields: &mut FieldReader<'_>) -> Option<Outputs> {
    let outputs = fields.list(|fields| {
        let name = fields.text()?;
        let source = match fields.number()? {
            0 => OutputSource::Folder(fields.text()?.into()),
            1 => OutputSource::File(fields.text()?.into()),
            _ => OutputSource::Bytes(fields.text()?, fields.bytes()?.to_vec()),
        };
        let about = Description::new(fields.text()?, fields.text()?);
        Some(Output { name, source, about: about.with_metadata(fields.text()?) })
    })?;
    let observations =
        fields.list(|fields| Some(Observation { label: fields.text()?, state: fields.text()? }))?;
    let (cpu, memory) = (fields.number()?, fields.number()?);
    let usage = Usage {
        cpu: (cpu > 0).then(|| std::time::Duration::from_micros(cpu)),
        memory: (memory > 0).then_some(memory),
    };
    Some(Outputs { items: outputs, observations, usage, notes: fields.bytes()?.to_vec() })
}

/// The artifact of an input, as the task's run knew it.
pub(crate) fn resolve(store: &cannery_store::Store, input: &TaskInput) -> Result<Argument> {
    match input {
        TaskInput::Literal(bytes) => Ok(Argument::Literal(bytes.as_slice().into())),
        TaskInput::Artifact(id, digest) => {
            let artifact: ArtifactRecord = store.artifact_by_id(*id)?;
            if artifact.digest != *digest {
                let message = format!("artifact `{}` is not the one of the task", artifact.name);
                return Err(Error::new(ErrorKind::Conflict, message));
            }
            Ok(Argument::Artifact(Box::new(artifact)))
        }
    }
}

fn path_text(path: &std::path::Path) -> Result<&str> {
    path.to_str().ok_or_else(|| {
        let message = format!("no UTF-8 path: `{}`", path.display());
        Error::new(ErrorKind::Unsupported, message).with_hint(
            "worker processes need a store in a folder with a UTF-8 name; threads do not",
        )
    })
}

#[cold]
fn not_understood() -> Error {
    Error::new(ErrorKind::Worker, "a worker process and this one do not understand each other")
        .with_hint("both must have the same release of cannery")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task() -> Task {
        Task {
            run: RunId(3),
            step: "train".into(),
            invocation: 2,
            body: TaskBody {
                module: "flow".into(),
                function: "train".into(),
                materializers: vec!["m/1".into()],
                payload: vec![0, 255],
            },
            inputs: vec![
                ("x".into(), TaskInput::Artifact(ArtifactId(7), Digest::of(b"x"))),
                ("y".into(), TaskInput::Literal(b"1".to_vec())),
            ],
            key_parts: vec![("code".into(), Digest::of(b"code"))],
            output: "/tmp/o".into(),
            log: "/tmp/l".into(),
        }
    }

    #[test]
    fn a_task_reads_back_and_a_torn_one_is_refused() {
        let bytes = task().to_bytes().unwrap();
        assert_eq!(Task::from_bytes(&bytes).unwrap(), task());
        for end in 0..bytes.len() {
            assert_eq!(Task::from_bytes(&bytes[..end]).unwrap_err().kind(), ErrorKind::Worker);
        }
    }

    #[test]
    fn replies_read_back() {
        let outputs = Outputs::from(Output::folder("/tmp/o/0", Description::new("str", "t/1")))
            .with(Output::bytes("a", b"b", Description::new("int", "i/1")).named("second"))
            .observed("file a", "1");
        let bytes = reply_to_bytes(&Ok(outputs.clone())).unwrap();
        assert_eq!(reply_from_bytes(&bytes).unwrap().unwrap(), outputs);
        for kind in KINDS {
            let error = Error::new(kind, "wrong").with_hint("right");
            let bytes = reply_to_bytes(&Err((error, vec![1]))).unwrap();
            let (error, of_host) = reply_from_bytes(&bytes).unwrap().unwrap_err();
            assert_eq!(
                (error.kind(), error.message(), error.hint()),
                (kind, "wrong", Some("right"))
            );
            assert_eq!(of_host, [1]);
        }
    }

    #[test]
    fn other_code_is_refused_and_named() {
        let same = KeyParts::new().with("code", "code");
        task().check_parts(&same).unwrap();
        for other in [KeyParts::new().with("code", "other"), KeyParts::new(), same.with("more", "")]
        {
            assert_eq!(task().check_parts(&other).unwrap_err().kind(), ErrorKind::Conflict);
        }
        insta::assert_snapshot!(
            task().check_parts(&KeyParts::new().with("code", "other")).unwrap_err(),
            @"a worker process finds another `code` of step `train` than the process that runs the pipeline"
        );
    }
}

//! `cannery runs` and `cannery why`: what was run, and why.

use cannery::{Value, printable, printable_lines, size_name};
use cannery_lineage::change_value;
use cannery_pipeline::{Explanation, Reason};
use cannery_store::{
    ArtifactRecord, RunFilter, RunId, RunRecord, RunStatus, StepRecord, Store, Timestamp,
};

use super::printing::{json_value, object, print_json, style_of};
use super::stores;
use crate::args::{RunsArgs, WhyArgs};
use crate::failure::Failure;
use crate::style::Style;
use crate::table::{Cell, Cut, Table};
use crate::{Console, ExitStatus};
use cannery_lineage::seconds;

pub(crate) fn runs(args: &RunsArgs, console: &mut Console<'_>) -> Result<ExitStatus, Failure> {
    let store = stores::open(&args.store)?;
    match args.run {
        Some(run) => show_run(&store, RunId(run), args.store.json, console)?,
        None => list(&store, args, console)?,
    }
    Ok(ExitStatus::Success)
}

fn list(store: &Store, args: &RunsArgs, console: &mut Console<'_>) -> Result<(), Failure> {
    let mut filter = RunFilter::default().limit(args.limit);
    if let Some(pipeline) = &args.pipeline {
        filter = filter.pipeline(pipeline);
    }
    if let Some(tag) = &args.tag {
        filter = filter.tag(tag);
    }
    if let Some(status) = &args.status {
        filter = filter.status(status.parse::<RunStatus>()?);
    }
    let runs = store.runs(&filter)?;
    if args.store.json {
        return print_json(&runs.iter().map(run_value).collect::<Value>(), console);
    }
    let header = ["RUN", "PIPELINE", "STATUS", "STARTED (UTC)", "DURATION", "ERROR"];
    let cuts = [Cut::No, Cut::Middle, Cut::No, Cut::No, Cut::No, Cut::End];
    let mut table = Table::new(header).cut(cuts);
    for run in &runs {
        let status = run.status.as_str();
        table.row([
            run.id.to_string().into(),
            Cell::styled(&run.pipeline, Style::Strong),
            Cell::styled(status, style_of(status)),
            short_moment(run.started).into(),
            run.duration().map(seconds).unwrap_or_default().into(),
            first_line(run.error.as_deref()).into(),
        ]);
    }
    table.print("no runs", console)
}

fn show_run(
    store: &Store,
    id: RunId,
    json: bool,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let (run, steps) = (store.run(id)?, store.steps(id)?);
    let mut outputs = Vec::new();
    for step in &steps {
        outputs.push(store.step_outputs(step.id)?);
    }
    if json {
        let steps = steps.iter().zip(&outputs);
        let steps: Value = steps.map(|(step, outputs)| step_value(step, outputs)).collect();
        let Value::Map(mut entries) = run_value(&run) else { return Ok(()) };
        entries.push((Value::from("steps"), steps));
        return print_json(&Value::Map(entries), console);
    }
    let status = console.styled(style_of(run.status.as_str()), run.status);
    let duration = run.duration().map(|d| format!(" in {}", seconds(d))).unwrap_or_default();
    let name = console.styled(Style::Strong, &run.pipeline);
    let started = short_moment(run.started);
    console.short_line(format_args!("run {id}  {name}  {status}{duration}  {started}"))?;
    if run.params != "{}" {
        console.short_line(format_args!("parameters  {}", printable(&run.params)))?;
    }
    if let Some(version) = &run.code_version {
        console.short_line(format_args!("code        {}", printable(version)))?;
    }
    if !run.tags.is_empty() {
        console.short_line(format_args!("tags        {}", printable(&run.tags.join(", "))))?;
    }
    if let Some(error) = &run.error {
        console.lines(format_args!("error  {}", printable_lines(error.trim_end())))?;
    }
    steps_table(&steps, &outputs, console)
}

/// Columns from which on there is room for what steps have used.
const WIDE: usize = 120;

fn steps_table(
    steps: &[StepRecord],
    outputs: &[Vec<(String, ArtifactRecord)>],
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    if console.width() >= WIDE {
        return wide_steps_table(steps, outputs, console);
    }
    let cuts = [Cut::Middle, Cut::No, Cut::No, Cut::Middle];
    let mut table = Table::new(["STEP", "STATUS", "DURATION", "OUTPUTS"]).cut(cuts);
    for (step, outputs) in steps.iter().zip(outputs) {
        let [name, status, duration] = step_cells(step);
        table.row([name, status, duration, versions(outputs).into()]);
    }
    table.print("no steps", console)
}

fn wide_steps_table(
    steps: &[StepRecord],
    outputs: &[Vec<(String, ArtifactRecord)>],
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let cuts = [Cut::Middle, Cut::No, Cut::No, Cut::No, Cut::No, Cut::Middle];
    let header = ["STEP", "STATUS", "DURATION", "CPU", "MEMORY", "OUTPUTS"];
    let mut table = Table::new(header).cut(cuts);
    for (step, outputs) in steps.iter().zip(outputs) {
        let [name, status, duration] = step_cells(step);
        let cpu = step.usage.cpu.map(seconds).unwrap_or_default();
        let memory = step.usage.memory.map(size_name).unwrap_or_default();
        let outputs = versions(outputs);
        table.row([name, status, duration, cpu.into(), memory.into(), outputs.into()]);
    }
    table.print("no steps", console)
}

fn step_cells(step: &StepRecord) -> [Cell; 3] {
    let status = if step.cached { "cached" } else { step.status.as_str() };
    let duration = step.duration().filter(|_| !step.cached).map(seconds).unwrap_or_default();
    [
        Cell::styled(step.label(), Style::Strong),
        Cell::styled(status, style_of(status)),
        duration.into(),
    ]
}

fn versions(outputs: &[(String, ArtifactRecord)]) -> String {
    outputs.iter().map(|(_, artifact)| version(artifact)).collect::<Vec<_>>().join(", ")
}

pub(crate) fn why(args: &WhyArgs, console: &mut Console<'_>) -> Result<ExitStatus, Failure> {
    let store = stores::open(&args.store)?;
    let (run, step) = (RunId(args.run), args.step.as_str());
    let explanation = match args.against {
        Some(other) => cannery_pipeline::why_against(&store, run, step, RunId(other))?,
        None => cannery_pipeline::why(&store, run, step)?,
    };
    if args.store.json {
        print_json(&explanation_value(&explanation), console)?;
    } else {
        console.lines(&explanation)?;
    }
    Ok(ExitStatus::Success)
}

fn explanation_value(explanation: &Explanation) -> Value {
    let no_changes = Vec::new();
    let (reason, changes) = match &explanation.reason {
        Reason::Cached => ("cached", &no_changes),
        Reason::Skipped => ("skipped", &no_changes),
        Reason::First => ("first", &no_changes),
        Reason::Repeated => ("repeated", &no_changes),
        Reason::Same => ("same", &no_changes),
        Reason::Changed(changes) => ("changed", changes),
        _ => ("other", &no_changes),
    };
    object([
        ("run", explanation.step.run.0.into()),
        ("step", explanation.step.label().into()),
        ("reason", reason.into()),
        ("previous_run", explanation.previous.as_ref().map(|step| step.run.0).into()),
        ("changes", changes.iter().map(change_value).collect()),
    ])
}

/// An artifact as it is named beside its pipeline: `model@3`.
pub(super) fn version(artifact: &ArtifactRecord) -> String {
    format!("{}@{}", artifact.short_name(), artifact.version)
}

/// A moment to the minute.
pub(super) fn short_moment(time: Timestamp) -> String {
    time.to_string().replace('T', " ").chars().take("2026-11-21 10:00".len()).collect()
}

pub(super) fn moment(time: Timestamp) -> Value {
    time.to_string().into()
}

fn run_value(run: &RunRecord) -> Value {
    object([
        ("run", run.id.0.into()),
        ("pipeline", run.pipeline.as_str().into()),
        ("status", run.status.as_str().into()),
        ("started", moment(run.started)),
        ("seconds", run.duration().map(|duration| duration.as_secs_f64()).into()),
        ("params", json_value(&run.params)),
        ("code_version", run.code_version.clone().into()),
        ("host", run.host.as_str().into()),
        ("tags", run.tags.iter().map(|tag| Value::from(tag.as_str())).collect()),
        ("error", run.error.clone().into()),
    ])
}

fn step_value(step: &StepRecord, outputs: &[(String, ArtifactRecord)]) -> Value {
    let output = |(output, artifact): &(String, ArtifactRecord)| {
        object([
            ("output", output.as_str().into()),
            ("artifact", artifact.short_name().into()),
            ("version", artifact.version.into()),
            ("digest", artifact.digest.to_string().into()),
        ])
    };
    object([
        ("step", step.label().into()),
        ("status", step.status.as_str().into()),
        ("cached", step.cached.into()),
        ("started", moment(step.started)),
        ("seconds", step.duration().map(|duration| duration.as_secs_f64()).into()),
        ("cpu", step.usage.cpu.map(|cpu| cpu.as_secs_f64()).into()),
        ("memory", step.usage.memory.into()),
        ("attempts", step.attempts.into()),
        ("outputs", outputs.iter().map(output).collect()),
        ("error", step.error.clone().into()),
    ])
}

fn first_line(text: Option<&str>) -> &str {
    text.and_then(|text| text.lines().next()).unwrap_or_default()
}

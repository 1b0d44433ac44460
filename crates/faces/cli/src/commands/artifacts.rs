//! `cannery artifacts`: what pipelines have made.

use cannery::{Value, size_name};
use cannery_store::{ArtifactFilter, ArtifactRecord, RunId, Store};

use super::printing::{json_value, object, print_json};
use super::runs::{moment, short_moment};
use super::stores;
use crate::args::ArtifactsArgs;
use crate::failure::Failure;
use crate::style::Style;
use crate::table::{Cell, Cut, Table};
use crate::{Console, ExitStatus};
use cannery_lineage::shown_type;

pub(crate) fn artifacts(
    args: &ArtifactsArgs,
    console: &mut Console<'_>,
) -> Result<ExitStatus, Failure> {
    let store = stores::open(&args.store)?;
    if let Some(name) = &args.name {
        // Says which names there are, if this is none of them.
        store.artifact(name, None)?;
    }
    if let Some(wanted) = &args.partition {
        return partitions(&store, wanted, args, console);
    }
    let artifacts = store.artifacts(&filter(args))?;
    if args.store.json {
        print_json(&artifacts.iter().map(artifact_value).collect::<Value>(), console)?;
        return Ok(ExitStatus::Success);
    }
    let header = ["ARTIFACT", "TYPE", "FORMAT", "SIZE", "DIGEST", "CREATED (UTC)", "RUN"];
    let cuts = [Cut::Middle, Cut::Start, Cut::End, Cut::No, Cut::No, Cut::No, Cut::No];
    let mut table = Table::new(header).cut(cuts);
    for artifact in &artifacts {
        let producer = artifact.producer.as_ref();
        table.row([
            Cell::styled(path_version(artifact), Style::Strong),
            shown_type(&artifact.type_name).into(),
            artifact.format.clone().into(),
            size_name(artifact.size).into(),
            Cell::styled(artifact.digest.short(), Style::Faint),
            short_moment(artifact.created).into(),
            producer.map(|producer| producer.run.to_string()).unwrap_or_default().into(),
        ]);
    }
    table.print("no artifacts", console)?;
    Ok(ExitStatus::Success)
}

/// The latest version of each partition: those are the aliases with a key and a value.
fn partitions(
    store: &Store,
    wanted: &str,
    args: &ArtifactsArgs,
    console: &mut Console<'_>,
) -> Result<ExitStatus, Failure> {
    let path = match &args.name {
        Some(name) => Some(store.artifact(name, None)?.name),
        None => None,
    };
    let mut found = Vec::new();
    for each in store.aliases()? {
        let is_asked = path.as_ref().is_none_or(|path| *path == each.name)
            && each.alias.contains('=')
            && (wanted.is_empty() || wanted == each.alias);
        if is_asked {
            found.push((each.alias, store.artifact(&each.name, Some(each.version))?));
        }
    }
    found.truncate(args.limit.map_or(usize::MAX, |limit| limit as usize));
    if args.store.json {
        let values = found.iter().map(|(partition, artifact)| {
            object([
                ("partition", partition.as_str().into()),
                ("artifact", artifact_value(artifact)),
            ])
        });
        print_json(&values.collect::<Value>(), console)?;
        return Ok(ExitStatus::Success);
    }
    let header = ["PARTITION", "ARTIFACT", "TYPE", "SIZE", "DIGEST", "CREATED (UTC)"];
    let cuts = [Cut::No, Cut::Middle, Cut::Start, Cut::No, Cut::No, Cut::No];
    let mut table = Table::new(header).cut(cuts);
    for (partition, artifact) in &found {
        table.row([
            partition.clone().into(),
            Cell::styled(path_version(artifact), Style::Strong),
            shown_type(&artifact.type_name).into(),
            size_name(artifact.size).into(),
            Cell::styled(artifact.digest.short(), Style::Faint),
            short_moment(artifact.created).into(),
        ]);
    }
    table.print("no partitions", console)?;
    Ok(ExitStatus::Success)
}

fn filter(args: &ArtifactsArgs) -> ArtifactFilter {
    let mut filter = ArtifactFilter::default();
    if let Some(name) = &args.name {
        filter = filter.name(name).all_versions();
    }
    if let Some(run) = args.run {
        filter = filter.run(RunId(run));
    }
    if args.all {
        filter = filter.all_versions();
    }
    match args.limit {
        Some(limit) => filter.limit(limit),
        None => filter,
    }
}

/// An artifact as people name it wherever it stands: `daily/model@3`.
pub(super) fn path_version(artifact: &ArtifactRecord) -> String {
    format!("{}@{}", artifact.name, artifact.version)
}

pub(super) fn artifact_value(artifact: &ArtifactRecord) -> Value {
    let producer = artifact.producer.as_ref().map(|producer| {
        object([
            ("run", producer.run.0.into()),
            ("step", producer.name.as_str().into()),
            ("output", producer.output.as_str().into()),
        ])
    });
    object([
        ("artifact", artifact.name.as_str().into()),
        ("version", artifact.version.into()),
        ("digest", artifact.digest.to_string().into()),
        ("type", artifact.type_name.as_str().into()),
        ("format", artifact.format.as_str().into()),
        ("size", artifact.size.into()),
        ("created", moment(artifact.created)),
        ("producer", producer.into()),
        ("metadata", json_value(&artifact.metadata)),
    ])
}

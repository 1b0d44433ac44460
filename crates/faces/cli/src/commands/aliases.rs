//! `cannery tag` and `cannery alias`: what runs and versions of artifacts are called by.

use cannery::{Error, ErrorKind, Value, printable};
use cannery_store::{RunId, Store};

use super::printing::{object, print_json};
use super::stores;
use crate::args::{AliasArgs, TagArgs};
use crate::failure::Failure;
use crate::style::Style;
use crate::table::{Cell, Cut, Table};
use crate::{Console, ExitStatus};

pub(crate) fn tag(args: &TagArgs, console: &mut Console<'_>) -> Result<ExitStatus, Failure> {
    let store = stores::open(&args.store)?;
    let run = RunId(args.run);
    let mut tags = store.run(run)?.tags;
    if !args.tags.is_empty() {
        tags.retain(|tag| !args.tags.contains(tag));
        if !args.remove {
            tags.extend(args.tags.iter().cloned());
        }
        store.set_run_tags(run, &tags)?;
        tags = store.run(run)?.tags;
    }
    if args.store.json {
        print_json(&tags.iter().map(String::as_str).collect::<Value>(), console)?;
    } else {
        tags.iter().try_for_each(|tag| console.line(printable(tag)))?;
    }
    Ok(ExitStatus::Success)
}

pub(crate) fn alias(args: &AliasArgs, console: &mut Console<'_>) -> Result<ExitStatus, Failure> {
    let store = stores::open(&args.store)?;
    if let (Some(alias), Some(name)) = (&args.alias, &args.artifact) {
        let artifact = store.find_artifact(name)?;
        if !args.remove {
            store.set_alias(alias, &artifact)?;
        } else if !store.remove_alias(&artifact.name, alias)? {
            let message =
                format!("`{}` has no alias `{}`", printable(&artifact.name), printable(alias));
            return Err(Error::new(ErrorKind::NotFound, message)
                .with_hint("`cannery alias` lists all aliases")
                .into());
        }
        return Ok(ExitStatus::Success);
    }
    list(&store, args.store.json, console)
}

fn list(store: &Store, json: bool, console: &mut Console<'_>) -> Result<ExitStatus, Failure> {
    let aliases = store.aliases()?;
    if json {
        let value = aliases.iter().map(|each| {
            object([
                ("artifact", each.name.as_str().into()),
                ("alias", each.alias.as_str().into()),
                ("version", each.version.into()),
            ])
        });
        print_json(&value.collect::<Value>(), console)?;
        return Ok(ExitStatus::Success);
    }
    let mut table = Table::new(["ALIAS", "ARTIFACT"]).cut([Cut::No, Cut::Middle]);
    for each in &aliases {
        let version = format!("{}@{}", each.name, each.version);
        table.row([each.alias.clone().into(), Cell::styled(version, Style::Strong)]);
    }
    table.print("no aliases", console)?;
    Ok(ExitStatus::Success)
}

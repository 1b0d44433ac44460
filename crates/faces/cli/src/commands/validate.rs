//! `cannery validate`: all that is wrong with files.

use cannery::{Error, Location, ReadOptions, Result, Value};

use super::files::{Outcome, expand, for_each, load};
use super::printing::{object, print_json};
use crate::args::ValidateArgs;
use crate::failure::{Failure, hint_of};
use crate::style::Style;
use crate::{Console, ExitStatus};

pub(crate) fn validate(
    args: &ValidateArgs,
    console: &mut Console<'_>,
) -> Result<ExitStatus, Failure> {
    let places = expand(&args.files.files)?;
    let mut tally = Tally { json: args.json, ..Tally::default() };
    let work = |place: &Location| -> Result<Outcome<Vec<Error>>> {
        let from = args.schema.from(args.files.from.as_ref(), place);
        let loaded = match load(place, from.as_deref())? {
            Outcome::Done(loaded) => loaded,
            Outcome::Skipped(why) => return Ok(Outcome::Skipped(why)),
        };
        let options = ReadOptions::default().nan(args.nan).message(args.schema.message_of());
        let errors = loaded.format.validate(&loaded.bytes, &options);
        let errors = errors.into_iter().map(|error| error.in_file(place.name())).collect();
        Ok(Outcome::Done(errors))
    };
    for_each(&places, "validating", console, work, |_, errors, console| {
        tally.take(errors, console)
    })?;
    tally.finish(places.len(), console)
}

#[derive(Default)]
struct Tally {
    json: bool,
    invalid: usize,
    errors: usize,
    unreadable: usize,
    skipped: usize,
    values: Vec<Value>,
}

impl Tally {
    fn take(
        &mut self,
        errors: Result<Outcome<Vec<Error>>>,
        console: &mut Console<'_>,
    ) -> Result<(), Failure> {
        let errors = match errors {
            Ok(Outcome::Done(errors)) => errors,
            Ok(Outcome::Skipped(why)) => {
                self.skipped += 1;
                console.skip(&why);
                return Ok(());
            }
            Err(error) => {
                self.unreadable += 1;
                console.report(Failure::from(error));
                return Ok(());
            }
        };
        self.invalid += usize::from(!errors.is_empty());
        self.errors += errors.len();
        for error in errors {
            if self.json {
                self.values.push(value(&error));
                continue;
            }
            console.lines(&error)?;
            if let Some(hint) = hint_of(&error) {
                console.line(console.styled(Style::Faint, format_args!("  {hint}")))?;
            }
        }
        Ok(())
    }

    fn finish(self, files: usize, console: &mut Console<'_>) -> Result<ExitStatus, Failure> {
        let Self { invalid, errors, unreadable, skipped, .. } = self;
        let nothing = files > 0 && skipped == files;
        if self.json {
            let count = |count: usize| Value::from(count as u64);
            let report = object([
                ("files", count(files)),
                ("invalid", count(invalid)),
                ("unreadable", count(unreadable)),
                ("skipped", count(skipped)),
                ("errors", Value::List(self.values)),
            ]);
            print_json(&report, console)?;
        } else if files > 1 || errors > 0 {
            let plural = |count: usize| if count == 1 { "" } else { "s" };
            let mut summary = format!(
                "{files} file{}, {invalid} invalid, {errors} error{}",
                plural(files),
                plural(errors)
            );
            if skipped > 0 {
                summary = format!("{summary}, {skipped} skipped");
            }
            console.note(summary);
        }
        Ok(match (unreadable, invalid) {
            _ if nothing => ExitStatus::Incomplete,
            (1.., _) => ExitStatus::Incomplete,
            (_, 1..) => ExitStatus::Findings,
            _ => ExitStatus::Success,
        })
    }
}

fn value(error: &Error) -> Value {
    let pos = error.pos();
    let known = |count: u64| (count > 0).then_some(count);
    let path = error.path();
    object([
        ("file", error.file().into()),
        ("line", pos.and_then(|pos| known(pos.line)).into()),
        ("column", pos.and_then(|pos| known(pos.column)).into()),
        ("offset", pos.map(|pos| pos.offset).into()),
        ("kind", format!("{:?}", error.kind()).to_lowercase().into()),
        ("message", error.message().into()),
        ("path", (!path.0.is_empty()).then(|| path.to_string()).into()),
        ("hint", hint_of(error).into()),
    ])
}

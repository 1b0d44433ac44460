//! `cannery fmt`: files laid out for people.

use std::io::Write as _;

use cannery::{
    Error, ErrorKind, LayoutOptions, Location, Output, Result, Value, is_printable, printable,
};
use similar::TextDiff;

use super::files::{Outcome, expand, for_each, load};
use super::printing::{object, print_json};
use crate::args::FmtArgs;
use crate::failure::Failure;
use crate::style::Style;
use crate::{Console, ExitStatus};

/// A file before and after.
struct Texts {
    before: Vec<u8>,
    after: String,
    is_json: bool,
}

pub(crate) fn fmt(args: &FmtArgs, console: &mut Console<'_>) -> Result<ExitStatus, Failure> {
    let places = expand(&args.files.files)?;
    let options =
        LayoutOptions::default().indent(args.indent).width(args.width).sort_keys(args.sort_keys);
    let work = |place: &Location| -> Result<Outcome<Texts>> {
        let loaded = match load(place, args.files.from.as_deref())? {
            Outcome::Done(loaded) => loaded,
            Outcome::Skipped(why) => return Ok(Outcome::Skipped(why)),
        };
        let after = loaded.format.layout(&loaded.bytes, &options);
        let after = match after.map_err(|e| e.in_file(place.name())) {
            Ok(after) => after,
            Err(why) if !loaded.format.is_laid_out() => return Ok(Outcome::Skipped(why)),
            Err(error) => return Err(error),
        };
        let is_json = matches!(loaded.format.id(), "json" | "jsonl");
        let texts = Texts { before: loaded.bytes, after, is_json };
        if !args.check && !args.diff && texts.differ() {
            texts.write(place)?;
        }
        Ok(Outcome::Done(texts))
    };
    let mut tally = Tally { args, changed: Vec::new(), failed: 0, skipped: 0 };
    let take =
        |place: &Location, texts, console: &mut Console<'_>| tally.take(place, texts, console);
    for_each(&places, "laying out", console, work, take)?;
    tally.finish(&places, console)
}

impl Texts {
    fn differ(&self) -> bool {
        self.before != self.after.as_bytes()
    }

    /// Puts a file in the place of the old one; standard output is written later, in its turn.
    fn write(&self, place: &Location) -> Result<()> {
        if *place == Location::Standard {
            return Ok(());
        }
        let mut output = Output::create(place)?;
        let written = output.write_all(self.after.as_bytes());
        written.map_err(|e| Error::io(e, "cannot write the file").in_file(place.name()))?;
        output.finish()
    }
}

struct Tally<'a> {
    args: &'a FmtArgs,
    changed: Vec<String>,
    failed: usize,
    skipped: usize,
}

impl Tally<'_> {
    fn take(
        &mut self,
        place: &Location,
        texts: Result<Outcome<Texts>>,
        console: &mut Console<'_>,
    ) -> Result<(), Failure> {
        let texts = match texts {
            Ok(Outcome::Done(texts)) => texts,
            Ok(Outcome::Skipped(why)) => {
                self.skipped += 1;
                console.skip(&why);
                return Ok(());
            }
            Err(error) => {
                self.failed += 1;
                console.report(Failure::from(error));
                return Ok(());
            }
        };
        let only_looks = self.args.check || self.args.diff;
        if *place == Location::Standard && !only_looks && !self.args.json {
            return print(&texts, console);
        }
        if !texts.differ() {
            return Ok(());
        }
        self.changed.push(place.name());
        if self.args.diff {
            return print_diff(place, &texts, console);
        }
        match (self.args.json, self.args.check) {
            (true, _) => Ok(()),
            (false, true) => {
                console.line(format_args!("{} would change", printable(&place.name())))
            }
            (false, false) => {
                console.note(format_args!("{} changed", printable(&place.name())));
                Ok(())
            }
        }
    }

    fn summary(&self, files: usize) -> String {
        let Self { changed, failed, skipped, .. } = self;
        let word = if self.args.check || self.args.diff { "would change" } else { "changed" };
        let mut summary = format!("{files} files, {} {word}", changed.len());
        for (count, what) in [(*failed, "failed"), (*skipped, "skipped")] {
            if count > 0 {
                summary = format!("{summary}, {count} {what}");
            }
        }
        summary
    }

    fn finish(self, places: &[Location], console: &mut Console<'_>) -> Result<ExitStatus, Failure> {
        let nothing = !places.is_empty() && self.skipped == places.len();
        let found = !self.changed.is_empty() && (self.args.check || self.args.diff);
        if self.args.json {
            let count = |count: usize| Value::from(count as u64);
            let report = object([
                ("files", count(places.len())),
                ("changed", self.changed.iter().map(|name| Value::from(name.as_str())).collect()),
                ("failed", count(self.failed)),
                ("skipped", count(self.skipped)),
                ("written", Value::Bool(!self.args.check)),
            ]);
            print_json(&report, console)?;
        } else if places.len() > 1 {
            console.note(self.summary(places.len()));
        }
        Ok(match (self.failed, found) {
            _ if nothing => ExitStatus::Incomplete,
            (1.., _) => ExitStatus::Incomplete,
            (0, true) => ExitStatus::Findings,
            (0, false) => ExitStatus::Success,
        })
    }
}

/// Prints a text that is laid out. In JSON, what is not printable can be escaped; elsewhere the text
/// would be another.
fn print(texts: &Texts, console: &mut Console<'_>) -> Result<(), Failure> {
    if texts.is_json {
        return Ok(console.json_out().write_all(texts.after.as_bytes())?);
    }
    let shows_itself = |c: char| matches!(c, '\n' | '\r' | '\t') || is_printable(c);
    if let Some(found) = texts.after.chars().find(|c| !shows_itself(*c)) {
        let escape = found.escape_unicode();
        let message = format!("the text has the character `{escape}`, which is not printed");
        let error = Error::new(ErrorKind::Unsupported, message);
        let hint = "write it as an escape in double quotes, or lay out the file in its place";
        return Err(error.with_hint(hint).into());
    }
    Ok(console.out().write_all(texts.after.as_bytes())?)
}

fn print_diff(place: &Location, texts: &Texts, console: &mut Console<'_>) -> Result<(), Failure> {
    let before = String::from_utf8_lossy(&texts.before);
    let diff = TextDiff::from_lines(before.as_ref(), &texts.after);
    let name = place.name();
    let name = printable(&name);
    let (old, new) = (format!("{name} (now)"), format!("{name} (laid out)"));
    let text = diff.unified_diff().context_radius(3).header(&old, &new).to_string();
    for line in text.lines() {
        let style = match line.as_bytes().first() {
            Some(b'+') => Style::Good,
            Some(b'-') => Style::Bad,
            Some(b'@') => Style::Faint,
            _ => {
                console.line(printable(line))?;
                continue;
            }
        };
        console.line(console.styled(style, line))?;
    }
    Ok(())
}

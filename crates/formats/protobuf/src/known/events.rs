//! Events of TensorBoard: what was written of each tag.

use std::collections::BTreeMap;

use cannery_core::{Error, ErrorKind, Result};

use super::records::{Record, Records, each};
use crate::frames::masked_crc;

/// Tags of one file, at most.
const MOST_TAGS: usize = 1 << 16;

/// What the events of a file say.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct EventSummary {
    /// How many events there are.
    pub events: u64,
    /// The version of the format: `brain.Event:2`.
    pub version: Option<String>,
    /// The program that wrote it.
    pub writer: Option<String>,
    /// The least and greatest step of what has a tag.
    pub steps: Option<(i64, i64)>,
    /// The least and greatest time, in seconds since 1970.
    pub times: Option<(f64, f64)>,
    /// Graphs of models.
    pub graphs: u64,
    /// What was written, by its tag.
    pub tags: BTreeMap<String, TagSummary>,
}

/// What was written of one tag.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct TagSummary {
    /// What it is.
    pub kind: TagKind,
    /// The name of the plug-in that shows it, if it is given.
    pub plugin: Option<String>,
    /// How many there are.
    pub count: u64,
    /// The least and greatest step.
    pub steps: (i64, i64),
    /// The least and greatest of scalars that are numbers.
    pub range: Option<(f64, f64)>,
    /// The last scalar.
    pub last: Option<f64>,
    /// Width and height of the last image.
    pub size: Option<(u64, u64)>,
}

/// Kinds of values that are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are what TensorBoard calls them")]
pub enum TagKind {
    Scalar,
    Histogram,
    Image,
    Audio,
    #[default]
    Tensor,
}

impl TagSummary {
    /// What it is called: by the plug-in that shows it, else by the kind of value.
    #[must_use]
    pub fn name(&self) -> &str {
        match (self.kind, self.plugin.as_deref()) {
            (TagKind::Scalar, _) | (_, Some("scalars")) => "scalar",
            (TagKind::Histogram, _) | (_, Some("histograms")) => "histogram",
            (TagKind::Image, _) | (_, Some("images")) => "image",
            (TagKind::Audio, _) | (_, Some("audio")) => "audio",
            (TagKind::Tensor, Some(plugin)) => plugin,
            (TagKind::Tensor, None) => "tensor",
        }
    }
}

/// A point in time in seconds since 1970, as RFC 3339 has it.
#[must_use]
pub fn utc_text(seconds: f64) -> String {
    let text = crate::json::timestamp_text(seconds.floor() as i64, 0);
    text.unwrap_or_else(|| format!("{seconds} seconds"))
}

/// One value of an event.
#[derive(Default)]
struct Logged {
    tag: String,
    kind: TagKind,
    plugin: Option<String>,
    scalar: Option<f64>,
    size: Option<(u64, u64)>,
}

impl EventSummary {
    /// Adds one event.
    ///
    /// # Errors
    /// [`ErrorKind::Truncated`] and [`ErrorKind::Syntax`], with the offset in the event, and
    /// [`ErrorKind::Limit`] for too many tags.
    pub fn add(&mut self, data: &[u8]) -> Result<()> {
        let (mut step, mut time, mut values) = (0, None, Vec::new());
        let mut records = Records::new(data);
        while let Some((number, record)) = records.next()? {
            match (number, record) {
                (1, Record::Fixed64(bits)) => time = Some(f64::from_bits(bits)),
                (2, Record::Varint(value)) => step = value.cast_signed(),
                (3, Record::Length(text)) => self.version = Some(text.text()),
                (4 | 9, Record::Length(_)) => self.graphs += 1,
                (5, Record::Length(mut summary)) => {
                    while let Some((number, record)) = summary.next()? {
                        if let (1, Record::Length(value)) = (number, record) {
                            values.push(read_value(value)?);
                        }
                    }
                }
                (10, Record::Length(mut source)) => {
                    while let Some((number, record)) = source.next()? {
                        if let (1, Record::Length(text)) = (number, record) {
                            self.writer = Some(text.text());
                        }
                    }
                }
                _ => {}
            }
        }
        self.events += 1;
        if let Some(time) = time.filter(|time| time.is_finite()) {
            let (first, last) = self.times.unwrap_or((time, time));
            self.times = Some((first.min(time), last.max(time)));
        }
        values.into_iter().try_for_each(|value| self.add_value(step, value))
    }

    fn add_value(&mut self, step: i64, value: Logged) -> Result<()> {
        let (least, greatest) = self.steps.unwrap_or((step, step));
        self.steps = Some((least.min(step), greatest.max(step)));
        if self.tags.len() >= MOST_TAGS && !self.tags.contains_key(&value.tag) {
            let text = format!("more than {MOST_TAGS} tags in one file");
            return Err(Error::new(ErrorKind::Limit, text));
        }
        let tag = self.tags.entry(value.tag).or_insert_with(|| TagSummary {
            kind: value.kind,
            steps: (step, step),
            ..TagSummary::default()
        });
        tag.count += 1;
        tag.kind = value.kind;
        tag.steps = (tag.steps.0.min(step), tag.steps.1.max(step));
        if value.plugin.is_some() {
            tag.plugin = value.plugin;
        }
        if value.size.is_some() {
            tag.size = value.size;
        }
        if let Some(scalar) = value.scalar {
            tag.last = Some(scalar);
            if !scalar.is_nan() {
                let (least, greatest) = tag.range.unwrap_or((scalar, scalar));
                tag.range = Some((least.min(scalar), greatest.max(scalar)));
            }
        }
        Ok(())
    }
}

fn read_value(mut value: Records<'_>) -> Result<Logged> {
    let mut read = Logged::default();
    while let Some((number, record)) = value.next()? {
        match (number, record) {
            (1, Record::Length(text)) => read.tag = text.text(),
            (2, Record::Fixed32(bits)) => {
                (read.kind, read.scalar) = (TagKind::Scalar, Some(shortest(f32::from_bits(bits))));
            }
            (3 | 5, Record::Length(_)) => read.kind = TagKind::Histogram,
            (4, Record::Length(mut image)) => {
                let (mut width, mut height) = (0, 0);
                while let Some((number, record)) = image.next()? {
                    match (number, record) {
                        (1, Record::Varint(value)) => height = value,
                        (2, Record::Varint(value)) => width = value,
                        _ => {}
                    }
                }
                (read.kind, read.size) = (TagKind::Image, Some((width, height)));
            }
            (6, Record::Length(_)) => read.kind = TagKind::Audio,
            (8, Record::Length(tensor)) => read.scalar = read_scalar(tensor)?,
            (9, Record::Length(metadata)) => read.plugin = read_plugin(metadata)?,
            _ => {}
        }
    }
    if read.plugin.as_deref() == Some("scalars") {
        read.kind = TagKind::Scalar;
    }
    Ok(read)
}

/// The double with the digits that the float is written with.
fn shortest(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}

/// The value of a tensor that has one number.
fn read_scalar(mut tensor: Records<'_>) -> Result<Option<f64>> {
    let (mut dtype, mut scalar, mut is_one) = (0, None, true);
    while let Some((number, record)) = tensor.next()? {
        match (number, record) {
            (1, Record::Varint(of)) => dtype = of,
            (2, Record::Length(mut shape)) => {
                while let Some((number, _)) = shape.next()? {
                    is_one &= number != 2;
                }
            }
            (4..=6, Record::Length(content)) => {
                let bytes = content.bytes();
                scalar = match (dtype, bytes.len()) {
                    (1, 4) => bytes.try_into().ok().map(|b| shortest(f32::from_le_bytes(b))),
                    (2, 8) => bytes.try_into().ok().map(f64::from_le_bytes),
                    _ => None,
                };
            }
            (5, Record::Fixed32(bits)) => scalar = Some(shortest(f32::from_bits(bits))),
            (6, Record::Fixed64(bits)) => scalar = Some(f64::from_bits(bits)),
            _ => {}
        }
    }
    Ok(scalar.filter(|_| is_one))
}

fn read_plugin(mut metadata: Records<'_>) -> Result<Option<String>> {
    let mut name = None;
    while let Some((number, record)) = metadata.next()? {
        let (1, Record::Length(mut plugin)) = (number, record) else { continue };
        while let Some((number, record)) = plugin.next()? {
            if let (1, Record::Length(text)) = (number, record) {
                name = Some(text.text());
            }
        }
    }
    Ok(name)
}

/// Whether bytes begin with a record of TFRecord, by the checksum of its length.
#[must_use]
pub fn is_record(start: &[u8]) -> bool {
    let Some((length, rest)) = start.split_first_chunk::<8>() else { return false };
    let Some((crc, _)) = rest.split_first_chunk::<4>() else { return false };
    masked_crc(length) == u32::from_le_bytes(*crc)
}

/// Whether the first record is an event: its time, and known fields only.
pub(super) fn begins_so(start: &[u8]) -> bool {
    if !is_record(start) {
        return false;
    }
    let (length, rest) = start.split_at(8);
    let length = u64::from_le_bytes(length.try_into().expect("eight bytes"));
    let data = &rest[4..];
    let end = usize::try_from(length).unwrap_or(usize::MAX).min(data.len());
    let mut has_time = false;
    let is_it = each(Records::of_prefix(&data[..end]), |number, record| match (number, record) {
        (1, Record::Fixed64(_)) => {
            has_time = true;
            true
        }
        (3, Record::Length(text)) => text.is_name(),
        (2, Record::Varint(_)) | (4..=10, Record::Length(_)) => true,
        _ => false,
    });
    is_it && has_time
}

//! Vector tiles: layers of features.

use cannery_core::Result;

use super::records::{MOST, Record, Records, each, too_many};

/// A tile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct VectorTile {
    /// Its layers.
    pub layers: Vec<TileLayer>,
}

/// A layer of a tile.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TileLayer {
    /// Its name; empty if it has none, which the format does not allow.
    pub name: String,
    /// The version of the format.
    pub version: u64,
    /// The width and height of the tile, in its own units.
    pub extent: u64,
    /// How many features it has.
    pub features: u64,
    /// Those of unknown geometry, points, lines and polygons.
    pub geometry: [u64; 4],
    /// The names of what is said about features.
    pub keys: Vec<TileKey>,
    /// How many different values there are.
    pub values: u64,
    /// Tags that point to a key or a value that is not there.
    pub broken_tags: u64,
}

/// A name of something that is said about features.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TileKey {
    /// The name.
    pub name: String,
    /// How many features have it.
    pub features: u64,
    /// Whether some of its values are texts, floats, integers, or booleans.
    pub kinds: [bool; 4],
}

impl TileKey {
    /// The kinds of its values, by name.
    pub fn kind_names(&self) -> impl Iterator<Item = &'static str> {
        let names = ["text", "float", "int", "bool"].into_iter().zip(self.kinds);
        names.filter(|(_, is_there)| *is_there).map(|(name, _)| name)
    }
}

impl VectorTile {
    /// Sums up a tile.
    ///
    /// # Errors
    /// [`ErrorKind::Truncated`](cannery_core::ErrorKind::Truncated),
    /// [`Syntax`](cannery_core::ErrorKind::Syntax) and [`Limit`](cannery_core::ErrorKind::Limit), with
    /// the offset.
    pub fn read(data: &[u8]) -> Result<Self> {
        let mut tile = Self::default();
        let mut listed = 0;
        let mut records = Records::new(data);
        while let Some((number, record)) = records.next()? {
            if let (3, Record::Length(layer)) = (number, record) {
                let offset = layer.offset();
                let layer = read_layer(layer)?;
                listed += 1 + layer.keys.len();
                if listed > MOST {
                    return Err(too_many("layers and keys", offset));
                }
                tile.layers.push(layer);
            }
        }
        Ok(tile)
    }
}

fn read_layer(layer: Records<'_>) -> Result<TileLayer> {
    let mut read = TileLayer {
        name: String::new(),
        version: 1,
        extent: 4096,
        features: 0,
        geometry: [0; 4],
        keys: Vec::new(),
        values: 0,
        broken_tags: 0,
    };
    let mut kinds = Vec::new();
    let mut records = layer;
    // Features come before what their tags point to.
    while let Some((number, record)) = records.next()? {
        match (number, record) {
            (1, Record::Length(text)) => read.name = text.text(),
            (3, Record::Length(text)) if read.keys.len() >= MOST => {
                return Err(too_many("keys", text.offset()));
            }
            (3, Record::Length(text)) => {
                read.keys.push(TileKey { name: text.text(), ..TileKey::default() });
            }
            (4, Record::Length(value)) => kinds.push(read_kind(value)?),
            (5, Record::Varint(extent)) => read.extent = extent,
            (15, Record::Varint(version)) => read.version = version,
            _ => {}
        }
    }
    read.values = kinds.len() as u64;
    let mut records = layer;
    while let Some((number, record)) = records.next()? {
        if let (2, Record::Length(feature)) = (number, record) {
            read.read_feature(feature, &kinds)?;
        }
    }
    Ok(read)
}

/// Which kind a value is, by its place in [`TileKey::kinds`].
fn read_kind(mut value: Records<'_>) -> Result<Option<usize>> {
    let mut kind = None;
    while let Some((number, _)) = value.next()? {
        kind = match number {
            1 => Some(0),
            2 | 3 => Some(1),
            4..=6 => Some(2),
            7 => Some(3),
            _ => kind,
        };
    }
    Ok(kind)
}

impl TileLayer {
    fn read_feature(&mut self, mut feature: Records<'_>, kinds: &[Option<usize>]) -> Result<()> {
        self.features += 1;
        let mut geometry = 0;
        while let Some((number, record)) = feature.next()? {
            match (number, record) {
                (2, Record::Length(tags)) => {
                    let mut tags = tags.varints();
                    while let Some(key) = tags.next()? {
                        let value = tags.next()?;
                        self.count_tag(key, value, kinds);
                    }
                }
                (3, Record::Varint(kind)) => geometry = usize::try_from(kind).unwrap_or(0),
                _ => {}
            }
        }
        self.geometry[if geometry < 4 { geometry } else { 0 }] += 1;
        Ok(())
    }

    fn count_tag(&mut self, key: u64, value: Option<u64>, kinds: &[Option<usize>]) {
        let at = |index: u64| usize::try_from(index).unwrap_or(usize::MAX);
        let key = self.keys.get_mut(at(key));
        let (Some(key), Some(kind)) = (key, value.and_then(|value| kinds.get(at(value)))) else {
            self.broken_tags += 1;
            return;
        };
        key.features += 1;
        if let Some(kind) = kind {
            key.kinds[*kind] = true;
        }
    }
}

/// Whether bytes begin as a tile does: layers only, each with a name, and a version or a geometry
/// that begins by moving somewhere.
pub(super) fn begins_so(start: &[u8]) -> bool {
    let mut is_certain = false;
    let mut layers = 0;
    let is_it = each(Records::of_prefix(start), |number, record| match (number, record) {
        (3, Record::Length(layer)) => {
            layers += 1;
            let holds = layer_begins_so(layer);
            is_certain |= holds == Some(true);
            holds.is_some()
        }
        (16..=8191, _) => layers > 0,
        _ => false,
    });
    is_it && is_certain
}

fn layer_begins_so(layer: Records<'_>) -> Option<bool> {
    let is_cut = layer.is_cut;
    let (mut has_name, mut has_version, mut moves, mut others) = (false, false, false, 0);
    let is_it = each(layer, |number, record| match (number, record) {
        (1, Record::Length(text)) => {
            has_name = !text.bytes().is_empty();
            text.is_name()
        }
        (2, Record::Length(feature)) => {
            let holds = feature_begins_so(feature);
            moves |= holds == Some(true);
            holds.is_some()
        }
        (3, Record::Length(text)) => text.is_name(),
        (4, Record::Length(value)) => {
            others += 1;
            each(value, |number, record| match (number, record) {
                (1, Record::Length(text)) => text.is_name(),
                (2, Record::Fixed32(_)) | (3, Record::Fixed64(_)) | (4..=7, Record::Varint(_)) => {
                    true
                }
                _ => false,
            })
        }
        (5, Record::Varint(extent)) => {
            others += 1;
            (1..=1 << 24).contains(&extent)
        }
        (15, Record::Varint(version)) => {
            has_version = (1..=3).contains(&version);
            has_version
        }
        (16.., _) => true,
        _ => false,
    });
    let is_certain = has_name && (moves || has_version && (others > 0 || !is_cut));
    (is_it && (has_name || is_cut)).then_some(is_certain)
}

/// Whether its geometry begins with the command `MoveTo`; `None` if it is no feature.
fn feature_begins_so(feature: Records<'_>) -> Option<bool> {
    let mut moves = false;
    let is_it = each(feature, |number, record| match (number, record) {
        (1, Record::Varint(_)) | (2 | 5, Record::Length(_)) => true,
        (3, Record::Varint(kind)) => kind < 4,
        (4, Record::Length(commands)) => {
            let command = commands.varints().next().ok().flatten();
            moves = command.is_some_and(|command| command & 7 == 1 && command > 8);
            moves || command.is_none()
        }
        _ => false,
    });
    is_it.then_some(moves)
}

//! Editions and the features they come with.

/// Editions, as `google.protobuf.Edition` numbers them.
pub(crate) const PROTO2: i32 = 998;
pub(crate) const PROTO3: i32 = 999;
pub(crate) const E2023: i32 = 1000;
pub(crate) const E2024: i32 = 1001;
pub(crate) const E2026: i32 = 1002;

/// The edition that a file may name.
pub(crate) fn from_name(name: &str) -> Option<i32> {
    match name {
        "2023" => Some(E2023),
        "2024" => Some(E2024),
        "2026" => Some(E2026),
        _ => None,
    }
}

/// The name of an edition, for messages.
pub(crate) fn name(edition: i32) -> String {
    match edition {
        PROTO2 => "PROTO2".to_owned(),
        PROTO3 => "PROTO3".to_owned(),
        E2023 => "2023".to_owned(),
        E2024 => "2024".to_owned(),
        E2026 => "2026".to_owned(),
        9999 => "UNSTABLE".to_owned(),
        other => other.to_string(),
    }
}

/// The features that change how a schema is read: each by its number in `FeatureSet`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Features {
    values: [u8; 9],
}

pub(crate) const FIELD_PRESENCE: u32 = 1;
pub(crate) const ENUM_TYPE: u32 = 2;
pub(crate) const REPEATED_ENCODING: u32 = 3;
pub(crate) const UTF8_VALIDATION: u32 = 4;
pub(crate) const MESSAGE_ENCODING: u32 = 5;
pub(crate) const JSON_FORMAT: u32 = 6;
pub(crate) const NAMING_STYLE: u32 = 7;
pub(crate) const VISIBILITY: u32 = 8;

pub(crate) const EXPLICIT: u8 = 1;
pub(crate) const IMPLICIT: u8 = 2;
pub(crate) const LEGACY_REQUIRED: u8 = 3;
pub(crate) const OPEN: u8 = 1;
pub(crate) const CLOSED: u8 = 2;
pub(crate) const PACKED: u8 = 1;
pub(crate) const EXPANDED: u8 = 2;
pub(crate) const VERIFY: u8 = 2;
pub(crate) const DELIMITED: u8 = 2;
pub(crate) const JSON_ALLOW: u8 = 1;
pub(crate) const STYLE_2024: u8 = 1;
pub(crate) const STYLE_2026: u8 = 3;
pub(crate) const EXPORT_ALL: u8 = 1;
pub(crate) const EXPORT_TOP_LEVEL: u8 = 2;
pub(crate) const LOCAL_ALL: u8 = 3;
pub(crate) const STRICT: u8 = 4;

impl Features {
    /// What an edition begins with.
    pub(crate) fn of_edition(edition: i32) -> Self {
        let values = match edition {
            PROTO3 => [0, IMPLICIT, OPEN, PACKED, VERIFY, 1, JSON_ALLOW, 2, EXPORT_ALL],
            E2023 => [0, EXPLICIT, OPEN, PACKED, VERIFY, 1, JSON_ALLOW, 2, EXPORT_ALL],
            E2026.. => [0, EXPLICIT, OPEN, PACKED, VERIFY, 1, JSON_ALLOW, STYLE_2026, STRICT],
            E2024.. => [0, EXPLICIT, OPEN, PACKED, VERIFY, 1, JSON_ALLOW, 1, EXPORT_TOP_LEVEL],
            _ => [0, EXPLICIT, CLOSED, EXPANDED, 3, 1, 2, 2, EXPORT_ALL],
        };
        Self { values }
    }

    pub(crate) fn get(self, feature: u32) -> u8 {
        self.values[feature as usize]
    }

    pub(crate) fn with(mut self, feature: u32, value: u8) -> Self {
        if let Some(slot) = self.values.get_mut(feature as usize) {
            *slot = value;
        }
        self
    }
}

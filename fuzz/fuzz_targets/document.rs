//! Documents over the names of the tables: scanning one ends without a panic, and says the same of
//! it whatever spaces it is written with.
#![no_main]

use cannery_pickle::scan::{ScanOptions, scan};
use libfuzzer_sys::fuzz_target;

const TYPES: &[&str] = &[
    "tuple",
    "set",
    "frozenset",
    "range",
    "bytes",
    "ndarray",
    "builtins.ExceptionGroup",
    "collections.ChainMap",
    "collections.deque",
    "collections.OrderedDict",
    "configparser.ConfigParser",
    "email.message.EmailMessage",
    "functools.partial",
    "ipaddress.IPv6Address",
    "numpy.ndarray",
    "re.Pattern",
    "shop.models.Item",
    "xml.etree.ElementTree.Element",
];
const PARTS: &[&str] = &["value", "items", "maps", "pattern", "flags", "__args__", "start", "stop"];

fuzz_target!(|data: &[u8]| {
    let options = cannery::with_checks(ScanOptions::default());
    let _ = scan(data, &options);
    let mut bytes = data.iter().copied();
    let Some(document) = value(&mut bytes, 6) else { return };
    let close = serde_json::to_vec(&document).expect("a value is written");
    let wide = serde_json::to_vec_pretty(&document).expect("a value is written");
    let reasons = |data: &[u8]| {
        let findings = scan(data, &options).findings;
        findings.into_iter().map(|finding| finding.reason).collect::<Vec<_>>()
    };
    assert_eq!(reasons(&close), reasons(&wide));
});

/// A value that the bytes choose; `None` at their end.
fn value(bytes: &mut impl Iterator<Item = u8>, depth: u32) -> Option<serde_json::Value> {
    let (what, which) = (bytes.next()?, bytes.next()?);
    let count = if depth == 0 { 0 } else { usize::from(which % 4) };
    Some(match what % 8 {
        0 => serde_json::json!(i64::from(which) << (which % 55)),
        1 => serde_json::json!("%(a)s ".repeat(usize::from(which))),
        2 => serde_json::json!({ "$ref": which % 8 }),
        3 => (0..count).map_while(|_| value(bytes, depth - 1)).collect(),
        _ => {
            let mut object = serde_json::Map::new();
            object.insert("$id".into(), (which % 8).into());
            object.insert("$type".into(), TYPES[usize::from(which) % TYPES.len()].into());
            for _ in 0..count {
                let part = PARTS[usize::from(bytes.next()?) % PARTS.len()];
                object.insert(part.into(), value(bytes, depth - 1)?);
            }
            object.into()
        }
    })
}

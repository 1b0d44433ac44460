//! Strategies for values.

use std::collections::BTreeMap;

use cannery_core::{
    ArrayBuf, ByteOrder, Dtype, DtypeKind, Field, Object, Order, Text, TextBuf, TimeUnit, Value,
};
use num_bigint::{BigInt, Sign};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

/// What every format can say: `null`, truth values, integers from -2^63 to 2^64 - 1, finite
/// floats, text without surrogates, lists, and maps with distinct text keys.
pub fn any_plain_value() -> impl Strategy<Value = Value> {
    nested(plain_scalar())
}

/// What JSON can say: as [`any_plain_value`], with integers of any size and lone surrogates.
pub fn any_json_value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        4 => plain_scalar(),
        1 => big_int().prop_map(Value::from),
        1 => any_text().prop_map(Value::Text),
    ];
    nested(scalar)
}

/// A tree of every kind of value there is, without marks (for those see
/// [`any_marked_value`](crate::any_marked_value)).
pub fn any_value() -> impl Strategy<Value = Value> {
    any_scalar().prop_recursive(5, 48, 6, |inner| {
        let items = || vec(inner.clone(), 0..6);
        prop_oneof![
            items().prop_map(Value::List),
            items().prop_map(Value::Tuple),
            items().prop_map(Value::Set),
            items().prop_map(Value::FrozenSet),
            vec((any_key(inner.clone()), inner.clone()), 0..6).prop_map(Value::Map),
            (any_name(), vec((any_name(), inner.clone()), 0..6)).prop_map(|(type_name, parts)| {
                Value::Object(Box::new(Object { type_name, parts }))
            }),
        ]
    })
}

/// Text, lone surrogates among it.
pub fn any_text() -> impl Strategy<Value = TextBuf> {
    prop_oneof![
        3 => any::<String>().prop_map(TextBuf::from),
        1 => vec(any_code_point(), 0..8).prop_map(|units| TextBuf::from(Text::Ucs4(&units))),
    ]
}

/// An array of a few elements, of any type there is.
///
/// # Panics
/// Never: it has as many bytes as its type and shape say.
pub fn any_array() -> impl Strategy<Value = ArrayBuf> {
    (any_dtype(), vec(0_u64..4, 0..4), any::<bool>(), any::<u8>()).prop_map(
        |(dtype, shape, fortran, seed)| {
            let size = shape.iter().product::<u64>() * dtype.itemsize() as u64;
            let data = (0..size).map(|i| seed.wrapping_add(i.to_le_bytes()[0]));
            let order = if fortran { Order::Fortran } else { Order::C };
            ArrayBuf::new(dtype, shape, order, data.collect()).expect("as many bytes as it says")
        },
    )
}

/// A type of array elements, records among them.
pub fn any_dtype() -> impl Strategy<Value = Dtype> {
    simple_dtype().prop_recursive(2, 8, 3, |inner| {
        vec((inner, vec(0_u64..3, 0..2), 0_usize..3, any::<bool>()), 1..3).prop_map(record)
    })
}

fn record(fields: Vec<(Dtype, Vec<u64>, usize, bool)>) -> Dtype {
    let mut itemsize = 0;
    let mut named = Vec::new();
    for (at, (dtype, shape, gap, titled)) in fields.into_iter().enumerate() {
        let count = usize::try_from(shape.iter().product::<u64>()).expect("small");
        let offset = itemsize + gap;
        itemsize = offset + count * dtype.itemsize();
        let title = titled.then(|| format!("title {at}"));
        named.push(Field { name: format!("field_{at}"), title, dtype, shape, offset });
    }
    Dtype::new(DtypeKind::Struct { fields: named, itemsize })
}

fn simple_dtype() -> impl Strategy<Value = Dtype> {
    let kinds = vec![
        DtypeKind::Bool,
        DtypeKind::Int(1),
        DtypeKind::Int(8),
        DtypeKind::Uint(2),
        DtypeKind::Float(2),
        DtypeKind::Float(4),
        DtypeKind::Complex(16),
        DtypeKind::BFloat16,
        DtypeKind::Float8E4M3,
        DtypeKind::Bytes(3),
        DtypeKind::Unicode(2),
        DtypeKind::Datetime(TimeUnit { count: 25, code: "us".into() }),
        DtypeKind::Timedelta(TimeUnit { count: 1, code: "generic".into() }),
        DtypeKind::Void(5),
    ];
    (prop::sample::select(kinds), any::<bool>()).prop_map(|(kind, big)| {
        let has_order = Dtype::new(kind.clone()).typestr().starts_with('<');
        let byte_order = if big && has_order { ByteOrder::Big } else { ByteOrder::Little };
        Dtype { kind, byte_order }
    })
}

fn nested<S>(scalar: S) -> impl Strategy<Value = Value>
where
    S: Strategy<Value = Value> + 'static,
{
    scalar.prop_recursive(5, 48, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::List),
            btree_map(any::<String>(), inner, 0..6)
                .prop_map(|entries: BTreeMap<String, Value>| entries.into_iter().collect()),
        ]
    })
}

fn plain_scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any_int().prop_map(Value::Int),
        ((1 << 63)..=u64::MAX).prop_map(Value::from),
        finite_float().prop_map(Value::Float),
        any::<String>().prop_map(Value::from),
    ]
}

pub(crate) fn any_scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => plain_scalar(),
        1 => big_int().prop_map(Value::from),
        1 => any_text().prop_map(Value::Text),
        1 => "\\${1,2}[a-z]{0,4}".prop_map(Value::from),
        1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY])
            .prop_map(Value::Float),
        1 => vec(any::<u8>(), 0..9).prop_map(Value::Bytes),
        1 => any_array().prop_map(Value::from),
    ]
}

/// Mostly text, and then mostly of the kind that trips the tagged form.
fn any_key(other: impl Strategy<Value = Value> + 'static) -> impl Strategy<Value = Value> {
    prop_oneof![3 => any_name().prop_map(Value::Text), 1 => other]
}

/// A name of a type, part or key, some with a meaning in the tagged form.
pub(crate) fn any_name() -> impl Strategy<Value = TextBuf> {
    prop_oneof![
        2 => "[a-z_.]{1,6}".prop_map(TextBuf::from),
        1 => "\\${1,3}(id|ref|type|items|array|)".prop_map(TextBuf::from),
        1 => "\\$?(list|tuple|dict|set|bytes|float|int|str|null|bool|ndarray|value|items)"
            .prop_map(TextBuf::from),
        1 => any_text(),
    ]
}

fn any_int() -> impl Strategy<Value = i64> {
    prop_oneof![any::<i64>(), -3_i64..300, Just(i64::MIN), Just(i64::MAX)]
}

fn finite_float() -> impl Strategy<Value = f64> {
    use prop::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    prop_oneof![
        POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO,
        (-1000_i32..1000).prop_map(|n| f64::from(n) / 8.0),
    ]
}

fn big_int() -> impl Strategy<Value = BigInt> {
    (any::<bool>(), vec(any::<u8>(), 8..40)).prop_map(|(negative, digits)| {
        let sign = if negative { Sign::Minus } else { Sign::Plus };
        BigInt::from_bytes_le(sign, &digits)
    })
}

fn any_code_point() -> impl Strategy<Value = u32> {
    prop_oneof![0_u32..0x100, 0xd7f0_u32..0xe010, 0x1_0000_u32..=0x10_ffff]
}

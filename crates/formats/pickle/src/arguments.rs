//! What the callables of the table may be called with: the same name can make data or a bomb.

use crate::abstract_heap::{AbstractHeap, Item, TrustPolicy};

/// Which argument is the class of what comes out, for functions that make instances of others.
pub(crate) fn class_made(module: &str, name: &str) -> Option<usize> {
    match (module, name) {
        ("copyreg", _)
        | ("array", "_array_reconstructor")
        | (_, "_mareconstruct" | "_mrreconstruct") => Some(0),
        (_, "_reconstruct") => module.starts_with("numpy.").then_some(0),
        _ => None,
    }
}

/// Why a callable may not be called with these arguments.
pub(crate) fn check<V: TrustPolicy>(
    heap: &AbstractHeap<'_, '_, V>,
    module: &str,
    name: &str,
    arguments: &[Item],
) -> Result<(), &'static str> {
    match (module, name) {
        ("copyreg", "_reconstructor") => reconstructor(heap, arguments),
        ("copyreg", _)
        | ("array", "_array_reconstructor")
        | (_, "_mareconstruct" | "_mrreconstruct") => class_first(heap, arguments),
        ("_codecs", "encode") => encoding(heap, arguments),
        ("builtins", "bytes" | "bytearray" | "list" | "tuple" | "set" | "frozenset" | "dict")
        | ("collections" | "_collections", "deque" | "Counter" | "OrderedDict")
        | ("array", "array") => plain(arguments),
        ("builtins", "str" | "int" | "float" | "complex" | "bool") => plain_scalar(arguments),
        ("fractions", "Fraction") => fraction(heap, arguments),
        ("builtins", "getattr") => member(heap, arguments),
        ("re", "_compile") => pattern(arguments),
        (_, "_reconstruct") if module.starts_with("numpy.") => empty_array(heap, arguments),
        (_, "_ufunc_reconstruct") => ufunc(heap, arguments),
        _ => Ok(()),
    }
}

const NO_CLASS: &str = "its first argument is no class that may be made";
const ALLOCATES: &str = "it would allocate what the file claims, or call what it is given";

fn class_first<V: TrustPolicy>(
    heap: &AbstractHeap<'_, '_, V>,
    arguments: &[Item],
) -> Result<(), &'static str> {
    let class = arguments.first().copied().and_then(|first| heap.class_of(first));
    class.map(drop).ok_or(NO_CLASS)
}

/// `copyreg._reconstructor(class, base, state)`: protocols 0 and 1.
fn reconstructor<V: TrustPolicy>(
    heap: &AbstractHeap<'_, '_, V>,
    arguments: &[Item],
) -> Result<(), &'static str> {
    let [_, base, state] = arguments else { return Err("it takes three arguments") };
    class_first(heap, arguments)?;
    let (module, name) = heap.class_of(*base).ok_or("its base is no class that may be made")?;
    if module != "builtins" && module != "__builtin__" {
        return Err("its base is no built-in type");
    }
    let sized = matches!(name, "bytes" | "bytearray") && matches!(state, Item::Int(_));
    if sized { Err(ALLOCATES) } else { Ok(()) }
}

/// Protocols 0 to 2 write bytes as text to be encoded.
fn encoding<V: TrustPolicy>(
    heap: &AbstractHeap<'_, '_, V>,
    arguments: &[Item],
) -> Result<(), &'static str> {
    let [_, encoding] = arguments else { return Err("it takes two arguments") };
    let known = ["latin1", "latin-1", "utf-8", "utf8", "ascii"];
    let is_known = heap.text_of(*encoding).is_some_and(|name| known.contains(&name));
    is_known.then_some(()).ok_or("its encoding is none that pickle writes")
}

/// Members of enums are attributes of their class in some releases of Python.
fn member<V: TrustPolicy>(
    heap: &AbstractHeap<'_, '_, V>,
    arguments: &[Item],
) -> Result<(), &'static str> {
    let [_, name] = arguments else { return Err("it takes a class and a name here") };
    class_first(heap, arguments)?;
    let is_plain = |name: &str| !name.starts_with('_') && !name.contains('.');
    let is_member = heap.text_of(*name).is_some_and(is_plain);
    is_member.then_some(()).ok_or("it reaches what is no member of an enum")
}

/// Containers of plain data, no counts and nothing that computes its items.
fn plain(arguments: &[Item]) -> Result<(), &'static str> {
    let suspicious = matches!(
        arguments.first(),
        Some(Item::Int(_) | Item::Global(_) | Item::Instance(_) | Item::Persistent)
    );
    if suspicious { Err(ALLOCATES) } else { Ok(()) }
}

fn plain_scalar(arguments: &[Item]) -> Result<(), &'static str> {
    let computed = |item: &Item| {
        matches!(item, Item::Global(_) | Item::Instance(_) | Item::Refused(_) | Item::Persistent)
    };
    if arguments.iter().any(computed) { Err("its argument is no plain data") } else { Ok(()) }
}

/// `Fraction("1e1000000000")` computes a number of as many digits.
fn fraction<V: TrustPolicy>(
    heap: &AbstractHeap<'_, '_, V>,
    arguments: &[Item],
) -> Result<(), &'static str> {
    plain_scalar(arguments)?;
    let powers = |item: &Item| heap.text_of(*item).is_some_and(|text| text.contains(['e', 'E']));
    if arguments.iter().any(powers) { Err(ALLOCATES) } else { Ok(()) }
}

/// `re._compile(pattern, flags)`; one of the flags prints.
fn pattern(arguments: &[Item]) -> Result<(), &'static str> {
    const DEBUG: i64 = 128;
    match arguments {
        [_, Item::Int(flags)] if flags & DEBUG != 0 => Err("it would print"),
        [_, Item::Int(_) | Item::Instance(_)] => Ok(()),
        _ => Err("it takes a pattern and flags"),
    }
}

/// `_reconstruct(class, shape, typecode)` makes an array that its state replaces: an empty one.
fn empty_array<V: TrustPolicy>(
    heap: &AbstractHeap<'_, '_, V>,
    arguments: &[Item],
) -> Result<(), &'static str> {
    class_first(heap, arguments)?;
    let shape = arguments.get(1).and_then(|shape| heap.tuple_of(*shape));
    match shape {
        Some([] | [Item::Int(0)]) => Ok(()),
        _ => Err("its shape is not that of an empty array"),
    }
}

/// `_ufunc_reconstruct(module, name)` imports a module.
fn ufunc<V: TrustPolicy>(
    heap: &AbstractHeap<'_, '_, V>,
    arguments: &[Item],
) -> Result<(), &'static str> {
    let module = arguments.first().and_then(|module| heap.text_of(*module));
    let name = arguments.get(1).and_then(|name| heap.text_of(*name));
    let known = [
        "numpy",
        "numpy.core.umath",
        "numpy._core.umath",
        "numpy.core._multiarray_umath",
        "numpy._core._multiarray_umath",
        "scipy.special._ufuncs",
        "scipy.special",
    ];
    let is_known = module.is_some_and(|module| known.contains(&module));
    let is_plain = name.is_some_and(|name| !name.contains('.') && !name.starts_with('_'));
    if is_known && is_plain { Ok(()) } else { Err("it would import a module that has no ufuncs") }
}

//! What the names of the table may be called with: the same name can make data, or call for others.

use super::Analyzer;
use super::analyzed::FEW_KEYS;
use super::arrays::arguments;
use super::dtypes::Element;
use super::finding::{GUARDED, Verdict};
use super::names::Special;
use super::symbol::{Symbol, SymbolKind};
use crate::policy::{Profile, Uses, is_pure};

/// Items that a computed sequence may have.
const MAX_ITEMS: u64 = 1 << 16;
/// Digits of a number that is written as text, and its exponent.
const MAX_DIGITS: u32 = 5000;
const MAX_EXPONENT: i64 = 100_000;

const CALLS: (Verdict, &str) = (Verdict::Danger, "it would call what the pickle gives it");
const OBJECTS_OF_BYTES: &str = "makes an array of objects out of bytes: addresses of its choice";
const NO_CLASS: (Verdict, &str) = (Verdict::Unknown, "with what is no class of its library");
const BOMB: (Verdict, &str) =
    (Verdict::Unknown, "it would make far more than the file holds: a resource bomb");

type Fault = (Verdict, &'static str);

/// What is looked at in the arguments of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    Sequence,
    Type,
    Iterator,
    /// Those that take iterators and give iterators.
    Lazy,
    Subscript,
    /// Numbers and texts, made of such.
    Scalar,
    Fraction,
    Decimal,
    /// Its first argument is called later, with the others.
    Partial,
    /// A class, and the one whose instance its state makes.
    Base,
    Ufunc,
    EmptyArray,
    /// Bytes, and the type of the elements that are made of them, which stands here.
    Numbers(usize),
    /// Its text is a program to old versions.
    Matrix,
    /// Its first two arguments are classes of `NumPy`.
    MaskedArray,
    Generator,
    /// Its first argument is a class of pandas.
    Index,
    Block,
    Tensor,
    /// A class made of its second argument, classes of mail's headers.
    Header,
    /// Its first argument is a pattern that is compiled, with the flags of the second.
    Pattern,
}

impl Check {
    /// What to look at when this name is called.
    pub(super) fn of(module: &str, name: &str) -> Option<Check> {
        Some(match (module, name) {
            ("builtins", "list" | "tuple" | "set" | "frozenset" | "dict")
            | ("collections" | "_collections", "deque" | "Counter" | "OrderedDict")
            | ("array", "array") => Check::Sequence,
            ("builtins", "type") => Check::Type,
            ("builtins", "iter") => Check::Iterator,
            ("builtins", "enumerate" | "zip" | "reversed") => Check::Lazy,
            ("operator" | "_operator", "getitem") => Check::Subscript,
            ("builtins", "int" | "float" | "complex" | "bool" | "str") => Check::Scalar,
            ("fractions", "Fraction") => Check::Fraction,
            ("decimal" | "_decimal", "Decimal") => Check::Decimal,
            ("functools", "partial") => Check::Partial,
            ("numpy" | "numpy.matrixlib.defmatrix", "matrix") => Check::Matrix,
            ("re", "_compile") => Check::Pattern,
            ("copyreg", "_reconstructor") => Check::Base,
            ("email.headerregistry", "_reconstruct_header") => Check::Header,
            ("torch._utils", _) if name.starts_with("_rebuild_") => Check::Tensor,
            _ if module.starts_with("numpy.") => Check::of_numpy(name)?,
            _ if module.starts_with("pandas.") => Check::of_pandas(name)?,
            _ => return None,
        })
    }

    fn of_numpy(name: &str) -> Option<Check> {
        Some(match name {
            "_ufunc_reconstruct" => Check::Ufunc,
            "_reconstruct" => Check::EmptyArray,
            "_frombuffer" => Check::Numbers(1),
            "scalar" => Check::Numbers(0),
            "_mareconstruct" | "_mrreconstruct" => Check::MaskedArray,
            "__generator_ctor" | "__bit_generator_ctor" | "__randomstate_ctor" => Check::Generator,
            _ => return None,
        })
    }

    fn of_pandas(name: &str) -> Option<Check> {
        match name {
            "make_block" => Some(Check::Block),
            _ if name.starts_with("_new_") && name.ends_with("Index") => Some(Check::Index),
            _ => None,
        }
    }
}

impl Analyzer<'_> {
    /// Calls a name whose arguments are looked at.
    pub(super) fn call_checked(&mut self, index: u32, args: Symbol, check: Check) -> Symbol {
        let fault = match check {
            Check::Sequence => {
                self.count_keys(index, args);
                self.check_sequence(args)
            }
            Check::Type => self.check_type(args),
            Check::Iterator => self.check_iterator(args),
            Check::Lazy => None,
            Check::Subscript => self.check_subscript(args),
            Check::Scalar => self.check_digits(args).or_else(|| self.check_scalar(args)),
            Check::Fraction => self.check_fraction(args).or_else(|| self.check_scalar(args)),
            Check::Decimal => self.check_exponent(args).or_else(|| self.check_scalar(args)),
            Check::Partial => self.check_partial(args),
            Check::Matrix => self.check_matrix(args),
            Check::Base => return self.reconstruct_checked(index, args),
            Check::Ufunc => return self.ufunc(index, args),
            Check::EmptyArray => self.check_empty_array(args),
            Check::Numbers(dtype) => self.check_numbers(args, dtype),
            Check::MaskedArray => self.check_classes(args, 2, "numpy."),
            Check::Generator => self.check_generator(args),
            Check::Index => self.check_classes(args, 1, "pandas."),
            Check::Block => self.check_block(args),
            Check::Tensor => self.check_tensor(index, args),
            Check::Header => self.check_header(args),
            Check::Pattern => {
                self.check_pattern(args);
                None
            }
        };
        match fault {
            None if self.names.get(index).uses.allows(Uses::CALL) => {
                super::arrays::instance(index, args)
            }
            None => self.call_unknown(index, args, "cannery does not know it"),
            Some((verdict, why)) => self.call_as(index, args, verdict, why),
        }
    }

    /// Loading counts for itself, and exactly: this is for those who only want to know.
    fn check_pattern(&mut self, args: Symbol) {
        let &[pattern, ref flags @ ..] = self.items(args) else { return };
        let flags = flags.first().filter(|flags| flags.kind() == SymbolKind::Int);
        let flags = flags.map_or(0, |flags| flags.at.cast_signed());
        let bytes = self.bytes(pattern).map(String::from_utf8_lossy);
        let Some(pattern) = self.text(pattern).or(bytes) else { return };
        if self.patterns.spend(&pattern, flags) {
            self.note_bomb("a pattern that takes long to compile: a resource bomb");
        }
    }

    /// Whether a guarded name among the arguments is where its library puts it.
    pub(super) fn takes_guarded(&self, callee: Symbol, args: Symbol) -> bool {
        let Some((class, rest)) = self.items(args).split_first() else { return false };
        callee.kind() == SymbolKind::Global
            && self.names.get(callee.size()).full.ends_with(".multiarray._reconstruct")
            && class.kind() == SymbolKind::Global
            && self.names.get(class.size()).special == Special::Memmap
            && rest.iter().all(|item| item.trail() != GUARDED)
    }

    /// A class that may be made, of a library whose names begin like this.
    fn is_class_of(&self, class: Symbol, library: &str) -> bool {
        class.kind() == SymbolKind::Global && {
            let name = self.names.get(class.size());
            // What is not in the table has its finding already.
            name.verdict != Verdict::Ok
                || (name.uses.allows(Uses::NEW) && name.full.starts_with(library))
        }
    }

    fn check_classes(&self, args: Symbol, count: usize, library: &str) -> Option<Fault> {
        let classes = self.items(args).get(..count);
        let is_fine = classes
            .is_some_and(|classes| classes.iter().all(|class| self.is_class_of(*class, library)));
        (!is_fine).then_some(NO_CLASS)
    }

    /// `_reconstruct(class, (0,), b"b")`: an empty array, which its state replaces.
    fn check_empty_array(&self, args: Symbol) -> Option<Fault> {
        let &[class, shape, ..] = self.items(args) else { return Some(NO_CLASS) };
        let is_class = class.kind() == SymbolKind::Global;
        let is_empty = |size: &Symbol| size.kind() == SymbolKind::Int && size.at == 0;
        match is_class
            && shape.kind() == SymbolKind::Tuple
            && self.items(shape).iter().all(is_empty)
        {
            true => None,
            false if is_class => Some((Verdict::Unknown, "with a shape that is not empty")),
            false => Some(NO_CLASS),
        }
    }

    /// Elements that are objects are addresses: made of bytes, they lead anywhere.
    fn check_numbers(&self, args: Symbol, dtype: usize) -> Option<Fault> {
        let items = self.items(args);
        let is_objects = self.element_size(*items.get(dtype)?) == Some(Element::Object);
        // A scalar of objects is made of an array that holds it.
        let is_of_array = dtype == 0 && items.get(1)?.kind() == SymbolKind::Instance;
        (is_objects && !is_of_array).then_some((Verdict::Danger, OBJECTS_OF_BYTES))
    }

    /// `BUILD` on an array: its shape, its dtype and its data.
    #[cold]
    pub(super) fn array_state(&mut self, state: Symbol) {
        let &[_, _, dtype, _, data, ..] = self.items(state) else { return };
        let is_bytes =
            data.is_text() || matches!(data.kind(), SymbolKind::Bytes | SymbolKind::Encoded);
        if is_bytes && self.element_size(dtype) == Some(Element::Object) {
            self.note_structure(Verdict::Danger, OBJECTS_OF_BYTES);
        }
    }

    /// `NEWOBJ` with arguments that make more than the file holds.
    pub(super) fn check_new(&self, index: u32, args: Symbol) -> Option<Fault> {
        let name = self.names.get(index);
        let first = self.items(args).first();
        let is_sized = first.is_some_and(|first| first.kind() == SymbolKind::Int);
        let is_array = name.profile == Some(Profile::Numpy)
            && matches!(
                name.full.rsplit('.').next(),
                Some("ndarray" | "recarray" | "chararray" | "matrix" | "void" | "bytes_" | "str_")
            );
        let allocates = (name.special == Special::Bytes && is_sized)
            || (is_array && first.is_some())
            || self.is_given_endless(args);
        allocates.then_some(BOMB)
    }

    /// `_reconstructor(class, base, state)`: the base is what is made of the state.
    fn reconstruct_checked(&mut self, index: u32, args: Symbol) -> Symbol {
        if let &[class, base, ..] = self.items(args) {
            let is_same = class.kind() == base.kind() && class.size() == base.size();
            if !is_same && !self.is_class_of(base, "builtins.") {
                return self.call_as(
                    index,
                    args,
                    NO_CLASS.0,
                    "with a base that is no class of data",
                );
            }
        }
        self.reconstruct(index, args)
    }

    /// The items of a list become keys, and nothing is known of them here.
    fn count_keys(&mut self, index: u32, args: Symbol) {
        const HASHED: [&str; 5] = ["set", "frozenset", "dict", "OrderedDict", "Counter"];
        let name = self.names.get(index).full.rsplit('.').next().unwrap_or_default();
        let has_list = self.items(args).iter().any(|item| item.kind() == SymbolKind::List);
        if has_list && HASHED.contains(&name) {
            self.keys += FEW_KEYS;
        }
    }

    /// A sequence of numbers that no file holds.
    fn check_sequence(&self, args: Symbol) -> Option<Fault> {
        self.items(args).iter().any(|item| self.is_endless(*item)).then_some(BOMB)
    }

    /// Whether a value stands for more items than the file holds: a long range, or an iterator.
    fn is_endless(&self, item: Symbol) -> bool {
        let is_long = |bound: &Symbol| {
            bound.kind() != SymbolKind::Int || bound.at.cast_signed().unsigned_abs() > MAX_ITEMS
        };
        item.kind() == SymbolKind::Instance
            && match self.names.get(item.size()).full.as_str() {
                "builtins.range" => self.items(arguments(item)).iter().any(is_long),
                "builtins.iter" | "builtins.enumerate" | "builtins.zip" | "builtins.reversed" => {
                    true
                }
                _ => false,
            }
    }

    /// Whether a call whose arguments are not looked at otherwise is given such a sequence.
    #[inline]
    pub(super) fn is_given_endless(&self, args: Symbol) -> bool {
        let is_made = |item: &Symbol| item.kind() == SymbolKind::Instance;
        self.items(args).iter().any(|item| is_made(item) && self.is_endless(*item))
    }

    /// Notes such a call.
    #[cold]
    pub(super) fn call_endless(&mut self, index: u32, args: Symbol) -> Symbol {
        self.call_as(index, args, BOMB.0, BOMB.1)
    }

    /// A number of more digits than Python reads.
    fn check_digits(&self, args: Symbol) -> Option<Fault> {
        let is_long = |item: &Symbol| item.is_text() && item.size() > MAX_DIGITS;
        self.items(args).first().is_some_and(is_long).then_some(BOMB)
    }

    /// `Decimal("1e1000000000")` is short, and long as soon as it is an integer.
    fn check_exponent(&self, args: Symbol) -> Option<Fault> {
        let is_large = |item: &Symbol| {
            self.text(*item).is_some_and(|text| {
                let exponent = text.rsplit_once(['e', 'E']).map(|(_, exponent)| exponent.trim());
                exponent.is_some_and(|exponent| {
                    exponent.parse::<i64>().map_or(true, |e| e.abs() > MAX_EXPONENT)
                })
            })
        };
        self.items(args).iter().any(is_large).then_some(BOMB)
    }

    /// `partial(function, ...)`: for functions that do nothing but compute.
    fn check_partial(&self, args: Symbol) -> Option<Fault> {
        let items = self.items(args);
        let is_pure = |callee: &Symbol| {
            callee.kind() == SymbolKind::Global
                && self
                    .names
                    .get(callee.size())
                    .full
                    .rsplit_once('.')
                    .is_some_and(|(module, name)| is_pure(module, name))
        };
        let is_plain = |item: &Symbol| {
            !matches!(item.kind(), SymbolKind::Global | SymbolKind::Instance | SymbolKind::Opaque)
        };
        match items.split_first() {
            Some((callee, rest)) if is_pure(callee) && rest.iter().all(is_plain) => None,
            Some((callee, _)) if callee.kind() == SymbolKind::Global => {
                Some((Verdict::Unknown, "it makes a function that calls another one"))
            }
            _ => Some(CALLS),
        }
    }

    /// `type(None)` is a type, and a call with three arguments makes one.
    fn check_type(&self, args: Symbol) -> Option<Fault> {
        let is_one = self.items(args).len() == 1;
        (!is_one).then_some((Verdict::Unknown, "it makes a class"))
    }

    /// `iter(items)` is data, and `iter(function, end)` calls a function.
    fn check_iterator(&self, args: Symbol) -> Option<Fault> {
        let is_one = self.items(args).len() == 1;
        (!is_one).then_some(CALLS)
    }

    /// `Union[int, str]` of `typing`; subscripts of other values are no data.
    fn check_subscript(&self, args: Symbol) -> Option<Fault> {
        let is_typing = self.items(args).first().is_some_and(|&of| {
            of.kind() == SymbolKind::Global && self.names.get(of.size()).full.starts_with("typing.")
        });
        (!is_typing).then_some((Verdict::Unknown, "it looks up an item of what it is given"))
    }

    /// `reduce(operator.or_, members)` joins flags of an enum, or types.
    pub(super) fn call_reduce(&mut self, index: u32, args: Symbol) -> Symbol {
        let is_join = |callee: &Symbol| {
            callee.kind() == SymbolKind::Global
                && matches!(
                    self.names.get(callee.size()).full.as_str(),
                    "operator.or_" | "_operator.or_"
                )
        };
        if self.items(args).first().is_some_and(is_join) {
            return super::arrays::instance(index, args);
        }
        self.call_as(index, args, Verdict::Danger, "calls any function")
    }

    /// `int(Decimal("1e1000000000"))` computes for hours.
    fn check_scalar(&self, args: Symbol) -> Option<Fault> {
        let is_made =
            |item: &Symbol| matches!(item.kind(), SymbolKind::Instance | SymbolKind::Opaque);
        let is_made = self.items(args).iter().any(is_made);
        is_made.then_some((Verdict::Unknown, "it would compute with what is no plain data"))
    }

    /// `matrix("...")` evaluates its text in old versions of `NumPy`.
    pub(super) fn check_matrix(&self, args: Symbol) -> Option<Fault> {
        let has_text = self.items(args).iter().any(|item| item.is_text());
        has_text.then_some((Verdict::Danger, "old versions of NumPy run the text as Python code"))
    }

    /// `Fraction("1e1000000000")` is a number of as many digits.
    fn check_fraction(&self, args: Symbol) -> Option<Fault> {
        let has_power =
            |item: &Symbol| self.text(*item).is_some_and(|text| text.contains(['e', 'E']));
        self.items(args).iter().any(has_power).then_some(BOMB)
    }

    /// `__generator_ctor(bit_generator, constructor)` calls the second with the first.
    fn check_generator(&self, args: Symbol) -> Option<Fault> {
        let is_own = |item: &Symbol| match item.kind() {
            SymbolKind::Global | SymbolKind::Instance => {
                self.names.get(item.size()).full.starts_with("numpy.random.")
            }
            _ => item.is_text() || item.kind() == SymbolKind::None,
        };
        (!self.items(args).iter().all(is_own)).then_some(CALLS)
    }

    /// `_reconstruct_header(name, bases, text)` makes a class, and an instance of it.
    fn check_header(&self, args: Symbol) -> Option<Fault> {
        let &[name, bases, text] = self.items(args) else { return Some(NO_CLASS) };
        let is_fine = name.is_text()
            && text.is_text()
            && bases.kind() == SymbolKind::Tuple
            && self
                .items(bases)
                .iter()
                .all(|base| self.is_class_of(*base, "email.headerregistry."));
        (!is_fine).then_some(NO_CLASS)
    }

    /// `make_block(values, placement, klass)` calls the third.
    fn check_block(&self, args: Symbol) -> Option<Fault> {
        let items = self.items(args);
        let is_own =
            |item: &Symbol| item.kind() != SymbolKind::Global || self.is_class_of(*item, "pandas.");
        (!items.iter().all(is_own)).then_some(CALLS)
    }

    /// `_ufunc_reconstruct(module, name)` imports a module and looks up any name in it.
    fn ufunc(&mut self, index: u32, args: Symbol) -> Symbol {
        const MODULES: [&str; 7] = [
            "numpy",
            "numpy.core.umath",
            "numpy._core.umath",
            "numpy.core._multiarray_umath",
            "numpy._core._multiarray_umath",
            "scipy.special._ufuncs",
            "scipy.special",
        ];
        let texts = match self.items(args) {
            &[module, name] => self.text(module).zip(self.text(name)),
            _ => None,
        };
        let Some((module, name)) = texts else {
            return self.call_as(
                index,
                args,
                Verdict::Danger,
                "imports a module whose name is made",
            );
        };
        let named = self.names.intern(&module, &name);
        let is_plain = !name.contains('.') && !name.starts_with('_');
        if MODULES.contains(&&*module) && is_plain && self.names.get(named).what.is_empty() {
            return super::arrays::instance(index, args);
        }
        let verdict = self.names.get(named).verdict.max(Verdict::Unknown);
        let trail =
            self.call_as(index, args, verdict, "imports a module that has no ufuncs").trail();
        Symbol::new(SymbolKind::Global, named, 0).with_trail(trail)
    }
}

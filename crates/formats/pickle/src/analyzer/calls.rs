//! Names, calls and states: what a pickle can do beyond making data.

use std::borrow::Cow;

use super::arguments::Check;
use super::arrays::{arguments, instance};
use super::finding::{Finding, GUARDED, UseKind, Verdict};
use super::names::Special;
use super::symbol::{Symbol, SymbolKind};
use super::{Analyzer, AnalyzerOptions, Checked, MAX_NESTING, Note, Storage, Trace};
use crate::policy::{Profile, Uses, danger, is_importable, python3_name};
use crate::scan;

/// The largest number of zeros that `bytes(n)` may be asked for.
const MAX_ZEROS: u64 = 1 << 20;
const FIRST_PROTOCOL_OF_PYTHON_3: u8 = 3;

impl<'a> Analyzer<'a> {
    /// Notes something that is about no name.
    #[cold]
    pub(super) fn note_structure(&mut self, verdict: Verdict, reason: &str) -> u16 {
        self.note_about(String::new(), verdict, reason.to_owned(), UseKind::Calls).1
    }

    /// Notes what takes memory or time without end.
    #[cold]
    pub(super) fn note_bomb(&mut self, reason: &str) {
        // The builder of the objects counts for itself: it is no misuse.
        let noted = self.trace.len();
        self.note_structure(Verdict::Unknown, reason);
        if self.options.trace == Trace::Violations {
            self.trace.truncate(noted);
        }
    }

    fn note_about(
        &mut self,
        name: String,
        verdict: Verdict,
        reason: String,
        deed: UseKind,
    ) -> (Option<usize>, u16) {
        let is_misuse = name.is_empty();
        self.keep_trace(&name, is_misuse, verdict, &reason);
        self.draft(name, verdict, reason, deed)
    }

    fn draft(
        &mut self,
        name: String,
        verdict: Verdict,
        reason: String,
        deed: UseKind,
    ) -> (Option<usize>, u16) {
        let finding = self.finding(name, verdict, reason);
        let same =
            |other: &Finding| other.reason == finding.reason && other.verdict == finding.verdict;
        if self.trails.drafts.iter().any(|draft| same(&draft.finding)) {
            return (None, 0);
        }
        self.trails.add(finding, deed).map_or((None, 0), |(index, trail)| (Some(index), trail))
    }

    fn finding(&self, name: String, verdict: Verdict, reason: String) -> Finding {
        Finding {
            name,
            opcode: self.opcode.name(),
            ..Finding::of_file(verdict, self.offset as u64, reason)
        }
    }

    /// Keeps a note, if it was asked for; a misuse is of a name of the table, or of none.
    fn keep_trace(&mut self, name: &str, is_misuse: bool, verdict: Verdict, reason: &str) {
        let wanted = match self.options.trace {
            Trace::Nothing => false,
            Trace::Violations => is_misuse,
            Trace::Everything => true,
        };
        if wanted {
            let (name, reason) = (name.to_owned(), reason.to_owned());
            self.trace.push(Note { offset: self.offset, verdict, name, reason });
        }
    }

    /// Whether there is nothing new to say about a name that is used like this.
    fn is_settled(&self, name: u32, verdict: Verdict, deed: UseKind) -> bool {
        let name = self.names.get(name);
        let is_wanted = match self.options.trace {
            Trace::Nothing => false,
            Trace::Violations => name.verdict == Verdict::Ok,
            Trace::Everything => true,
        };
        !is_wanted
            && name.finding.is_some_and(|known| {
                let draft = &self.trails.drafts[known];
                (draft.finding.verdict, draft.deed) >= (verdict, deed)
            })
    }

    /// Notes what is done with a name: the first time, and when it becomes worse.
    #[cold]
    fn note(&mut self, name: u32, verdict: Verdict, deed: UseKind, reason: String) -> u16 {
        let index = name as usize;
        let full = self.names.list[index].full.clone();
        let is_misuse = self.names.list[index].verdict == Verdict::Ok;
        self.keep_trace(&full, is_misuse, verdict, &reason);
        let Some(known) = self.names.list[index].finding else {
            let (finding, trail) = self.draft(full, verdict, reason, deed);
            self.names.list[index].finding = finding;
            return trail;
        };
        let draft = &self.trails.drafts[known];
        if (draft.finding.verdict, draft.deed) >= (verdict, deed) {
            return 0;
        }
        let finding = self.finding(full, verdict, reason);
        self.trails.replace(known, finding, deed)
    }

    /// `GLOBAL`: looks up a name, and with it imports its module.
    pub(super) fn global(&mut self, module: &str, name: &str) {
        self.imports |= is_importable(module);
        let index = self.names.intern(module, name);
        let mut symbol = self.refer(index);
        if self.protocol >= FIRST_PROTOCOL_OF_PYTHON_3
            && self.names.get(index).verdict == Verdict::Ok
            && python3_name(module, name) != (module, name)
        {
            let reason = format!("imports {module}.{name} by the name that Python 2 has for it");
            let trail = self.note(index, Verdict::Unknown, UseKind::Refers, reason);
            symbol = symbol.with_trail(trail);
        }
        self.stack.push(symbol);
    }

    fn refer(&mut self, index: u32) -> Symbol {
        let name = self.names.get(index);
        let symbol = Symbol::new(SymbolKind::Global, index, 0);
        if name.special.is_guarded() && name.verdict == Verdict::Ok {
            return symbol.with_trail(GUARDED);
        }
        if name.verdict == Verdict::Ok || self.is_settled(index, name.verdict, UseKind::Refers) {
            return symbol;
        }
        let reason = match name.verdict {
            Verdict::Danger => format!("refers to {}: {}", name.full, name.what),
            _ => format!("imports {}, which cannery does not know", name.full),
        };
        let trail = self.note(index, name.verdict, UseKind::Refers, reason);
        symbol.with_trail(trail)
    }

    pub(super) fn stack_global(&mut self) -> Checked {
        let (name, module) = (self.pop()?, self.pop()?);
        if let (Some(module), Some(name)) = (self.text(module), self.text(name)) {
            self.global(&module, &name);
            return Ok(());
        }
        let shown = format!("{}, {}", self.show(module), self.show(name));
        let reason = format!("looks up a name that is made while loading: {shown}");
        // Text and data only come from the stream; computing a name hides it.
        let trail = self.note_structure(Verdict::Danger, &reason);
        self.stack.push(Symbol::new(SymbolKind::Opaque, 0, 0).with_trail(trail));
        Ok(())
    }

    pub(super) fn extension(&mut self, code: i64) {
        if let Some((module, name)) = self.extensions.get(&code).cloned() {
            return self.global(&module, &name);
        }
        self.imports = true;
        let reason = format!("extension code {code}: what it stands for is not in the file");
        let trail = self.note_structure(Verdict::Unknown, &reason);
        self.stack.push(Symbol::new(SymbolKind::Opaque, 0, 0).with_trail(trail));
    }

    /// `REDUCE`, `INST` and `OBJ`: calls a value with the items of another.
    #[inline]
    pub(super) fn call(&mut self, callee: Symbol, args: Symbol) {
        let result = match callee.kind() {
            SymbolKind::Global => {
                let name = self.names.get(callee.size());
                let is_free = name.special == Special::Nothing && name.uses.allows(Uses::CALL);
                if is_free && !self.is_given_endless(args) {
                    instance(callee.size(), args)
                } else if is_free {
                    self.call_endless(callee.size(), args)
                } else {
                    self.call_name(callee.size(), args)
                }
            }
            _ => self.call_value(callee, args),
        };
        let trail = if callee.trail() | args.trail() | result.trail() == 0 {
            0
        } else {
            let args = if self.takes_guarded(callee, args) {
                let class = self.items(args)[0];
                self.names.set_used(class.size());
                0
            } else {
                self.settled_trail(args)
            };
            let trail = self.merge(unguarded(callee), args);
            self.merge(trail, result.trail())
        };
        self.stack.push(result.with_trail(trail));
    }

    /// A guarded name that is kept: a caller may call it with anything.
    pub(super) fn keep_guarded(&mut self, index: u32) -> u16 {
        let name = self.names.get(index);
        let what = match name.special {
            Special::GetAttribute => "reaches any attribute of what it is called with",
            Special::Reduce => "calls any function",
            Special::NestedStorage => "reads any pickle",
            _ => "opens and overwrites files",
        };
        let reason = format!("keeps {} for other code to call: it {what}", name.full);
        self.note(index, Verdict::Unknown, UseKind::Refers, reason)
    }

    fn call_value(&mut self, callee: Symbol, args: Symbol) -> Symbol {
        let made_by = match callee.kind() {
            SymbolKind::Instance => self.names.get(callee.size()).special,
            _ => Special::Nothing,
        };
        let (verdict, what) = match (callee.kind(), made_by) {
            (_, Special::Function) => {
                (Verdict::Danger, "calls a function whose code is in the pickle")
            }
            (_, Special::Code) => (Verdict::Unknown, "uses code that is in the pickle"),
            (_, Special::Getter) => {
                (Verdict::Danger, "reaches an attribute or a method by its name")
            }
            (SymbolKind::Opaque | SymbolKind::Instance | SymbolKind::Persistent, _) => {
                (Verdict::Unknown, "calls what another call returned")
            }
            _ => (Verdict::Unknown, "calls what is no function"),
        };
        let call = format!("{}({})", self.show(callee), self.show_arguments(args));
        let trail = self.note_structure(verdict, &format!("{what}: {call}"));
        Symbol::new(SymbolKind::Opaque, 0, 0).with_trail(trail)
    }

    #[cold]
    fn call_name(&mut self, index: u32, args: Symbol) -> Symbol {
        self.names.set_used(index);
        match self.names.get(index).special {
            Special::Reconstructor => self.reconstruct(index, args),
            Special::GetAttribute => self.get_attribute(index, args),
            Special::Import => self.import(index, args),
            Special::Nested | Special::NestedStorage => self.nested(index, args),
            Special::Apply => self.apply(index, args),
            Special::Encode => self.encode(index, args),
            Special::Bytes => self.make_bytes(index, args),
            // It is made, and given its state, without a call.
            Special::ArrayWrapper => self.call_unknown(index, args, "where it is only made"),
            Special::Dtype => instance(index, args),
            Special::Checked(check) => self.call_checked(index, args, check),
            Special::Reduce => self.call_reduce(index, args),
            Special::Memmap => self.call_as(index, args, Verdict::Danger, "opens files"),
            Special::Code | Special::Function => {
                let verb = "makes code that runs when it is called";
                self.call_unknown(index, args, verb)
            }
            Special::TypeName => self.type_name(index, args),
            Special::Getter | Special::Nothing => {
                self.call_unknown(index, args, "cannery does not know it")
            }
        }
    }

    pub(super) fn call_unknown(&mut self, index: u32, args: Symbol, why: &'static str) -> Symbol {
        self.call_as(index, args, Verdict::Unknown, why)
    }

    /// Notes a call that is at least as bad as this.
    pub(super) fn call_as(
        &mut self,
        index: u32,
        args: Symbol,
        least: Verdict,
        why: &'static str,
    ) -> Symbol {
        let name = self.names.get(index);
        let why = if name.verdict == Verdict::Danger { name.what } else { why };
        let verdict = name.verdict.max(least);
        if self.is_settled(index, verdict, UseKind::Calls) {
            return instance(index, args);
        }
        let reason = format!("calls {}({}): {why}", name.full, self.show_arguments(args));
        let trail = self.note(index, verdict, UseKind::Calls, reason);
        instance(index, args).with_trail(trail)
    }

    /// `copyreg._reconstructor(cls, base, state)` and `copyreg.__newobj__(cls, ...)`.
    pub(super) fn reconstruct(&mut self, index: u32, args: Symbol) -> Symbol {
        let Some(&class) = self.items(args).first() else {
            return self.call_unknown(index, args, "without a class");
        };
        self.make_instance(class, args)
    }

    /// `getattr(value, name)`: a name like any other, if its value is one.
    fn get_attribute(&mut self, index: u32, args: Symbol) -> Symbol {
        let &[of, name, ..] = self.items(args) else {
            return self.call_unknown(index, args, "cannery does not know it");
        };
        let attribute = self.text(name);
        let (SymbolKind::Global, Some(attribute)) = (of.kind(), &attribute) else {
            let dotted = format!("_.{}", attribute.as_deref().unwrap_or("__dict__"));
            let hidden = danger("", &dotted).is_some();
            if hidden || of.kind() == SymbolKind::Opaque {
                let call = self.show_arguments(args);
                let reason = format!("reaches an attribute that is not data: getattr({call})");
                let trail = self.note_structure(Verdict::Danger, &reason);
                return Symbol::new(SymbolKind::Opaque, 0, 0).with_trail(trail);
            }
            return self.call_unknown(index, args, "a method or an attribute of an object");
        };
        let full = self.names.get(of.size()).full.clone();
        self.lookup(&full, attribute)
    }

    /// The attribute of a name, analyzed as that name in its module and as one of the module.
    fn lookup(&mut self, full: &str, attribute: &str) -> Symbol {
        let (module, name) = full.rsplit_once('.').unwrap_or((full, ""));
        let as_attribute = self.names.intern(module, &join(name, attribute));
        if self.names.get(as_attribute).verdict == Verdict::Danger {
            return self.refer(as_attribute);
        }
        let as_module = self.names.intern(full, attribute);
        if self.names.get(as_module).verdict == Verdict::Danger {
            return self.refer(as_module);
        }
        self.refer(as_attribute)
    }

    /// `__import__(name)` and its like; the module is a name that attributes are read from.
    fn import(&mut self, index: u32, args: Symbol) -> Symbol {
        let trail = self.call_unknown(index, args, "imports a module").trail();
        let Some(path) = self.items(args).first().and_then(|&name| self.text(name)) else {
            return Symbol::new(SymbolKind::Opaque, 0, 0).with_trail(trail);
        };
        let (module, name) = path.rsplit_once('.').unwrap_or(("", &path));
        let module = self.names.intern(module, name);
        let full = self.names.list[module as usize].full.trim_start_matches('.').to_owned();
        self.names.list[module as usize].full = full;
        Symbol::new(SymbolKind::Global, module, 0).with_trail(trail)
    }

    /// `_builtin_type("CodeType")`: a type by its name in `types` or `builtins`.
    fn type_name(&mut self, index: u32, args: Symbol) -> Symbol {
        let trail = self.call_unknown(index, args, "looks up a type by its name").trail();
        let name = self.items(args).first().and_then(|&name| self.text(name));
        let Some(name) = name else {
            return Symbol::new(SymbolKind::Opaque, 0, 0).with_trail(trail);
        };
        let named = self.lookup("types", &name);
        named.with_trail(trail)
    }

    /// `pickle.loads(data)`: analyzes what it would read.
    fn nested(&mut self, index: u32, args: Symbol) -> Symbol {
        let full = self.names.get(index).full.clone();
        let data = self.items(args).first().and_then(|&data| self.constant(data));
        let (verdict, why) = match data {
            None => (Verdict::Danger, "reads a pickle that is made while loading".to_owned()),
            Some(_) if self.options.nesting >= MAX_NESTING => {
                (Verdict::Unknown, "pickles nested too deeply".to_owned())
            }
            Some(data) => self.analyze_nested(&full, &data),
        };
        if verdict == Verdict::Ok {
            return instance(index, args);
        }
        let reason = format!("calls {full}: {why}");
        let trail = self.note(index, verdict, UseKind::Calls, reason);
        Symbol::new(SymbolKind::Opaque, 0, 0).with_trail(trail)
    }

    fn analyze_nested(&mut self, full: &str, data: &[u8]) -> (Verdict, String) {
        let options = AnalyzerOptions { nesting: self.options.nesting + 1, ..self.options };
        let is_torch = full.starts_with("torch.");
        let report = scan::analyze_inner(data, is_torch, options);
        let is_checkpoint = is_torch && report.pickles > 0;
        let least = if is_checkpoint { Verdict::Ok } else { Verdict::Unknown };
        let why = match report.findings.first() {
            Some(finding) => format!("the pickle inside {}", finding.reason),
            None => "reads another pickle".to_owned(),
        };
        for finding in report.findings {
            let name = finding.name.clone();
            let reason = format!("inside the pickle in the pickle: {}", finding.reason);
            self.note_about(name, finding.verdict, reason, UseKind::Calls);
        }
        (report.verdict.max(least), why)
    }

    /// The bytes that a value stands for, if they are known.
    fn constant(&self, symbol: Symbol) -> Option<Cow<'a, [u8]>> {
        match symbol.kind() {
            SymbolKind::Bytes => self.bytes(symbol).map(Cow::Borrowed),
            SymbolKind::Encoded => {
                let text = self.text(*self.tuples.get(usize::try_from(symbol.at).ok()?)?)?;
                let bytes: Option<Vec<u8>> =
                    text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
                Some(Cow::Owned(bytes.unwrap_or_else(|| text.as_bytes().to_vec())))
            }
            SymbolKind::Instance if self.names.get(symbol.size()).special == Special::Bytes => {
                self.constant(*self.items(arguments(symbol)).first()?)
            }
            _ if symbol.is_text() => Some(match self.text(symbol)? {
                Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                Cow::Owned(text) => Cow::Owned(text.into_bytes()),
            }),
            _ => None,
        }
    }

    /// Calls its first argument with its third: `torch._tensor._rebuild_from_type_v2`.
    fn apply(&mut self, index: u32, args: Symbol) -> Symbol {
        let &[callee, _, inner, ..] = self.items(args) else {
            return self.call_unknown(index, args, "without a function");
        };
        self.call(callee, inner);
        let result = self.stack.pop().map_or(0, super::symbol::Symbol::trail);
        instance(index, args).with_trail(result)
    }

    /// `_codecs.encode(text, "latin1")`: the bytes of Python 2.
    fn encode(&mut self, index: u32, args: Symbol) -> Symbol {
        let items = self.items(args);
        let encoding = items.get(1).and_then(|&encoding| self.text(encoding));
        let is_plain = matches!(
            encoding.as_deref(),
            None | Some("latin1" | "latin-1" | "iso-8859-1" | "utf-8" | "utf8" | "ascii")
        );
        match items {
            [text] | [text, _] if is_plain && text.is_text() => {
                Symbol::new(SymbolKind::Encoded, 0, args.at)
            }
            _ => self.call_unknown(index, args, "with an encoding that data does not need"),
        }
    }

    fn make_bytes(&mut self, index: u32, args: Symbol) -> Symbol {
        if let &[size] = self.items(args)
            && size.kind() == SymbolKind::Int
            && size.at > MAX_ZEROS
        {
            let reason = format!("makes {} zeros out of nothing: a resource bomb", size.at);
            let trail = self.note_structure(Verdict::Unknown, &reason);
            return Symbol::DATA.with_trail(trail);
        }
        self.call_checked(index, args, Check::Sequence)
    }

    /// `NEWOBJ` and `NEWOBJ_EX`: makes an instance of a class.
    #[inline]
    pub(super) fn make(&mut self, class: Symbol, args: Symbol) {
        let made = self.make_instance(class, args);
        let trail = if class.trail() | args.trail() | made.trail() == 0 {
            0
        } else {
            let args = self.settled_trail(args);
            let trail = self.merge(unguarded(class), args);
            self.merge(trail, made.trail())
        };
        self.stack.push(made.with_trail(trail));
    }

    #[inline]
    fn make_instance(&mut self, class: Symbol, args: Symbol) -> Symbol {
        if class.kind() != SymbolKind::Global {
            return self.call_value(class, args);
        }
        let name = self.names.get(class.size());
        if !name.uses.allows(Uses::NEW) && name.special != Special::ArrayWrapper {
            return self.make_unknown(class.size(), args);
        }
        let needs_look = name.special != Special::Nothing
            || name.profile == Some(Profile::Numpy)
            || self.is_given_endless(args);
        if needs_look && let Some((verdict, why)) = self.check_new(class.size(), args) {
            return self.call_as(class.size(), args, verdict, why);
        }
        if name.special == Special::Checked(Check::Matrix)
            && let Some((verdict, why)) = self.check_matrix(args)
        {
            return self.call_as(class.size(), args, verdict, why);
        }
        instance(class.size(), args)
    }

    fn make_unknown(&mut self, index: u32, args: Symbol) -> Symbol {
        let name = self.names.get(index);
        if self.is_settled(index, name.verdict.max(Verdict::Unknown), UseKind::Makes) {
            return instance(index, args);
        }
        let why = match name.verdict {
            Verdict::Danger => name.what,
            _ => "cannery does not know it",
        };
        let reason = format!("makes an instance of {}: {why}", name.full);
        let verdict = name.verdict.max(Verdict::Unknown);
        let trail = self.note(index, verdict, UseKind::Makes, reason);
        instance(index, args).with_trail(trail)
    }

    /// `BUILD`: gives a value its state.
    #[inline]
    pub(super) fn build(&mut self) -> Checked {
        self.below(2)?;
        let state = self.pop()?;
        let top = self.stack.len() - 1;
        let object = self.stack[top];
        if object.kind() == SymbolKind::Instance
            && let Special::Checked(Check::EmptyArray | Check::MaskedArray) =
                self.names.get(object.size()).special
        {
            self.array_state(state);
        }
        if state.trail() != 0 {
            let inner = self.settled_trail(state);
            let trail = self.merge(unguarded(object), inner);
            self.stack[top].set_trail(trail);
        }
        if object.kind() == SymbolKind::Instance {
            let name = self.names.get(object.size());
            if name.special == Special::ArrayWrapper {
                return self.raw_array(state);
            }
            if name.special == Special::Dtype {
                self.dtype_state(object, state);
                return Ok(());
            }
            if name.uses.allows(Uses::STATE) || name.verdict != Verdict::Ok {
                // Those that are not ok were noted when they were made.
                return Ok(());
            }
        }
        self.build_other(top);
        Ok(())
    }

    #[cold]
    fn build_other(&mut self, top: usize) {
        let object = self.stack[top];
        let shown = self.show(object);
        let (verdict, reason) = match object.kind() {
            SymbolKind::Global => {
                (Verdict::Danger, format!("changes the attributes of {shown} itself"))
            }
            SymbolKind::Opaque | SymbolKind::Instance | SymbolKind::Persistent => {
                (Verdict::Unknown, format!("sets the state of {shown}"))
            }
            _ => (Verdict::Unknown, format!("sets the state of {shown}, which has none")),
        };
        let trail = self.note_structure(verdict, &reason);
        let trail = self.merge(unguarded(self.stack[top]), trail);
        self.stack[top].set_trail(trail);
    }

    /// Items put into something that is no plain list, set or dict.
    #[inline]
    pub(super) fn check_items(&mut self, into: Symbol) {
        if into.kind() == SymbolKind::Instance {
            let name = self.names.get(into.size());
            if name.uses.allows(Uses::ITEMS) || name.verdict != Verdict::Ok {
                return;
            }
        }
        self.items_into_other(into);
    }

    #[cold]
    fn items_into_other(&mut self, into: Symbol) {
        let shown = self.show(into);
        let verdict =
            if into.kind() == SymbolKind::Global { Verdict::Danger } else { Verdict::Unknown };
        self.note_structure(verdict, &format!("puts items into {shown}"));
    }

    /// `PERSID` and `BINPERSID`: asks the reader of the pickle for an object.
    pub(super) fn persistent(&mut self, id: Symbol) {
        if let Some(class) = self.module_class(id) {
            return self.stack.push(class);
        }
        let storage = self.storage(id);
        let is_expected = self.options.persistent_ids || storage.is_some();
        // Its place among the storages, counted from 1.
        let place = storage.as_ref().map_or(0, |_| self.storages.len() as u64 + 1);
        self.storages.extend(storage);
        let trail = self.settled_trail(id);
        let mut symbol = Symbol::new(SymbolKind::Persistent, 0, place).with_trail(trail);
        if !is_expected {
            let reason = format!("asks its reader for the object that it calls {}", self.show(id));
            let trail = self.note_structure(Verdict::Unknown, &reason);
            symbol.set_trail(self.merge(symbol.trail(), trail));
        }
        self.stack.push(symbol);
    }

    /// The class in `("module", class, file, source)`, by which `PyTorch` kept its source with it.
    fn module_class(&self, id: Symbol) -> Option<Symbol> {
        let &[kind, class, file, source] = self.items(id) else { return None };
        let is_module = self.text(kind)? == "module" && self.options.persistent_ids;
        let is_source = |part: Symbol| part.is_text() || part.kind() == SymbolKind::None;
        (is_module && class.kind() == SymbolKind::Global && is_source(file) && is_source(source))
            .then_some(class)
    }

    /// `PyTorch`'s `("storage", type, key, location, count)`, in legacy files with a view behind.
    fn storage(&self, id: Symbol) -> Option<Storage> {
        let &[kind, class, key, _, elements, ref rest @ ..] = self.items(id) else { return None };
        if self.text(kind)? != "storage"
            || class.kind() != SymbolKind::Global
            || elements.kind() != SymbolKind::Int
        {
            return None;
        }
        let view = rest.first().map_or(&[][..], |&view| self.items(view));
        let view =
            view.get(2).filter(|size| size.kind() == SymbolKind::Int).unwrap_or(&elements).at;
        let class = self.names.get(class.size()).full.rsplit('.').next()?.to_owned();
        Some(Storage { key: self.text(key)?.into_owned(), class, elements: elements.at, view })
    }
}

/// The trail of a value that is called or changed itself.
fn unguarded(value: Symbol) -> u16 {
    if value.trail() == GUARDED { 0 } else { value.trail() }
}

fn join(name: &str, attribute: &str) -> String {
    if name.is_empty() { attribute.to_owned() } else { format!("{name}.{attribute}") }
}

//! Which names a pickle may use and how: what machine, analyzer and explanation go by.
//!
//! A table of reconstructors in `policy/*.txt`, one file for each library, and a table of names
//! that no data needs. Everything in neither table is unknown: it is not trusted.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Whose objects a rule is for; each profile includes those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Profile {
    /// Python's own data types.
    #[default]
    Data,
    /// `NumPy`.
    Numpy,
    /// pandas, and the Arrow arrays in its columns.
    Pandas,
    /// `SciPy`.
    Scipy,
    /// scikit-learn.
    Sklearn,
    /// `PyTorch`.
    Torch,
}

impl Profile {
    /// All, each including those before it.
    pub const ALL: [Profile; 6] = [
        Profile::Data,
        Profile::Numpy,
        Profile::Pandas,
        Profile::Scipy,
        Profile::Sklearn,
        Profile::Torch,
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Profile::Data => "data",
            Profile::Numpy => "numpy",
            Profile::Pandas => "pandas",
            Profile::Scipy => "scipy",
            Profile::Sklearn => "sklearn",
            Profile::Torch => "torch",
        }
    }
}

/// What may be done with a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uses(u8);

impl Uses {
    /// It may be referred to, and kept.
    pub const REFERENCE: Uses = Uses(1);
    /// It may be called: `REDUCE`, `INST`, `OBJ`.
    pub const CALL: Uses = Uses(2);
    /// An instance may be made without a call: `NEWOBJ`, `NEWOBJ_EX`, `copyreg._reconstructor`.
    pub const NEW: Uses = Uses(4);
    /// Its instances may be given their state: `BUILD`.
    pub const STATE: Uses = Uses(8);
    /// Its instances may be given items: `APPEND`, `SETITEM`, `ADDITEMS` and their plurals.
    pub const ITEMS: Uses = Uses(16);

    /// Whether every use of `other` is among these.
    #[must_use]
    pub const fn allows(self, other: Uses) -> bool {
        self.0 & other.0 == other.0
    }

    /// These uses as bits.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// These uses and those of `other`.
    #[must_use]
    pub const fn and(self, other: Uses) -> Uses {
        Uses(self.0 | other.0)
    }
}

/// One row of the table of reconstructors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The profile that has it.
    pub profile: Profile,
    /// What may be done with it.
    pub uses: Uses,
}

const TABLES: [(Profile, &str); 6] = [
    (Profile::Data, include_str!("../policy/data.txt")),
    (Profile::Numpy, include_str!("../policy/numpy.txt")),
    (Profile::Pandas, include_str!("../policy/pandas.txt")),
    (Profile::Scipy, include_str!("../policy/scipy.txt")),
    (Profile::Sklearn, include_str!("../policy/sklearn.txt")),
    (Profile::Torch, include_str!("../policy/torch.txt")),
];

type Rules = HashMap<(&'static str, &'static str), Rule>;

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let mut rules = Rules::with_capacity(4096);
    for (profile, table) in TABLES {
        read_rules(table, profile, &mut rules);
    }
    rules
});

fn read_rules(table: &'static str, profile: Profile, rules: &mut Rules) {
    let mut module = "";
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        for word in line.split_ascii_whitespace() {
            if let Some(name) = word.strip_suffix(':') {
                module = name;
                continue;
            }
            let (name, uses) = read_name(word);
            let rule = rules.entry((module, name)).or_insert(Rule { profile, uses });
            rule.uses = rule.uses.and(uses);
        }
    }
}

fn read_name(word: &'static str) -> (&'static str, Uses) {
    let made = Uses::REFERENCE.and(Uses::NEW).and(Uses::STATE);
    if let Some(name) = word.strip_prefix('&') {
        (name, Uses::REFERENCE)
    } else if let Some(name) = word.strip_suffix("()+") {
        (name, made.and(Uses::CALL).and(Uses::ITEMS))
    } else if let Some(name) = word.strip_suffix("()") {
        (name, made.and(Uses::CALL))
    } else if let Some(name) = word.strip_suffix('+') {
        (name, made.and(Uses::ITEMS))
    } else {
        (word, made)
    }
}

/// The rule for a name, by what Python 3 calls it today; `None` if it is not trusted.
///
/// ```
/// use cannery_pickle::policy::{Profile, Uses, rule};
///
/// let array = rule("numpy.core.multiarray", "_reconstruct").unwrap();
/// assert_eq!((array.profile, array.uses.allows(Uses::CALL)), (Profile::Numpy, true));
/// assert!(rule("my_pkg", "Model").is_none() && rule("os", "system").is_none());
/// ```
#[must_use]
pub fn rule(module: &str, name: &str) -> Option<Rule> {
    RULES
        .get(&(module, name))
        .copied()
        .or_else(|| RULES.get(&(&*moved(module)?, name)).copied())
        .or_else(|| extension_type(module, name))
        .or_else(|| member(module, name))
}

/// The enums of the table, of which every member is data.
const ENUMS: [(&str, &str); 10] = [
    ("http", "HTTPMethod"),
    ("http", "HTTPStatus"),
    ("inspect", "_ParameterKind"),
    ("re", "RegexFlag"),
    ("signal", "Handlers"),
    ("signal", "Signals"),
    ("socket", "AddressFamily"),
    ("socket", "SocketKind"),
    ("sklearn.utils._metadata_requests", "RequestType"),
    ("uuid", "SafeUUID"),
];

/// Members of an enum, as Python names them: `re.RegexFlag.MULTILINE`.
fn member(module: &str, name: &str) -> Option<Rule> {
    let (class, member) = name.split_once('.')?;
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_member = ENUMS.contains(&(module, class))
        && member.starts_with(|c: char| c.is_ascii_alphabetic())
        && member.chars().all(is_word);
    let class = RULES.get(&(module, class)).filter(|_| is_member)?;
    Some(Rule { profile: class.profile, uses: Uses::REFERENCE })
}

/// Where libraries have moved their modules to: behind an underscore.
fn moved(module: &str) -> Option<Cow<'_, str>> {
    if let Some(rest) = module.strip_prefix("numpy.core") {
        return Some(format!("numpy._core{rest}").into());
    }
    match module {
        "sklearn.tree.tree" => return Some("sklearn.tree._classes".into()),
        "sklearn.cluster.k_means_" => return Some("sklearn.cluster._kmeans".into()),
        "sklearn.cluster.hierarchical" => return Some("sklearn.cluster._agglomerative".into()),
        "sklearn.decomposition.online_lda" => return Some("sklearn.decomposition._lda".into()),
        "sklearn.ensemble.gradient_boosting" => return Some("sklearn.ensemble._gb".into()),
        "sklearn.ensemble.voting_classifier" => return Some("sklearn.ensemble._voting".into()),
        "sklearn.impute" => return Some("sklearn.impute._base".into()),
        "numpy.ma.core" | "numpy.random.mtrand" => return None,
        _ => {}
    }
    let (parent, last) = module.rsplit_once('.')?;
    let moves = parent.starts_with("sklearn.") || parent.starts_with("scipy.");
    let last = last.trim_end_matches('_');
    (moves && !last.starts_with('_')).then(|| format!("{parent}._{last}").into())
}

/// Cython's own helpers, one for each class of the table: they make it and set its fields.
fn extension_type(module: &str, name: &str) -> Option<Rule> {
    let class = name.strip_prefix("__pyx_unpickle_")?;
    let class = RULES.get(&(module, class))?;
    Some(Rule { profile: class.profile, uses: Uses::REFERENCE.and(Uses::CALL).and(Uses::STATE) })
}

/// Functions that compute a value of their arguments and do nothing else, however large these are
/// said to be: what `functools.partial` may keep for later.
///
/// ```
/// use cannery_pickle::policy::is_pure;
///
/// assert!(is_pure("math", "sqrt") && is_pure("sklearn.metrics._classification", "fbeta_score"));
/// assert!(!is_pure("builtins", "print") && !is_pure("numpy", "ones"));
/// ```
#[must_use]
pub fn is_pure(module: &str, name: &str) -> bool {
    static PURE: LazyLock<HashMap<&'static str, Vec<&'static str>>> = LazyLock::new(|| {
        let lines = include_str!("../policy/pure.txt").lines();
        let rows = lines.filter(|line| !line.starts_with('#')).filter_map(|line| {
            let (module, names) = line.split_once(": ")?;
            Some((module, names.split_ascii_whitespace().collect()))
        });
        rows.collect()
    });
    PURE.get(module).is_some_and(|names| names.contains(&name) || names.contains(&"*"))
        && rule(module, name).is_some()
}

/// What a name does that no data needs: `("runs programs")`; `None` if it is not known to.
///
/// Dotted names are followed: `eval.__call__` is `eval`, and `os.system` in any module is `os`'s.
///
/// ```
/// use cannery_pickle::policy::danger;
///
/// assert_eq!(danger("builtins", "eval.__call__"), Some("runs Python code"));
/// assert!(danger("random", "_os.system").is_some() && danger("collections", "OrderedDict").is_none());
/// ```
#[must_use]
pub fn danger(module: &str, name: &str) -> Option<&'static str> {
    if rule(module, name).is_some() || is_error(name) {
        return None;
    }
    let whole = name;
    let (module, name) = (beginning(module), beginning(name));
    let mut prefixes = name.match_indices('.').map(|(end, _)| &name[..end]).chain([name]);
    prefixes
        .find_map(|prefix| danger_of_name(module, prefix))
        .or_else(|| danger_of_module(module))
        .or_else(|| through_modules(module, name))
        .or_else(|| detour(whole))
}

/// As much of a path as any of the table is long; each of its parts is looked up.
fn beginning(path: &str) -> &str {
    const LONGEST: usize = 512;
    match path.char_indices().find(|&(at, _)| at >= LONGEST) {
        Some((end, _)) => path[..end].rsplit_once('.').map_or(path, |(beginning, _)| beginning),
        None => path,
    }
}

/// Exceptions do no harm, whatever the module does that raises them.
fn is_error(name: &str) -> bool {
    !name.contains('.')
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && ["Error", "Exception", "Warning"].iter().any(|end| name.ends_with(end))
}

/// Whether a module has names that no data needs.
pub(crate) fn has_dangers(module: &str) -> bool {
    DANGERS.contains_key(module) || danger_of_module(module).is_some()
}

/// A dotted name may lead through the modules below its module: `numpy`'s `f2py.crackfortran`.
fn through_modules(module: &str, name: &str) -> Option<&'static str> {
    name.match_indices('.').find_map(|(dot, _)| {
        let module = format!("{module}.{}", &name[..dot]);
        let rest = &name[dot + 1..];
        danger_of_name(&module, rest).or_else(|| danger_of_module(&module))
    })
}

fn danger_of_name(module: &str, name: &str) -> Option<&'static str> {
    DANGERS.get(module)?.iter().find(|(names, _)| names.contains(&name)).map(|(_, what)| *what)
}

fn danger_of_module(module: &str) -> Option<&'static str> {
    let mut part = module;
    loop {
        if let Some(rows) = DANGERS.get(part)
            && let Some((_, what)) = rows.iter().find(|(names, _)| names.contains(&"*"))
        {
            return Some(what);
        }
        part = part.rsplit_once('.')?.0;
    }
}

/// Whether a name can be one: words joined by dots.
pub(crate) fn is_path(name: &str) -> bool {
    let is_word =
        |word: &str| !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || c == '_');
    name.split('.').all(is_word)
}

/// Whether a module may have this name: lines of prose have blanks and signs in them.
pub(crate) fn is_importable(module: &str) -> bool {
    !module.is_empty() && module.chars().all(|c| c.is_alphanumeric() || "_.-".contains(c))
}

/// Names that lead out of any module: other modules it has imported, and Python's own workings.
fn detour(name: &str) -> Option<&'static str> {
    // A method of a class is no worse than the class; its attributes are.
    let last = name.matches('.').count();
    name.split('.').enumerate().find_map(|(at, part)| {
        let module = part.trim_start_matches('_');
        let known = match part {
            "__globals__" | "__builtins__" | "__code__" | "__subclasses__" | "__mro__"
            | "__bases__" | "__base__" | "__import__" | "__loader__" | "__spec__"
            | "__closure__" | "__getattribute__" | "f_globals" | "f_builtins" | "gi_frame"
            | "tb_frame" => Some("reaches into the interpreter"),
            "__dict__" | "__class__" if at > 0 => Some("reaches attributes that are not data"),
            "__call__" | "__init__" | "__reduce__" | "__reduce_ex__" if at > 0 && at < last => {
                Some("reaches attributes that are not data")
            }
            _ => None,
        };
        known.or_else(|| match module {
            "os" | "sys" | "subprocess" | "importlib" | "builtins" | "posix" | "nt" | "ctypes"
            | "socket" | "shutil" | "pty" | "marshal" | "runpy" | "multiprocessing" => {
                danger_of_module(module).or(Some("runs Python code"))
            }
            _ => None,
        })
    })
}

type Dangers = HashMap<&'static str, Vec<(Vec<&'static str>, &'static str)>>;

static DANGERS: LazyLock<Dangers> = LazyLock::new(|| {
    let mut dangers = Dangers::new();
    for line in include_str!("../policy/danger.txt").lines().filter(|line| !line.starts_with('#')) {
        let Some((names, what)) = line.split_once(" | ") else { continue };
        let Some((module, names)) = names.split_once(':') else { continue };
        let names = names.split_ascii_whitespace().collect();
        dangers.entry(module).or_default().push((names, what));
    }
    dangers
});

type Moves = HashMap<&'static str, (Option<&'static str>, Vec<[&'static str; 3]>)>;

static PYTHON2: LazyLock<Moves> = LazyLock::new(|| {
    let mut moves = Moves::new();
    for line in include_str!("../policy/python2.txt").lines().filter(|line| !line.starts_with('#'))
    {
        match line.split(' ').collect::<Vec<_>>()[..] {
            [module, name, to, new] => moves.entry(module).or_default().1.push([name, to, new]),
            [module, to] => moves.entry(module).or_default().0 = Some(to),
            _ => {}
        }
    }
    moves
});

/// What Python 3 calls a name of Python 2; other names as they are.
///
/// ```
/// use cannery_pickle::policy::python3_name;
///
/// assert_eq!(python3_name("__builtin__", "xrange"), ("builtins", "range"));
/// assert_eq!(python3_name("exceptions", "OSError"), ("builtins", "OSError"));
/// assert_eq!(python3_name("my_pkg", "Model"), ("my_pkg", "Model"));
/// ```
#[must_use]
pub fn python3_name<'a>(module: &'a str, name: &'a str) -> (&'a str, &'a str) {
    if module == "exceptions" && rule("builtins", name).is_some() {
        return ("builtins", name);
    }
    match PYTHON2.get(module) {
        None => (module, name),
        Some((to, names)) => match names.iter().find(|[old, ..]| *old == name) {
            Some([_, module, name]) => (module, name),
            None => (to.unwrap_or(module), name),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dangers_are_told_from_data() {
        let what = |path: &str| {
            let (module, name) = path.split_once(':').unwrap();
            let (module, name) = python3_name(module, name);
            match (danger(module, name), rule(module, name)) {
                (Some(_), None) => "danger",
                (None, Some(_)) => "known",
                (None, None) => "unknown",
                (Some(_), Some(_)) => "both",
            }
        };
        for (path, expected) in [
            ("posix:system", "danger"),
            ("__builtin__:eval", "danger"),
            ("commands:getoutput", "danger"),
            ("os.path:join", "danger"),
            ("torch:_utils.os.system", "danger"),
            ("numpy:f2py.crackfortran.getlincoef", "danger"),
            ("collections:_sys.modules", "danger"),
            ("my_pkg:Model.__init__.__globals__", "danger"),
            ("xmlrpc.client:ServerProxy", "danger"),
            ("builtins:getattr", "unknown"),
            ("operator:attrgetter", "unknown"),
            ("my_pkg:Model", "unknown"),
            ("collections:OrderedDict", "known"),
            ("__builtin__:set", "known"),
            ("numpy.core.multiarray:scalar", "known"),
            ("sklearn.ensemble.forest:RandomForestClassifier", "known"),
            ("sklearn.tree.tree:DecisionTreeClassifier", "known"),
            ("sklearn.cluster.dbscan_:DBSCAN", "known"),
            ("sklearn.impute:SimpleImputer", "known"),
            ("sklearn.linear_model.logistic:LogisticRegression", "known"),
            ("sklearn.preprocessing.data:StandardScaler", "known"),
            ("pandas.tseries.offsets:MonthEnd", "known"),
            ("pandas.core.categorical:Categorical", "known"),
            ("re:RegexFlag.MULTILINE", "known"),
            ("re:RegexFlag.MULTILINE.__class__", "danger"),
            ("zipfile:BadZipFile", "known"),
            ("sqlite3:OperationalError", "unknown"),
            ("my_pkg:Model.__init__", "unknown"),
            ("numpy.f2py.__main__:__pyx_unpickle_X", "danger"),
            ("scipy.sparse.csr:csr_matrix", "known"),
            ("sklearn._loss._loss:__pyx_unpickle_CyHalfBinomialLoss", "known"),
            ("evil:__pyx_unpickle_X", "unknown"),
            ("torch._utils:_rebuild_tensor_v2", "known"),
        ] {
            assert_eq!(what(path), expected, "{path}");
        }
    }

    #[test]
    fn no_name_is_in_both_tables() {
        for (module, name) in RULES.keys() {
            let both = danger_of_name(module, name);
            assert_eq!(both, None, "{module}.{name}");
        }
    }
}

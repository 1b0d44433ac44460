//! The rules of enums.

use super::diagnostics::Diagnostics;
use crate::descriptor::EnumProto;
use crate::edition::{self, Features};

pub(super) fn check(value: &EnumProto, features: Features, diagnostics: &mut Diagnostics) {
    let options = value.options.message.as_ref();
    let allows_alias =
        options.and_then(|message| message.integer(2)).is_some_and(|allowed| allowed != 0);
    if !allows_alias {
        aliases(value, diagnostics);
    }
    let is_open = features.get(edition::ENUM_TYPE) == edition::OPEN;
    if let Some(first) = value.values.first().filter(|first| is_open && first.number != 0) {
        let text = "expected 0 as the number of the first value of an open enum";
        diagnostics.error(first.number_at, text);
    }
}

fn aliases(value: &EnumProto, diagnostics: &mut Diagnostics) {
    let mut names = std::collections::HashMap::new();
    for constant in &value.values {
        let first = *names.entry(constant.number).or_insert(&constant.name);
        if *first != constant.name {
            let text = format!(
                "`{}` has the number of `{first}`; `option allow_alias = true` allows it",
                constant.name
            );
            diagnostics.error(constant.number_at, text);
        }
    }
}

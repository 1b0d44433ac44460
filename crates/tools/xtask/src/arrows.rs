//! Which crate may stand on which: the plan of the house, and the proof that it is kept.

use crate::metadata::Metadata;

/// Every format; `torch` stands on `pickle` and `json`, `can` on `json`, `npy` and
/// `safetensors`, `protobuf` on `json`.
const FORMATS: [&str; 12] = [
    "cannery-can",
    "cannery-cbor",
    "cannery-csv",
    "cannery-hdf5",
    "cannery-json",
    "cannery-msgpack",
    "cannery-npy",
    "cannery-pickle",
    "cannery-protobuf",
    "cannery-safetensors",
    "cannery-torch",
    "cannery-yaml",
];

/// What every format may stand on.
const FOUNDATION: [&str; 5] =
    ["cannery-archive", "cannery-core", "cannery-deflate", "cannery-format", "cannery-places"];

/// What the leaves may use besides the formats.
const BELOW_THE_LEAVES: [&str; 7] = [
    "cannery",
    "cannery-core",
    "cannery-lineage",
    "cannery-pipeline",
    "cannery-places",
    "cannery-steps",
    "cannery-store",
];

/// Says whether `from` may depend on `to`; `None` for a crate that has no place in the plan.
fn allowed(from: &str, to: &str) -> Option<bool> {
    Some(match from {
        "cannery-core" | "cannery-macros" | "xtask" => false,
        "cannery-archive" | "cannery-deflate" | "cannery-store" | "cannery-places"
        | "cannery-testing" => to == "cannery-core",
        "cannery-format" => ["cannery-core", "cannery-places"].contains(&to),
        "cannery-can" => {
            let formats = ["cannery-json", "cannery-npy", "cannery-safetensors"];
            formats.contains(&to) || FOUNDATION.contains(&to)
        }
        "cannery-torch" => {
            FOUNDATION.contains(&to) || ["cannery-json", "cannery-pickle"].contains(&to)
        }
        "cannery-protobuf" => FOUNDATION.contains(&to) || to == "cannery-json",
        "cannery-toy" => FOUNDATION.contains(&to),
        "cannery" => FOUNDATION.contains(&to) || FORMATS.contains(&to),
        "cannery-pipeline" => ["cannery", "cannery-core", "cannery-store"].contains(&to),
        "cannery-lineage" => {
            ["cannery", "cannery-core", "cannery-pipeline", "cannery-store"].contains(&to)
        }
        "cannery-steps" => {
            let below = ["cannery-core", "cannery-macros", "cannery-pipeline", "cannery-store"];
            to == "cannery" || below.contains(&to)
        }
        "cannery-cli" | "cannery-examples" | "cannery-ui" => below_the_leaves(to),
        // The command's body is a library with two faces, and the wheel is one of them.
        // The tests' own format is a feature of it.
        "cannery-python" => below_the_leaves(to) || ["cannery-cli", "cannery-toy"].contains(&to),
        format if FORMATS.contains(&format) => FOUNDATION.contains(&to),
        _ => return None,
    })
}

/// The folder of a crate's storey. The storeys, from the ground up: `foundation`, `formats` with the
/// facade that names them, `pipelines`, `faces`; `tools` are for the house itself.
pub(crate) fn folder_of(member: &str) -> &'static str {
    match member {
        "cannery-archive" | "cannery-core" | "cannery-deflate" | "cannery-format"
        | "cannery-places" => "crates/foundation",
        "cannery-store" | "cannery-pipeline" | "cannery-lineage" | "cannery-macros"
        | "cannery-steps" => "crates/pipelines",
        "cannery-cli" | "cannery-python" | "cannery-ui" => "crates/faces",
        "cannery-testing" | "cannery-toy" | "xtask" => "crates/tools",
        "cannery-examples" => "examples",
        _ => "crates/formats",
    }
}

fn below_the_leaves(to: &str) -> bool {
    BELOW_THE_LEAVES.contains(&to) || FORMATS.contains(&to)
}

/// Every arrow that points the wrong way, and every way to Python outside the binding.
pub(crate) fn faults(metadata: &Metadata) -> Vec<String> {
    metadata
        .members()
        .flat_map(|member| {
            wrong_arrows(metadata, member)
                .chain(way_to_python(metadata, member))
                .chain(wrong_folder(metadata, member))
        })
        .collect()
}

fn wrong_folder(metadata: &Metadata, member: &str) -> Option<String> {
    let (folder, planned) = (metadata.folder(member)?, folder_of(member));
    let fault = format!("`{member}` lies in {}, and belongs into {planned}", folder.display());
    (!folder.starts_with(planned)).then_some(fault)
}

fn wrong_arrows<'a>(
    metadata: &'a Metadata,
    member: &'a str,
) -> impl Iterator<Item = String> + use<'a> {
    let homeless = allowed(member, "").is_none().then(|| {
        format!("crate `{member}` has no place in the plan (crates/tools/xtask/src/arrows.rs)")
    });
    let wrong = metadata.arrows(member).into_iter().filter_map(move |to| {
        let wrong = allowed(member, to) == Some(false);
        wrong.then(|| format!("`{member}` depends on `{to}`: arrows point down only"))
    });
    homeless.into_iter().chain(wrong)
}

fn way_to_python(metadata: &Metadata, member: &str) -> Option<String> {
    if member == "cannery-python" {
        return None;
    }
    let chain = metadata.chain(member, "pyo3")?.join(" -> ");
    Some(format!("`{member}` reaches Python: {chain}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::tests::workspace;

    fn faults_of(edges: &[(&str, &[&str])]) -> String {
        faults(&workspace(edges, &["pyo3", "helper"])).join("\n")
    }

    #[test]
    fn the_plan_itself_has_no_faults() {
        let faults = faults_of(&[
            ("cannery-core", &[]),
            ("cannery-json", &["cannery-core"]),
            ("cannery-pickle", &["cannery-core"]),
            ("cannery-torch", &["cannery-core", "cannery-pickle"]),
            ("cannery", &["cannery-core", "cannery-json", "cannery-torch"]),
            ("cannery-store", &["cannery-core"]),
            ("cannery-pipeline", &["cannery-store", "cannery-core", "cannery"]),
            ("cannery-cli", &["cannery", "cannery-pipeline"]),
            ("cannery-python", &["cannery-cli", "cannery", "cannery-pipeline", "pyo3"]),
            ("xtask", &[]),
        ]);
        assert_eq!(faults, "");
    }

    #[test]
    fn an_arrow_that_points_up_or_sideways_is_named() {
        insta::assert_snapshot!(faults_of(&[
            ("cannery-core", &["cannery-json"]),
            ("cannery-json", &["cannery-npy"]),
            ("cannery-store", &["cannery"]),
            ("cannery", &["cannery-store"]),
            ("cannery-cli", &["cannery-python"]),
        ]), @"
        `cannery` depends on `cannery-store`: arrows point down only
        `cannery-cli` depends on `cannery-python`: arrows point down only
        `cannery-core` depends on `cannery-json`: arrows point down only
        `cannery-json` depends on `cannery-npy`: arrows point down only
        `cannery-store` depends on `cannery`: arrows point down only
        ");
    }

    #[test]
    fn python_is_found_behind_a_dependency() {
        insta::assert_snapshot!(
            faults_of(&[("cannery-json", &["helper"]), ("helper", &["pyo3"]), ("pyo3", &[])]),
            @"`cannery-json` reaches Python: cannery-json -> helper -> pyo3"
        );
    }

    #[test]
    fn a_crate_lies_in_the_folder_of_its_storey() {
        let metadata = workspace(&[("cannery-core", &[])], &[]);
        assert_eq!(wrong_folder(&metadata, "cannery-core"), None);
        assert_eq!(folder_of("cannery-store"), "crates/pipelines");
    }

    #[test]
    fn a_crate_in_another_folder_is_named() {
        let metadata = crate::metadata::tests::moved("cannery-core", "crates/core");
        insta::assert_snapshot!(
            faults(&metadata).join("\n"),
            @"`cannery-core` lies in crates/core, and belongs into crates/foundation"
        );
    }

    #[test]
    fn a_new_crate_must_be_given_a_place() {
        insta::assert_snapshot!(
            faults_of(&[("cannery-toml", &[])]),
            @"crate `cannery-toml` has no place in the plan (crates/tools/xtask/src/arrows.rs)"
        );
    }
}

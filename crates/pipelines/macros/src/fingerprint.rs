//! What stands for a step's code: the file that it is written in, and those that it names.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Attribute, Error, ItemFn, Result};

/// The digest of the tokens of all files, so that comments and blanks make no difference.
pub(crate) fn of(function: &ItemFn, uses: &[String]) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    // Who has the same file has not the same step: it is told by its name.
    hash(&mut hasher, &function.sig.ident.to_string());
    let file = proc_macro::Span::call_site().local_file();
    let text = file.and_then(|path| fs::read_to_string(found(&path)).ok());
    match text {
        Some(text) => hash_source(&mut hasher, &text),
        // A function that a macro has written: its own tokens are all that is known.
        None => hash(&mut hasher, &function.to_token_stream().to_string()),
    }
    let folder = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
    for name in uses {
        let text = fs::read_to_string(folder.join(name)).map_err(|error| {
            Error::new_spanned(&function.sig.ident, format!("cannot read `{name}`: {error}"))
        })?;
        hash(&mut hasher, name);
        hash_source(&mut hasher, &text);
    }
    Ok(hasher.finalize().to_hex()[..32].to_owned())
}

/// A path as the compiler was given it begins at its folder, or at that of the workspace.
fn found(path: &Path) -> PathBuf {
    if path.exists() {
        return path.to_owned();
    }
    let folder = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
    let places = folder.ancestors().map(|folder| folder.join(path));
    places.into_iter().find(|path| path.exists()).unwrap_or_else(|| path.to_owned())
}

/// A Rust file by its tokens without comments; any other file by its text.
fn hash_source(hasher: &mut blake3::Hasher, text: &str) {
    match text.parse::<TokenStream>() {
        Ok(tokens) => hash(hasher, &without_comments(tokens).to_string()),
        Err(_) => hash(hasher, text),
    }
}

/// Without what documents items, which are attributes.
fn without_comments(tokens: TokenStream) -> TokenStream {
    let Ok(mut file) = syn::parse2::<syn::File>(tokens.clone()) else { return tokens };
    let is_comment = |attribute: &Attribute| attribute.path().is_ident("doc");
    file.attrs.retain(|attribute| !is_comment(attribute));
    for item in &mut file.items {
        if let Some(attributes) = attributes_of(item) {
            attributes.retain(|attribute| !is_comment(attribute));
        }
    }
    file.into_token_stream()
}

fn attributes_of(item: &mut syn::Item) -> Option<&mut Vec<Attribute>> {
    Some(match item {
        syn::Item::Fn(item) => &mut item.attrs,
        syn::Item::Struct(item) => &mut item.attrs,
        syn::Item::Enum(item) => &mut item.attrs,
        syn::Item::Const(item) => &mut item.attrs,
        syn::Item::Impl(item) => &mut item.attrs,
        syn::Item::Mod(item) => &mut item.attrs,
        syn::Item::Trait(item) => &mut item.attrs,
        syn::Item::Type(item) => &mut item.attrs,
        _ => return None,
    })
}

fn hash(hasher: &mut blake3::Hasher, text: &str) {
    hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
}

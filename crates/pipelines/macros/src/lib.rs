//! `#[step]`, which makes a Rust function a step of a pipeline; see the crate `cannery-steps`.

mod fingerprint;

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;
use quote::{format_ident, quote};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{
    Error, Expr, FnArg, GenericArgument, Ident, ItemFn, Lit, Meta, Pat, PathArguments, Result,
    ReturnType, Token, Type, Visibility, parse_macro_input, parse_quote,
};

/// Makes a function a step of a pipeline.
///
/// The function stays what it is. Beside it stands a module of its name, with `STEP`, which says
/// what the step is, and `call(steps, ...)`, which adds a call of it to a run: its arguments are
/// values, or artifacts of values. Arguments may be references (`&str`, `&[T]`, `&T`). A function
/// that returns a `Result` is a step that may fail.
///
/// The step runs again when the file that it is written in has changed, but for comments and
/// blanks. What else its result depends on is declared: `#[step(version = "2")]`, and
/// `#[step(uses = ["src/helpers.rs"])]` for other files, whose paths begin at the crate's folder.
/// `#[step(name = "other")]` gives it another name in the store.
#[proc_macro_attribute]
pub fn step(options: TokenStream, item: TokenStream) -> TokenStream {
    let options = parse_macro_input!(options as Options);
    let function = parse_macro_input!(item as ItemFn);
    expand(&options, &function)
        .unwrap_or_else(|error| {
            let error = error.into_compile_error();
            quote!(#function #error)
        })
        .into()
}

#[derive(Default)]
struct Options {
    name: Option<String>,
    version: Option<String>,
    uses: Vec<String>,
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut options = Self::default();
        for meta in Punctuated::<Meta, Token![,]>::parse_terminated(input)? {
            let Meta::NameValue(pair) = &meta else { return Err(unknown(&meta)) };
            match pair.path.get_ident().map(Ident::to_string).as_deref() {
                Some("name") => options.name = Some(text_of(&pair.value)?),
                Some("version") => options.version = Some(text_of(&pair.value)?),
                Some("uses") => options.uses = texts_of(&pair.value)?,
                _ => return Err(unknown(&meta)),
            }
        }
        Ok(options)
    }
}

fn unknown(meta: &Meta) -> Error {
    let message =
        "a step has the options `name = \"...\"`, `version = \"...\"` and `uses = [\"...\"]`";
    Error::new_spanned(meta, message)
}

fn text_of(expression: &Expr) -> Result<String> {
    match expression {
        Expr::Lit(literal) if let Lit::Str(text) = &literal.lit => Ok(text.value()),
        other => Err(Error::new_spanned(other, "expected a text")),
    }
}

fn texts_of(expression: &Expr) -> Result<Vec<String>> {
    match expression {
        Expr::Array(array) => array.elems.iter().map(text_of).collect(),
        other => Err(Error::new_spanned(other, "expected a list of texts")),
    }
}

/// An argument of the function.
struct Argument {
    name: Ident,
    /// What is stored: the type without its reference.
    stored: Type,
    is_reference: bool,
}

fn expand(options: &Options, function: &ItemFn) -> Result<Tokens> {
    check(function)?;
    let arguments = function.sig.inputs.iter().map(argument).collect::<Result<Vec<_>>>()?;
    let (output, may_fail) = output(&function.sig.output);
    let name = &function.sig.ident;
    let shown = options.name.clone().unwrap_or_else(|| name.to_string());
    let fingerprint = fingerprint::of(function, &options.uses)?;
    let version = options.version.as_deref().unwrap_or_default();
    let visibility = visibility_inside(&function.vis);
    let (names, types): (Vec<_>, Vec<_>) =
        arguments.iter().map(|each| (&each.name, &each.stored)).unzip();
    let texts: Vec<_> = names.iter().map(ToString::to_string).collect();
    let given: Vec<_> = names.iter().map(|name| format_ident!("given_{name}")).collect();
    let passed = arguments.iter().map(|each| {
        let name = &each.name;
        if each.is_reference { quote!(&#name) } else { quote!(#name) }
    });
    let result = quote!(super::#name(#(#passed),*));
    let result = if may_fail { quote!(#result.map_err(::cannery_steps::failed)?) } else { result };
    let outer = &function.vis;
    let (about_module, about_step, about_call) = (
        format!("The step `{shown}`."),
        format!("What the step `{shown}` is."),
        format!("Adds a call of the step `{shown}` to a run."),
    );
    Ok(quote! {
        #function

        #[doc = #about_module]
        #[allow(unused_imports, clippy::all, clippy::pedantic)]
        #outer mod #name {
            use super::*;

            #[doc = #about_step]
            #visibility const STEP: ::cannery_steps::StepInfo = ::cannery_steps::StepInfo {
                name: #shown,
                module: ::core::module_path!(),
                fingerprint: #fingerprint,
                version: #version,
            };

            #[doc = #about_call]
            ///
            /// # Errors
            /// Those of an argument that cannot be stored.
            #visibility fn call(
                steps: &::cannery_steps::Steps,
                #(#given: impl ::core::convert::Into<::cannery_steps::Given<#types>>,)*
            ) -> ::core::result::Result<::cannery_steps::Artifact<#output>, ::cannery_steps::RunError> {
                ::cannery_steps::Call::new(&STEP)
                    #(.argument(#texts, #given.into())?)*
                    .submit(steps, |inputs| {
                        #(let #names: #types = inputs.read(#texts)?;)*
                        ::core::result::Result::Ok(#result)
                    })
            }
        }
    })
}

/// Refuses what no step can be.
fn check(function: &ItemFn) -> Result<()> {
    let signature = &function.sig;
    if let Some(keyword) = &signature.asyncness {
        return Err(Error::new_spanned(keyword, "a step of Rust is not `async`"));
    }
    if !signature.generics.params.is_empty() {
        let message = "a step has no type parameters and lifetimes: what is stored has one type";
        return Err(Error::new_spanned(&signature.generics, message));
    }
    Ok(())
}

fn argument(argument: &FnArg) -> Result<Argument> {
    let FnArg::Typed(typed) = argument else {
        return Err(Error::new_spanned(argument, "a step is a function, no method"));
    };
    let Pat::Ident(pattern) = &*typed.pat else {
        return Err(Error::new_spanned(&typed.pat, "an argument of a step is a single name"));
    };
    let (stored, is_reference) = match &*typed.ty {
        Type::Reference(reference) => (owned(&reference.elem), true),
        other => (other.clone(), false),
    };
    Ok(Argument { name: pattern.ident.clone(), stored, is_reference })
}

/// What is read, to lend it as a reference.
fn owned(lent: &Type) -> Type {
    match lent {
        Type::Slice(slice) => {
            let item = &slice.elem;
            parse_quote!(::std::vec::Vec<#item>)
        }
        Type::Path(path) if path.path.is_ident("str") => parse_quote!(::std::string::String),
        other => other.clone(),
    }
}

/// The type of what is stored, and whether the function returns it in a `Result`.
fn output(output: &ReturnType) -> (Type, bool) {
    let ReturnType::Type(_, returned) = output else { return (parse_quote!(()), false) };
    if let Type::Path(path) = &**returned
        && let Some(last) = path.path.segments.last()
        && last.ident == "Result"
        && let PathArguments::AngleBracketed(arguments) = &last.arguments
        && let Some(GenericArgument::Type(value)) = arguments.args.first()
    {
        return (value.clone(), true);
    }
    ((**returned).clone(), false)
}

/// How visible an item in the module has to be, to be seen where the function is.
fn visibility_inside(visibility: &Visibility) -> Tokens {
    match visibility {
        Visibility::Public(_) => quote!(pub),
        Visibility::Restricted(restricted) if restricted.path.is_ident("crate") => {
            quote!(pub(crate))
        }
        _ => quote!(pub(super)),
    }
}

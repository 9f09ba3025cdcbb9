//! The attribute `#[export]` of xqute-plugin. It reads which functions an impl has, so that nobody has to list them again.
//!
//! It works on plain tokens: the shape `impl TRAIT for TYPE { ... }` needs no parser, and a plugin builds faster without.

use proc_macro::{Delimiter, Group, Span, TokenStream, TokenTree};

/// Exports what an impl of one of the SDK's traits implements: `Plugin`, `Scheduler`, `Observer`, `Gatekeeper` or
/// `Snippets`. Documented where it is re-exported, in xqute-plugin.
#[proc_macro_attribute]
pub fn export(args: TokenStream, item: TokenStream) -> TokenStream {
    if let Some(first) = args.into_iter().next() {
        return refuse("#[export] takes no arguments", first.span());
    }
    match Impl::read(item) {
        Ok(found) => found.exported(),
        Err((message, span)) => refuse(message, span),
    }
}

fn refuse(message: &str, span: Span) -> TokenStream {
    let error: TokenStream = format!("::core::compile_error!({message:?});")
        .parse()
        .unwrap_or_default();
    error
        .into_iter()
        .map(|mut token| {
            token.set_span(span);
            token
        })
        .collect()
}

/// The hooks of each family: the trait's function and the hook's name in the contract.
const OBSERVER: &[(&str, &str)] = &[
    ("on_init", "Init"),
    ("on_shutdown", "Shutdown"),
    ("on_job_init", "JobInit"),
    ("on_job_queued", "JobQueued"),
    ("on_job_submitted", "JobSubmitted"),
    ("on_job_started", "JobStarted"),
    ("on_job_polling", "JobPolling"),
    ("on_job_killed", "JobKilled"),
    ("on_job_failed", "JobFailed"),
    ("on_job_succeeded", "JobSucceeded"),
];
const GATEKEEPER: &[(&str, &str)] = &[
    ("on_shutdown", "Shutdown"),
    ("on_job_submitting", "JobSubmitting"),
    ("on_job_killing", "JobKilling"),
];
const SNIPPETS: &[(&str, &str)] = &[
    ("on_jobcmd_init", "JobcmdInit"),
    ("on_jobcmd_prep", "JobcmdPrep"),
    ("on_jobcmd_end", "JobcmdEnd"),
];

/// `impl TRAIT for TYPE { BODY }`.
struct Impl {
    before: Vec<TokenTree>,
    trait_name: String,
    trait_span: Span,
    type_name: String,
    body: Group,
}

impl Impl {
    fn read(item: TokenStream) -> Result<Self, (&'static str, Span)> {
        const SHAPE: &str = "#[export] belongs above `impl TRAIT for TYPE`, where TRAIT is one of Plugin, Scheduler, \
                             Observer, Gatekeeper and Snippets";
        let mut before: Vec<TokenTree> = item.into_iter().collect();
        let body = match before.pop() {
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => group,
            Some(other) => return Err((SHAPE, other.span())),
            None => return Err((SHAPE, Span::call_site())),
        };
        let word = |name: &str| before.iter().position(|token| token.to_string() == name);
        let (Some(head), Some(middle)) = (word("impl"), word("for")) else {
            return Err((SHAPE, body.span_open()));
        };
        let Some(TokenTree::Ident(trait_ident)) = before.get(head + 1..middle).and_then(<[_]>::last) else {
            return Err((SHAPE, body.span_open()));
        };
        let type_name = before.iter().skip(middle + 1).map(ToString::to_string).collect();
        Ok(Self {
            trait_name: trait_ident.to_string(),
            trait_span: trait_ident.span(),
            type_name,
            body,
            before,
        })
    }

    /// The impl, completed with what its trait keeps hidden, and the export of the interface.
    fn exported(mut self) -> TokenStream {
        let (hidden, part) = match self.trait_name.as_str() {
            "Plugin" => (self.package(), "about"),
            "Scheduler" => (format!("const WRAPS: bool = {};", self.has("wrap")), "scheduler"),
            "Observer" => (self.hooks(OBSERVER), "observer"),
            "Gatekeeper" => (self.hooks(GATEKEEPER), "gatekeeper"),
            "Snippets" => (self.hooks(SNIPPETS), "snippets"),
            _ => return refuse("this trait is no part of a plugin", self.trait_span),
        };
        let mut body: TokenStream = hidden.parse().unwrap_or_default();
        body.extend(self.body.stream());
        let mut whole = Group::new(Delimiter::Brace, body);
        whole.set_span(self.body.span());
        self.before.push(TokenTree::Group(whole));

        let mut all: TokenStream = self.before.into_iter().collect();
        let export: TokenStream = format!(
            "#[cfg(target_arch = \"wasm32\")]
             const _: () = {{
                 type Part = ::xqute_plugin::__private::Part<{}>;
                 ::xqute_plugin::__private::{part}::export!(Part with_types_in ::xqute_plugin::__private::{part});
             }};",
            self.type_name
        )
        .parse()
        .unwrap_or_default();
        all.extend(export);
        all
    }

    /// Whether the impl has a function of this name.
    fn has(&self, function: &str) -> bool {
        let tokens: Vec<String> = self.body.stream().into_iter().map(|token| token.to_string()).collect();
        tokens.windows(2).any(|pair| pair == ["fn", function])
    }

    fn hooks(&self, family: &[(&str, &str)]) -> String {
        let listed: String = family
            .iter()
            .filter(|(function, _)| self.has(function))
            .map(|(_, hook)| format!("::xqute_plugin::Hook::{hook},"))
            .collect();
        format!("const HOOKS: &'static [::xqute_plugin::Hook] = &[{listed}];")
    }

    /// What is known about the plugin without its author saying it: its package, and what else its type implements.
    fn package(&self) -> String {
        let probe = format!("Probe::<{}>", self.type_name);
        format!(
            "const PACKAGE: ::xqute_plugin::__private::Package = ::xqute_plugin::__private::Package {{
                 name: ::core::env!(\"CARGO_PKG_NAME\"),
                 version: ::core::env!(\"CARGO_PKG_VERSION\"),
                 summary: ::core::env!(\"CARGO_PKG_DESCRIPTION\"),
             }};
             fn parts() -> ::xqute_plugin::__private::Parts {{
                 #[allow(unused_imports, reason = \"needed for the parts that are not there\")]
                 use ::xqute_plugin::__private::{{Absent as _, Parts, Probe}};
                 Parts {{
                     observed: {probe}::OBSERVED,
                     gated: {probe}::GATED,
                     scripted: {probe}::SCRIPTED,
                     wraps: {probe}::WRAPS,
                 }}
             }}"
        )
    }
}

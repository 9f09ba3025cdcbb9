//! Components that no compiler would write, made of WebAssembly text. They fit the contract in their types, so it is what
//! they do that is wrong.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use xqute_tests::built;

/// What a forged plugin exports.
const WORLD: &str = "package hostile:forged;
world forged {
  import xqute:plugin/log@0.1.0;
  export xqute:plugin/about@0.1.0;
  export xqute:plugin/observer@0.1.0;
  export xqute:plugin/gatekeeper@0.1.0;
}";

/// The number of `job-submitting` in `about.hook`.
const SUBMITTING: u8 = 4;
/// The number of `job-succeeded`.
const SUCCEEDED: u8 = 11;

/// A plugin, as the bodies of its functions. It is told of each success and asked about each submission, as far as there is
/// a body for that.
pub(crate) struct Forged<'a> {
    /// Answers the address of the description.
    pub(crate) describe: &'a str,
    pub(crate) observe: Option<&'a str>,
    /// Answers the address of the verdicts.
    pub(crate) decide: Option<&'a str>,
    /// Answers where the host may put something.
    pub(crate) realloc: &'a str,
    /// What else the module has.
    pub(crate) more: String,
}

impl Default for Forged<'_> {
    fn default() -> Self {
        Self {
            describe: "(i32.const 1024)",
            observe: None,
            decide: None,
            realloc: "(i32.const 32768)",
            more: String::new(),
        }
    }
}

impl Forged<'_> {
    /// The component.
    pub(crate) fn component(&self) -> Vec<u8> {
        let mut module = wat::parse_str(self.text()).unwrap();
        let mut resolve = Resolve::default();
        resolve.push_path(built::repository().join("wit")).unwrap();
        let package = resolve.push_str("forged.wit", WORLD).unwrap();
        let world = resolve.select_world(&[package], None).unwrap();
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
        ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
    }

    fn text(&self) -> String {
        let Self {
            describe,
            realloc,
            more,
            ..
        } = self;
        let observe = self.observe.unwrap_or("unreachable");
        let decide = self.decide.unwrap_or("unreachable");
        format!(
            r#"(module
  (import "xqute:plugin/log@0.1.0" "write" (func $log (param i32 i32 i32)))
  (memory (export "memory") 1)
  {data}
  {more}
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) {realloc})
  (func (export "xqute:plugin/about@0.1.0#describe") (result i32) {describe})
  (func (export "xqute:plugin/observer@0.1.0#observe") (param i32 i32) {observe})
  (func (export "xqute:plugin/gatekeeper@0.1.0#decide") (param i32 i32) (result i32) {decide}))"#,
            data = self.data(),
        )
    }

    /// The description at address 1024, as the canonical ABI lays it out: three texts, then lists, each an address and a
    /// length.
    fn data(&self) -> String {
        let mut hooks = Vec::new();
        hooks.extend(self.observe.map(|_| SUCCEEDED));
        hooks.extend(self.decide.map(|_| SUBMITTING));
        let count = u32::try_from(hooks.len()).unwrap();
        let words = [
            [2048, 7],
            [2055, 1],
            [2048, 7],
            // rights, hooks, options
            [0, 0],
            [2060, count],
            [0, 0],
        ];
        let description = words.concat().into_iter().flat_map(u32::to_le_bytes);
        format!(
            "(data (i32.const 1024) \"{}\") (data (i32.const 2048) \"hostile1\") (data (i32.const 2060) \"{}\")",
            escaped(description),
            escaped(hooks)
        )
    }
}

fn escaped(bytes: impl IntoIterator<Item = u8>) -> String {
    bytes.into_iter().map(|byte| format!("\\{byte:02x}")).collect()
}

//! Files that are no plugins, by mistake; those that are made to do harm are in the folder `hostile`. Each error names the file and what to do; exit code 3; no job has run.

use wasm_encoder::{Component, ComponentImportSection, ComponentTypeRef, ComponentTypeSection, InstanceType};
use xqute_tests::{Scratch, plugin};

/// What is said about a plugin with these bytes.
fn refused(bytes: impl AsRef<[u8]>) -> String {
    let scratch = Scratch::new();
    scratch.write("bad.wasm", bytes);
    said(&scratch, &["--plugin", "bad.wasm"])
}

fn said(scratch: &Scratch, flags: &[&str]) -> String {
    let output = scratch
        .xqute(flags.iter().copied())
        .args(["run", "--", "touch", "ran"])
        .run()
        .exits(3);
    assert!(!scratch.has("ran"), "a job has run");
    output.stderr
}

/// A component that imports an empty instance of this name.
fn importing(name: &str) -> Vec<u8> {
    let mut types = ComponentTypeSection::new();
    types.instance(&InstanceType::new());
    let mut imports = ComponentImportSection::new();
    imports.import(name, ComponentTypeRef::Instance(0));
    let mut component = Component::new();
    component.section(&types).section(&imports);
    component.finish()
}

#[test]
fn no_such_file() {
    let said = said(&Scratch::new(), &["--plugin", "none.wasm"]);
    assert!(said.contains("none.wasm"), "{said}");
}

#[test]
fn no_such_folder() {
    let said = said(&Scratch::new(), &["--plugin-dir", "none"]);
    assert!(said.contains("none") && said.contains("--plugin-dir"), "{said}");
}

#[test]
fn a_folder() {
    let scratch = Scratch::new();
    scratch.write("bad.wasm/x", "");
    insta::assert_snapshot!(said(&scratch, &["--plugin", "bad.wasm"]), @"error: plugin bad.wasm: it is not a regular file; a plugin is one .wasm file");
}

#[test]
fn no_webassembly() {
    insta::assert_snapshot!(refused("#!/bin/sh\n"), @"error: plugin bad.wasm: it is not WebAssembly; a plugin is a WebAssembly component (.wasm)");
}

#[test]
fn an_empty_file() {
    assert!(refused("").contains("it is not WebAssembly"));
}

#[test]
fn a_core_module() {
    insta::assert_snapshot!(refused(b"\0asm\x01\0\0\0"), @"error: plugin bad.wasm: it is a core module, not a component; turn it into one with `wasm-tools component new MODULE -o PLUGIN.wasm`, or build it with `cargo xtask build` or for the target wasm32-wasip2");
}

#[test]
fn another_version_of_the_contract() {
    insta::assert_snapshot!(refused(importing("xqute:plugin/log@0.2.0")), @"error: plugin bad.wasm: it asks for `xqute:plugin/log@0.2.0`, but this xqute speaks version 0.1 of the contract; rebuild the plugin with an SDK of that version, or use an xqute that speaks the other one");
}

#[test]
fn an_import_that_nobody_has() {
    insta::assert_snapshot!(refused(importing("acme:teleport/beam@1.0.0")), @"error: plugin bad.wasm: it imports `acme:teleport/beam@1.0.0`, which xqute does not provide: a plugin may import only xqute:plugin and WASI 0.2; compose what else it needs into it with `wac plug`");
}

#[test]
fn a_component_that_is_no_plugin() {
    insta::assert_snapshot!(refused(Component::new().finish()), @"error: plugin bad.wasm: it does not export `xqute:plugin/about`; every plugin must, see wit/about.wit");
}

#[test]
fn a_plugin_that_was_cut_off() {
    let whole = std::fs::read(plugin("hello")).unwrap();
    for part in [6, 100, whole.len() / 2, whole.len() - 1] {
        let said = refused(&whole[..part]);
        assert!(
            said.contains("it may be truncated") || said.contains("ends within"),
            "{part} bytes\n{said}"
        );
    }
}

#[test]
fn inspect_says_the_same() {
    let scratch = Scratch::new();
    scratch.write("bad.wasm", importing("acme:teleport/beam@1.0.0"));
    let output = scratch
        .xqute(["plugin", "inspect", "bad.wasm"])
        .run()
        .exits(3)
        .says("acme:teleport/beam@1.0.0");
    assert_eq!(output.stdout, "");
}

#[test]
fn limits_that_allow_nothing() {
    for limit in ["memory-mib", "call-ms", "instances"] {
        let scratch = Scratch::new();
        scratch.write("xqute.toml", format!("[plugins.hello.limits]\n{limit} = 0\n"));
        let output = scratch.run(["--", "touch", "ran"]).exits(2);
        output.says("xqute.toml:2: with 0 no call of the plugin could ever succeed; the least is 1");
        assert!(!scratch.has("ran"));
    }
}

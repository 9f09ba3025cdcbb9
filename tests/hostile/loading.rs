//! Files that are there to break the loader.

use std::{fmt::Write as _, fs::File};

use wasm_encoder::{Component, ComponentImportSection, ComponentTypeRef, ComponentTypeSection, InstanceType};
use xqute_tests::Scratch;

use crate::{attempt::Attempt, forged::Forged};

/// A component that imports empty instances of these names.
pub(crate) fn importing(names: &[impl AsRef<str>]) -> Vec<u8> {
    let mut types = ComponentTypeSection::new();
    types.instance(&InstanceType::new());
    let mut imports = ComponentImportSection::new();
    for name in names {
        imports.import(name.as_ref(), ComponentTypeRef::Instance(0));
    }
    let mut component = Component::new();
    component.section(&types).section(&imports);
    component.finish()
}

#[track_caller]
fn refused(wasm: &[u8]) -> String {
    let said = Attempt::of_component(wasm).refused();
    assert!(said.contains("hostile.wasm"), "{said}");
    said
}

#[test]
fn a_thousand_imports() {
    let names: Vec<_> = (0..1000)
        .map(|number| format!("acme:many/thing{number}@1.0.0"))
        .collect();
    let said = refused(&importing(&names));
    assert!(said.contains("acme:many/thing0@1.0.0"), "{said}");
}

#[test]
fn a_type_of_a_thousand_layers() {
    let mut text = "(component (type $t0 (list u8))".to_owned();
    for layer in 1..1000 {
        write!(text, "(type $t{layer} (list $t{}))", layer - 1).unwrap();
    }
    text.push_str("(type $f (func (param \"deep\" $t999))) (import \"deep\" (func (type $f))))");
    refused(&wat::parse_str(text).unwrap());
}

#[test]
fn components_in_components() {
    let mut wasm = Component::new().finish();
    for _ in 0..2000 {
        let mut outer = Component::new();
        outer.section(&wasm_encoder::RawSection { id: 4, data: &wasm });
        wasm = outer.finish();
    }
    refused(&wasm);
}

#[test]
fn a_hundred_megabytes_of_data() {
    let big = Forged {
        observe: Some(""),
        more: format!("(data (i32.const 0) \"{}\")", "x".repeat(100 << 20)),
        ..Forged::default()
    };
    let scratch = Scratch::new();
    scratch.write("hostile.wasm", big.component());
    let output = scratch
        .xqute(["--plugin", "hostile.wasm", "run", "--", "touch", "ran"])
        .run()
        .exits(3);
    output.says("hostile.wasm").says("may have at most");
    assert!(!scratch.has("ran"));
}

#[test]
fn two_gigabytes_of_nothing() {
    let scratch = Scratch::new();
    let file = File::create(scratch.path("hostile.wasm")).unwrap();
    file.set_len(2 << 30).unwrap();
    let run = scratch
        .xqute(["--plugin", "hostile.wasm", "run", "--", "touch", "ran"])
        .run();
    let said = run.exits(3).stderr;
    insta::assert_snapshot!(said, @"error: plugin hostile.wasm: it has 2147483648 bytes; a plugin may have at most 67108864. Strip its debug information, or split it");
    assert!(!scratch.has("ran"));
}

#[test]
fn ten_thousand_functions_and_no_use() {
    let functions: String = (0..10_000)
        .map(|number| format!("(func $f{number} (param i64) (result i64) (local.get 0))"))
        .collect();
    let many = Forged {
        observe: Some(""),
        more: functions,
        ..Forged::default()
    };
    // That is a lot, and no mistake: it takes its time once, and no job minds.
    Attempt::of_component(&many.component()).run().harmed_no_job();
}

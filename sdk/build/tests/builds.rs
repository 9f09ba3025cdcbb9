//! Builds real plugins: one of this workspace, and one of a stranger who has nothing but the SDK.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use xqute_build::{Guest, Target, Toolchain, build, build_one};

const LIFECYCLE: [&str; 2] = ["xqute:plugin/about@0.1.0", "xqute:plugin/observer@0.1.0"];
const LOG: &str = "xqute:plugin/log@0.1.0";
const TYPES: &str = "xqute:plugin/types@0.1.0";

fn root() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", ".."].iter().collect()
}

fn scratch(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// A crate outside of the workspace, without the workspace's profile. It shares the target folder, to be built sooner.
fn strangers_crate(source: &str) -> io::Result<PathBuf> {
    let folder = scratch("stranger");
    let root = root().canonicalize()?;
    fs::create_dir_all(folder.join("src"))?;
    fs::create_dir_all(folder.join(".cargo"))?;
    fs::write(
        folder.join(".cargo/config.toml"),
        format!("[build]\ntarget-dir = {:?}\n", root.join("target")),
    )?;
    fs::write(
        folder.join("Cargo.toml"),
        format!(
            "[package]\nname = \"stranger\"\ndescription = \"Of somebody else\"\nversion = \"1.2.3\"\nedition = \"2021\"\n\
             [lib]\ncrate-type = [\"cdylib\"]\n[dependencies]\nxqute-plugin = {{ path = {:?} }}\n[workspace]\n",
            root.join("sdk/rust")
        ),
    )?;
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock"))?;
    fs::write(folder.join("src/lib.rs"), source)?;
    Ok(folder)
}

#[test]
fn a_plugin_exports_what_it_implements_and_imports_what_it_uses() {
    let toolchain = Toolchain::find(Target::Unknown).unwrap();
    let guest = Guest {
        package: "xqute-hello".to_owned(),
        out: scratch("hello.wasm"),
    };
    let built = build(&root(), &toolchain, &[guest]).unwrap().remove(0);
    assert_eq!(built.interfaces.exports, LIFECYCLE);
    assert_eq!(built.interfaces.imports, [LOG, TYPES]);
    assert_eq!(fs::metadata(&built.path).unwrap().len(), built.bytes);
    assert!(
        built.bytes < 60_000,
        "a small plugin has become large: {} bytes",
        built.bytes
    );
}

#[test]
fn a_plugin_can_use_wasi() {
    let toolchain = Toolchain::find(Target::Wasip2).unwrap();
    let guest = Guest {
        package: "xqute-wasi-hello".to_owned(),
        out: scratch("wasi_hello.wasm"),
    };
    let built = build(&root(), &toolchain, &[guest]).unwrap().remove(0);
    assert_eq!(built.interfaces.exports, LIFECYCLE);
    assert!(
        built
            .interfaces
            .imports
            .iter()
            .any(|name| name.starts_with("wasi:filesystem/"))
    );
}

#[test]
fn a_stranger_needs_nothing_but_the_sdk() {
    let toolchain = Toolchain::find(Target::Unknown).unwrap();
    let source = "use xqute_plugin::prelude::*;
        pub struct Stranger;
        #[export] impl Plugin for Stranger {}
        #[export] impl Observer for Stranger { fn on_init() { log::info!(\"here\"); } }";
    let folder = strangers_crate(source).unwrap();
    let built = build_one(&folder, &toolchain, &scratch("stranger.wasm")).unwrap();
    assert_eq!(built.interfaces.exports, LIFECYCLE);

    // The same without a description is no plugin, and the builder says how to make it one.
    let folder = strangers_crate(&source.replace("#[export] impl Plugin for Stranger {}", "")).unwrap();
    let error = format!(
        "{:#}",
        build_one(&folder, &toolchain, &scratch("stranger.wasm")).unwrap_err()
    );
    assert!(error.contains("#[export] impl Plugin for"), "{error}");
}

#[test]
fn an_unknown_package_is_named_with_the_known_ones() {
    let toolchain = Toolchain::find(Target::Unknown).unwrap();
    let guest = Guest {
        package: "xqute-nobody".to_owned(),
        out: scratch("nobody.wasm"),
    };
    let error = format!("{:#}", build(&root(), &toolchain, &[guest]).unwrap_err());
    assert!(
        error.contains("`xqute-nobody`") && error.contains("xqute-hello"),
        "{error}"
    );
}

//! Where the program and the plugins under test are. They are built before the tests, never by them; a test that lacks one
//! fails and says how to build it.

use std::{
    env,
    path::{Path, PathBuf},
};

/// The top folder of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate lies in the repository")
}

/// Cargo's target folder.
pub fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => repository().join(dir),
        None => repository().join("target"),
    }
}

/// The `xqute` program: `XQUTE_BIN`, or the release build.
pub fn xqute() -> PathBuf {
    let path = env::var_os("XQUTE_BIN").map_or_else(|| target().join("release/xqute"), PathBuf::from);
    assert!(
        path.is_file(),
        "there is no {}: build it with `cargo xtask build` or name another one in XQUTE_BIN",
        path.display()
    );
    path
}

/// The folder of the plugins: `XQUTE_TEST_PLUGINS`, or where `cargo xtask build` puts them.
pub fn plugins() -> PathBuf {
    env::var_os("XQUTE_TEST_PLUGINS").map_or_else(|| target().join("plugins"), PathBuf::from)
}

/// The file of one plugin.
pub fn plugin(name: &str) -> PathBuf {
    let path = plugins().join(name).with_extension("wasm");
    assert!(
        path.is_file(),
        "there is no {}: build the plugins with `cargo xtask build` or name their folder in XQUTE_TEST_PLUGINS",
        path.display()
    );
    path
}

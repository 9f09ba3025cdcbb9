//! The README's section about workdirs in stores: what it shows works as it stands, but for the name of the bucket.

use std::path::Path;

use xqute_tests::{Scratch, Store, built, docs};

#[test]
fn the_example_works() {
    let scratch = Scratch::new();
    let Some(store) = Store::new("the_example_works", "s3", &scratch) else {
        return;
    };
    let page = docs::page("README.md");
    let [commands] = &docs::blocks(&page, "```bash stores")[..] else {
        panic!("the README has one example of workdirs in stores");
    };
    let place = store.url("");
    let commands = commands
        .replace("s3://my-bucket/run-1", "\"$PLACE\"run-1")
        .replace("xqute ", "\"$XQUTE\" ");
    scratch.write("jobs.txt", "true\necho one\necho two >&2\n");
    let bash = scratch
        .program(Path::new("/bin/bash"))
        .args(["-c", &format!("exec 2>&1\n{commands}")])
        .env("PLACE", place)
        .env("XQUTE", built::xqute());
    let said = store.addressed(bash).run().exits(0).stdout;
    let expected = docs::blocks(&page, "```text stores").concat();
    for line in expected.lines().chain(["two", "exit code 4"]) {
        assert!(said.contains(line), "{line:?} is not in what it said:\n{said}");
    }
}

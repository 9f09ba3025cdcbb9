//! The tests that the SDKs and the examples have in their own languages, without xqute.

use xqute_tests::Scratch;

use crate::{python, source, workshop};

/// Runs all tests below a folder, in another one.
fn unittest(test: &str, tests: &str, here: Option<&str>) {
    let Some(python) = python(test) else { return };
    let scratch = Scratch::new();
    let mut run = scratch
        .program(&python)
        .args(["-m", "unittest", "discover", "-s"])
        .args([source(tests)]);
    if let Some(folder) = here {
        run = run.current_dir(source(folder));
    }
    let run = run.env("PYTHONDONTWRITEBYTECODE", "1").run();
    run.exits(0).says("\nOK\n").does_not_say("Ran 0 tests");
}

#[test]
fn the_sdk_for_python() {
    // Elsewhere: in its own folder Python would find its sources, without what installing adds to them.
    unittest("the_sdk_for_python", "sdk/python/tests", None);
}

#[test]
fn the_spooler() {
    unittest("the_spooler", "plugins/spooler/tests", Some("plugins/spooler"));
}

#[test]
fn the_sdk_for_javascript() {
    if workshop("the_sdk_for_javascript", "javascript").is_none() {
        return;
    }
    let scratch = Scratch::new();
    let run = scratch.program("node".as_ref()).args(["--test", "tests/"]);
    let output = run.current_dir(source("sdk/javascript")).run().exits(0);
    assert!(output.stdout.contains("\n# fail 0\n"), "{}", output.stdout);
    assert!(!output.stdout.contains("\n# pass 0\n"), "{}", output.stdout);
}

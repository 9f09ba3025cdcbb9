//! What plugins make of what users write about mounts: the host reads it.

use xqute_tests::{Output, Scratch};

/// The run's directory, as it is shown.
const RUN: &str = "[scratch]/here/.xqute";

fn told(mounts: &str) -> Output {
    let scratch = Scratch::new();
    scratch.configure("tells-mounts", &format!("mount = [{mounts}]"), "");
    scratch
        .with_plugins(&["tells_mounts"], ["-v", "run", "--", "true"])
        .run()
        .exits(0)
}

#[test]
fn the_host_reads_them() {
    let output = told(r#""REF=/ref/a.txt", "gs://bucket/in/:/in:ro", "/x/:/y", "/x/z:/y/z""#);
    output
        .says("gs://bucket/in is at /in, read-only")
        .says("/ref is at /named/NAMED_MOUNTS/REF/ref")
        .says("REF=/named/NAMED_MOUNTS/REF/ref/a.txt")
        .says("/x is at /y")
        .does_not_say("/x/z is at")
        .says(&format!("{RUN} is at /run"))
        .says(&format!("{RUN}/0 is seen as /run/0"))
        .says(&format!("{RUN}/7 is meant by /run/7"));
}

#[test]
fn what_cannot_be_is_refused_in_words() {
    let output = told(r#""/a:/x", "/b:/x""#);
    output.says("refused: `/a` and `/b` cannot both be mounted at `/x`");
    let output = told(r#""/a:/run""#);
    output.says(&format!("refused: `{RUN}` and `/a` cannot both be mounted at `/run`"));
}

//! What plugins make of what users write about mounts: the host reads it.

use xqute_tests::{Output, Scratch};

fn told(mounts: &str) -> (Output, String) {
    let scratch = Scratch::new();
    scratch.configure("tells-mounts", &format!("mount = [{mounts}]"), "");
    let output = scratch
        .with_plugins(&["tells_mounts"], ["-v", "run", "--", "true"])
        .run()
        .exits(0);
    (output, scratch.path(".xqute").display().to_string())
}

#[test]
fn the_host_reads_them() {
    let (output, run) = told(r#""REF=/ref/a.txt", "gs://bucket/in/:/in:ro", "/x/:/y", "/x/z:/y/z""#);
    output
        .says("gs://bucket/in is at /in, read-only")
        .says("/ref is at /named/NAMED_MOUNTS/REF/ref")
        .says("REF=/named/NAMED_MOUNTS/REF/ref/a.txt")
        .says("/x is at /y")
        .does_not_say("/x/z is at")
        .says(&format!("{run} is at /run"))
        .says(&format!("{run}/0 is seen as /run/0"))
        .says(&format!("{run}/7 is meant by /run/7"));
}

#[test]
fn what_cannot_be_is_refused_in_words() {
    let (output, _) = told(r#""/a:/x", "/b:/x""#);
    output.says("refused: `/a` and `/b` cannot both be mounted at `/x`");
    let (output, run) = told(r#""/a:/run""#);
    output.says(&format!("refused: `{run}` and `/a` cannot both be mounted at `/run`"));
}

//! Limits of plugins in xqute.toml: each has its key, and who runs into it is told the key that raises it.

use xqute_tests::{Output, Scratch};

/// One job with a plugin that misbehaves before it, within these limits.
fn run(how: &str, limits: &str) -> Output {
    let scratch = Scratch::new();
    let options = format!("in = \"on_job_submitting\", how = \"{how}\"");
    scratch.configure("misbehaves", &options, &format!("limits = {{ {limits} }}"));
    scratch.with_plugins(&["misbehaves"], ["run", "--", "true"]).run()
}

#[test]
fn who_computes_too_long_is_told_of_compute_ms() {
    run("spin", "compute-ms = 120")
        .exits(1)
        .says("computed for more than 120ms")
        .says("set `compute-ms` for it in xqute.toml");
}

#[test]
fn wall_time_counts_even_where_more_may_be_computed() {
    run("spin", "compute-ms = 60000, call-ms = 150")
        .exits(1)
        .says("took more than 150ms")
        .says("set `call-ms` for it in xqute.toml");
}

#[test]
fn who_hoards_is_told_of_memory_mib() {
    run("hoard", "memory-mib = 9")
        .exits(1)
        .says("more than 9 MiB of memory")
        .says("set `memory-mib` for it in xqute.toml");
}

#[test]
fn every_limit_has_its_key() {
    let all = "memory-mib = 65, call-ms = 5001, compute-ms = 1001, table-elements = 1000, handles = 64, pass-mib = 33, \
               output-mib = 17, instances = 5";
    run("none of these ways: it only stops", all)
        .exits(1)
        .says("it crashed");
    for (key, near) in [
        ("table-element", "table-elements"),
        ("handle", "handles"),
        ("compute", "compute-ms"),
        ("output-mb", "output-mib"),
    ] {
        let output = run("trap", &format!("{key} = 1")).exits(2);
        output
            .says(&format!("unknown key `{key}`"))
            .says(&format!("did you mean `{near}`?"));
    }
    run("trap", "handles = 0")
        .exits(2)
        .says("xqute.toml:3:")
        .says("the least is 1");
}

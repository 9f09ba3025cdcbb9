//! Plugins that want more than there is for them: memory, tables, handles, room in the host.

use crate::{attempt::Attempt, forged::Forged};

#[test]
fn taking_all_memory() {
    let tried = Attempt::of("hoards_memory").run_within_memory("plugin hostile, call observer.observe");
    tried.says("memory").harmed_no_job();
}

#[test]
fn taking_more_memory_than_anybody_may_ask_for() {
    let tried = Attempt::of("hoards_memory").with("limits = { memory-mib = 8 }").run();
    tried.blames("observer.observe").says("8 MiB").harmed_no_job();
}

#[test]
fn growing_tables() {
    let growing = Forged {
        observe: Some(
            "(loop (br_if 0 (i32.ne (table.grow $all (ref.null func) (i32.const 10000)) (i32.const -1)))) unreachable",
        ),
        more: "(table $all 1 funcref)".to_owned(),
        ..Forged::default()
    };
    let attempt = Attempt::of_component(&growing.component());
    attempt
        .run_within_memory("plugin hostile, call observer.observe")
        .harmed_no_job();
}

#[test]
fn taking_handles() {
    let attempt = Attempt::of("wasi_hoards_handles").allowed("read=granted");
    let file = attempt.scratch.write("granted/file", "");
    let attempt = attempt.with(&format!("options = {{ try = \"{}\" }}", file.display()));
    attempt
        .run_within_memory("plugin hostile, call observer.observe")
        .says("opened once: true")
        .harmed_no_job();
}

#[test]
fn handing_over_a_long_message() {
    let attempt = Attempt::of("hands_over_a_long_message");
    attempt
        .run_within_memory("plugin hostile, call observer.observe")
        .harmed_no_job();
}

#[test]
fn flooding_the_log() {
    let tried = Attempt::of("floods_the_log").hurried().run();
    let length = tried.output.stderr.len();
    assert!(length < 1 << 20, "{length} bytes on stderr");
    tried.blames("observer.observe").harmed_no_job();
}

#[test]
fn filling_the_store() {
    let attempt = Attempt::of("fills_the_store");
    attempt
        .run_within_memory("plugin hostile, call observer.observe")
        .says("the store took 17")
        .harmed_no_job();
}

#[test]
fn long_arguments_and_long_input() {
    for (name, program) in [
        ("runs_with_long_arguments", "run=touch"),
        ("runs_with_a_long_input", "run=tee"),
    ] {
        let attempt = Attempt::of(name).allowed(program);
        attempt
            .run_within_memory("plugin hostile, call observer.observe")
            .without("tried")
            .harmed_no_job();
    }
}

#[test]
fn reading_what_never_ends() {
    let attempt = Attempt::of("reads_without_end").allowed("run=yes");
    attempt.run_within_memory("Rejected").says("yes").harmed_no_job();
}

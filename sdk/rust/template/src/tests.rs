//! Tests of the plugin without xqute and without WebAssembly: `cargo test`.

use xqute_plugin::{
    FailureCause, Gatekeeper, Observer, Verdict,
    testing::{Host, failure, job},
};

use super::MyPlugin;

#[test]
fn forbidden_jobs_do_not_start() {
    let host = Host::new();
    host.option("forbid", "shutdown");
    assert_eq!(MyPlugin::on_job_submitting(&job(0, "echo fine")), Verdict::Proceed);
    assert!(matches!(MyPlugin::on_job_submitting(&job(1, "shutdown now")), Verdict::Veto(_)));
}

#[test]
fn failures_are_told_and_counted() {
    let host = Host::new();
    host.add_job(job(3, "make it"));
    let cause = FailureCause::ExitCode(2);
    MyPlugin::on_job_failed(&failure(3, cause.clone()), &cause);
    MyPlugin::on_job_failed(&failure(3, cause.clone()), &cause);
    assert!(host.log_text().starts_with("failure 1: job 3, `make it`: exit code 2\nfailure 2: "));
}

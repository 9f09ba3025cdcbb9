//! How a plugin is tested: natively, with the SDK in the place of the host.

use xqute_plugin::{Hook, JobEvent, Observer, describe, testing};

use super::Hello;

#[test]
fn greets_a_job_that_succeeded() {
    let host = testing::Host::new();
    Hello::on_job_succeeded(&testing::fact(3, JobEvent::Succeeded));
    assert_eq!(host.log_text(), "hello from job 3\n");
}

#[test]
fn is_described_by_its_package() {
    let description = describe::<Hello>();
    let package = env!("CARGO_PKG_NAME");
    assert_eq!(description.name, package.strip_prefix("xqute-").unwrap_or(package));
    assert_eq!(description.summary, env!("CARGO_PKG_DESCRIPTION"));
    assert_eq!(description.hooks, [Hook::JobSucceeded]);
    assert_eq!(description.rights, []);
}

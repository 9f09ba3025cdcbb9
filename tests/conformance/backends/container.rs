//! Containers of podman.

use std::ffi::OsString;

use xqute_tests::Scratch;

use crate::{
    backend::{Access, Backend, Pace},
    bench::Bench,
    service::{self, Service},
};

/// What it can do wherever jobs see the workdir.
const BASE: Backend = Backend {
    name: "container",
    service: Some(Service {
        variables: &["CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF", "XQUTE_TEST_IMAGE"],
        script: "podman.sh",
    }),
    store: None,
    access: Access::Shared,
    flags,
    singly: &[],
    forks: 6,
    many: 40,
    pace: Pace::Slow,
    live,
    remove: |bench, id| drop(bench.tool("podman", ["rm", "--force", "--time", "0", id]).exits(0)),
    can: &[],
};

suite! {
    BASE;
    AnyName,
    TellsSignals,
    Refuses(&[("image", "localhost/xqute:nowhere"), ("pull", "never")]),
}

/// The same, with the workdir at another place in the containers than on this machine.
pub(crate) mod mounted {
    use crate::backend::{Access, Backend};

    suite! {
        Backend {
            access: Access::Mounted,
            ..super::BASE
        };
        AnyName,
        TellsSignals,
    }
}

fn flags(scratch: &Scratch) -> Vec<OsString> {
    let here = scratch.path("").display().to_string();
    let here = here.trim_end_matches('/');
    let options = [
        "bin=podman".to_owned(),
        format!("image={}", service::variable("XQUTE_TEST_IMAGE")),
        format!("volumes={here}:{here}"),
    ];
    options
        .into_iter()
        .flat_map(|option| ["--opt".to_owned(), option])
        .map(OsString::from)
        .collect()
}

/// Ids are names.
fn live(bench: &Bench, ids: &[String]) -> Vec<String> {
    let ps = bench.tool("podman", ["ps", "--format", "{{.Names}}"]).exits(0);
    let listed: Vec<_> = ps.stdout.lines().collect();
    ids.iter().filter(|id| listed.contains(&id.as_str())).cloned().collect()
}

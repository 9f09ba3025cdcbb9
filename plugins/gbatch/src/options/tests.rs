//! Options become a job of Batch, or are refused with a sentence.

use serde_json::json;
use xqute_plugin::{
    mounts::Mounted,
    testing::{Host, mount},
};

use super::*;

fn given(options: &[(&str, &str)]) -> Result<Settings, Error> {
    let options: Vec<_> = options
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Settings::read(&options)
}

fn refusal(options: &[(&str, &str)]) -> String {
    let with_location = [&[("location", "us-central1")], options].concat();
    match given(&with_location) {
        Err(Error::InvalidOptions(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn options_find_their_places_in_the_job() {
    let settings = given(&[
        ("location", "us-central1"),
        ("project", "my-project-1"),
        ("machine-type", "e2-standard-4"),
        ("provisioning-model", "SPOT"),
        ("service-account", "me@my-project-1.iam.gserviceaccount.com"),
        ("network", "global/networks/default"),
        ("subnetwork", "regions/us-central1/subnetworks/default"),
        ("no-external-ip-address", "true"),
        ("labels", "team=blue"),
        ("max-run-duration", "3600s"),
        ("runnables", r#"{"script": {"text": "after"}}"#),
        ("runnables", r#"{"script": {"text": "before"}, "order": -1}"#),
        (
            "job",
            r#"{"priority": 7, "logsPolicy": {"destination": "PATH", "logsPath": "/tmp"}}"#,
        ),
    ]);
    let settings = settings.unwrap();
    assert_eq!(settings.place.project.as_deref(), Some("my-project-1"));
    let job = settings.document.finish("run", 2, "0123456789abcdef").unwrap();
    let expected = json!({
        "priority": 7,
        "logsPolicy": {"destination": "PATH", "logsPath": "/tmp"},
        "labels": {"team": "blue", "xqute": "true", "xqute-run": "0123456789abcdef"},
        "allocationPolicy": {
            "instances": [{"policy": {"machineType": "e2-standard-4", "provisioningModel": "SPOT"}}],
            "serviceAccount": {"email": "me@my-project-1.iam.gserviceaccount.com"},
            "network": {"networkInterfaces": [{
                "network": "global/networks/default",
                "subnetwork": "regions/us-central1/subnetworks/default",
                "noExternalIpAddress": true,
            }]},
        },
        "taskGroups": [{"taskCount": 2, "taskSpec": {"maxRunDuration": "3600s", "runnables": [
            {"script": {"text": "before"}},
            {"script": {"text": "#!/bin/bash\nrun"}},
            {"script": {"text": "after"}},
        ]}}],
    });
    assert_eq!(job, expected);
}

#[test]
fn the_location_must_be_said() {
    let missing = given(&[]).unwrap_err();
    assert_eq!(
        missing.message(),
        "`location` is missing: say where jobs are to run, such as location=us-central1"
    );
    assert!(given(&[("location", "--help")]).is_err());
    assert!(refusal(&[("project", "My Project")]).contains("the id of a project has small letters"));
}

#[test]
fn refusals_say_what_to_do() {
    for (name, value, said) in [
        (
            "gcloud",
            "/opt/gcloud",
            "`gcloud` cannot be given for gbatch: a plugin starts what is called `gcloud` on PATH",
        ),
        ("task-groups", "[]", "put `taskGroups` into the JSON of `job`"),
        (
            "labels",
            "Team=blue",
            "`labels` has \"Team=blue\", but a label is NAME=VALUE",
        ),
        ("labels", "xqute-run=1", "the label `xqute-run` cannot be given"),
        (
            "provisioning-model",
            "spot",
            "`provisioning-model` is \"spot\", but it can be STANDARD, SPOT or PREEMPTIBLE",
        ),
        (
            "max-run-duration",
            "1h",
            "a number of seconds with an s behind it, such as 3600s",
        ),
        (
            "no-external-ip-address",
            "maybe",
            "`no-external-ip-address` is either true or false, not \"maybe\"",
        ),
        ("machine-type", "", "`machine-type` needs a value"),
        (
            "entrypoint",
            "/bin/sh",
            "`entrypoint` is for containers: say `image-uri`, too",
        ),
        ("tasks-per-job", "0", "`tasks-per-job` is 0"),
        ("tasks-per-job", "9999", "`tasks-per-job` can be at most 5000"),
        ("tasks-per-job", "all", "bad value `all` for `tasks-per-job`"),
        ("job", r#"{"taskGroups": 3}"#, "`taskGroups` in `job` must be a list"),
        ("runnables", "[]", "`runnables` must be a JSON object"),
        (
            "runnables",
            r#"{"order": "first"}"#,
            "the `order` of `runnables` must be a number",
        ),
    ] {
        let text = refusal(&[(name, value)]);
        assert!(text.contains(said), "{name}={value}: {text}");
    }
}

#[test]
fn a_workdir_that_no_machine_sees_is_refused() {
    let host = Host::new();
    let mounted = Mounted {
        mounts: vec![mount("gs://bucket", "/mnt/disks/work")],
        variables: Vec::new(),
    };
    host.on_mount("gs://bucket:/mnt/disks/work", "gs://bucket", mounted);
    let check = |options: &[(&str, &str)], workdir| {
        let with_location = [&[("location", "us-central1")], options].concat();
        given(&with_location).unwrap().check_workdir(workdir)
    };
    assert!(
        check(&[], "/home/me/.xqute")
            .unwrap_err()
            .message()
            .contains("would not see the workdir /home/me/.xqute")
    );
    let mount = [("mount", "gs://bucket:/mnt/disks/work")];
    assert_eq!(check(&mount, "/mnt/disks/work/.xqute"), Ok(()));
    assert!(check(&mount, "/mnt/disks/workshop/.xqute").is_err());
    let nfs = [(
        "job",
        r#"{"taskGroups": [{"taskSpec": {"volumes": [{"nfs": {"server": "s", "remotePath": "/"}, "mountPath": "/nfs"}]}}]}"#,
    )];
    assert_eq!(check(&nfs, "/nfs/me/.xqute"), Ok(()));
    assert_eq!(check(&[("shared-workdir", "true")], "/home/me/.xqute"), Ok(()));
}

#[test]
fn everything_is_described() {
    let described = xqute_plugin::describe::<crate::Gbatch>().options;
    assert_eq!(described.len(), KNOWN.len() + 2 + REFUSED.len());
    for (name, _, _) in KNOWN {
        assert!(
            include_str!("../../README.md").contains(&format!("`{name}")),
            "README.md does not tell of `{name}`"
        );
    }
}

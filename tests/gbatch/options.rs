//! What options do, and what is refused before the first job.

use std::fs;

use xqute_tests::{
    Scratch,
    machine::{is_root, skip},
};

use crate::backend::Batch;

#[test]
fn buckets_are_where_the_options_say() {
    let test = "buckets_are_where_the_options_say";
    let scratch = Scratch::new();
    let Some(batch) = Batch::own(test, &scratch) else {
        return;
    };
    let mount = format!("mount=gs://bucket-1/data:{}", scratch.path("mnt").display());
    let job = "cat mnt/in; echo out > mnt/out\n";
    fs::create_dir_all(batch.bucket("bucket-1/data")).unwrap();
    fs::write(batch.bucket("bucket-1/data/in"), "in\n").unwrap();
    scratch.write("jobs.txt", job);
    batch.run(["--opt", &mount, "jobs.txt"]).run().exits(0);
    assert_eq!(scratch.job(0).stdout(), "in\n");
    assert_eq!(fs::read_to_string(batch.bucket("bucket-1/data/out")).unwrap(), "out\n");
    if !is_root() {
        return skip(test, "only root can make /mnt/disks");
    }
    let name = format!("XQUTE_TEST_{}", std::process::id());
    scratch.write("jobs.txt", format!("echo ${name} > ${name}/out; pwd\n"));
    let (mount, cwd) = (format!("mount={name}=gs://bucket-2"), "mount-as-cwd=gs://bucket-3");
    batch
        .run_somewhere([
            "--overwrite",
            "--opt",
            "shared-workdir=true",
            "--opt",
            &mount,
            "--opt",
            cwd,
            "jobs.txt",
        ])
        .run()
        .exits(0);
    let path = format!("/mnt/disks/NAMED_MOUNTS/{name}");
    assert_eq!(
        fs::read_to_string(batch.bucket("bucket-2/out")).unwrap(),
        format!("{path}\n")
    );
    assert_eq!(scratch.job(0).stdout(), "/mnt/disks/.cwd\n");
    fs::remove_file(path).unwrap();
    fs::remove_file("/mnt/disks/.cwd").unwrap();
}

#[test]
fn jobs_run_in_containers() {
    let test = "jobs_run_in_containers";
    let scratch = Scratch::new();
    let Some(batch) = Batch::shared(test, &scratch) else {
        return;
    };
    let Ok(image) = std::env::var("XQUTE_TEST_IMAGE") else {
        return skip(
            test,
            "there are no containers (XQUTE_TEST_IMAGE is not set); start tests/services/podman.sh first",
        );
    };
    let place = scratch.path("");
    let here = place.parent().unwrap().display();
    let job = format!(
        r#"job={{"taskGroups": [{{"taskSpec": {{"runnables": [{{"container": {{"volumes": ["{here}:{here}"]}}}}]}}}}]}}"#
    );
    let image = format!("image-uri={image}");
    scratch.write("jobs.txt", "ls /run/.containerenv; exit 4\n");
    let options = ["--opt", &job, "--opt", &image];
    batch
        .run(options.into_iter().chain(["jobs.txt"]))
        .run()
        .exits(1)
        .says("exit code 4");
    assert_eq!(scratch.job(0).ended(4).stdout(), "/run/.containerenv\n");
    let entrypoint = [
        "--opt",
        "entrypoint=/bin/sh",
        "--opt",
        "commands=-c",
        "--opt",
        "commands=FROM=sh {lang} {script}",
    ];
    let args = options
        .into_iter()
        .chain(entrypoint)
        .chain(["--overwrite", "--", "bash", "-c", "echo $FROM"]);
    batch.run(args).run().exits(0);
    assert_eq!(scratch.job(0).stdout(), "sh\n");
}

#[test]
fn runnables_and_labels_reach_batch() {
    let scratch = Scratch::new();
    let Some(batch) = Batch::shared("runnables_and_labels_reach_batch", &scratch) else {
        return;
    };
    let here = scratch.path("order").display().to_string().replace('\'', r"'\\''");
    let before = format!(r#"runnables={{"order": -1, "script": {{"text": "echo before >> '{here}'"}}}}"#);
    let after = format!(r#"runnables={{"script": {{"text": "echo after >> '{here}'"}}}}"#);
    let args = [
        "--opt",
        &after,
        "--opt",
        &before,
        "--opt",
        "labels=team=blue",
        "--",
        "bash",
        "-c",
        "echo job >> order",
    ];
    batch.run(args).run().exits(0);
    xqute_tests::machine::wait_until("what comes after it is over", || batch.state_of(0) == "SUCCEEDED");
    assert_eq!(scratch.read("order"), "before\njob\nafter\n");
    let (job, _) = batch.task_of(0);
    let team = batch.gcloud(&["jobs", "describe", &job, "--format=value(labels.team)"]);
    assert_eq!(team, "blue\n");
}

#[test]
fn what_cannot_work_is_refused_before_the_first_job() {
    let scratch = Scratch::new();
    let Some(batch) = Batch::shared("what_cannot_work_is_refused_before_the_first_job", &scratch) else {
        return;
    };
    let here = "location=us-central1";
    for (place, option, said) in [
        ("location=", "shared-workdir=true", "`location` is missing"),
        (
            "location=mars-west1",
            "shared-workdir=true",
            "Location mars-west1 is not found",
        ),
        (here, "project=somebody-elses", "is `project` right"),
        (here, "mount=/data:/mnt/data", "volumes of Batch are buckets"),
        (here, "machine-tpye=e2", "machine-type"),
        (here, "job={\"taskGroups\": 3}", "`taskGroups` in `job` must be a list"),
        (here, "mount=gs://bucket:/mnt/elsewhere", "would not see the workdir"),
    ] {
        let shared = if option.starts_with("project") {
            &["--opt", "shared-workdir=true"][..]
        } else {
            &[]
        };
        let run = batch
            .run_anyhow(["--opt", place, "--opt", option])
            .args(shared)
            .args(["--", "true"]);
        run.run().exits(2).says(said).does_not_say("submitted");
    }
    assert!(!scratch.has(".xqute/0/job.jid"));
}

#[test]
fn what_batch_refuses_fails_the_jobs_with_its_words() {
    let scratch = Scratch::new();
    let Some(batch) = Batch::shared("what_batch_refuses_fails_the_jobs_with_its_words", &scratch) else {
        return;
    };
    let bad_type = batch.run(["--opt", "machine-type=huge", "--", "true"]).run().exits(1);
    bad_type.says("machine type 'huge' is not supported");
    let unknown = batch
        .run(["--overwrite", "--opt", "job={\"prio\": 3}", "--", "true"])
        .run()
        .exits(1);
    unknown.says("Unknown name \"prio\"");
    let name = batch
        .run(["--overwrite", "--jobname-prefix", "my_jobs", "--", "true"])
        .run()
        .exits(1);
    name.says("Batch takes no job that is called \"my_jobs-0\"");
    assert_eq!(scratch.job(0).text("job.rc"), "-2\n");
}

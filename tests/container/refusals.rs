//! What is refused, as far as possible before the first job, and with which words.

use xqute_tests::Scratch;

use crate::{containers, image, in_service, left, with_image};

/// Options that no engine is asked about, or that podman refuses → words that the user reads.
const BAD_OPTIONS: [(&[&str], &str); 6] = [
    (
        &["volumes=/no/such:/x"],
        "there is no `/no/such` on this machine (No such file or directory)",
    ),
    (&["volumes=data:/x"], "`data` is not an absolute path on the host"),
    (
        &["volumes=/etc:/x", "volumes=/usr:/x"],
        "cannot both be mounted at `/x`",
    ),
    (
        &["volumes=/etc:/x", "mount=/usr:/y"],
        "`volumes` and `mount` are the same",
    ),
    (&["volumes=MY-NAME=/etc"], "`MY-NAME` cannot be the name of a variable"),
    (&["bin-args=--name=x"], "the argument `--name` cannot be given"),
];

#[test]
fn what_cannot_work_does_not_start() {
    let scratch = Scratch::new();
    let test = "what_cannot_work_does_not_start";
    let Some(image) = image(test) else { return };
    let refused = |bin: &str, image: &str, options: &[&str], says: &str| {
        let run = with_image(&scratch, bin, image, [""; 0]);
        let run = options.iter().fold(run, |run, option| run.args(["--opt", option]));
        run.args(["--", "true"]).run().exits(2).says(says);
        assert!(!scratch.has(".xqute/0/job.stdout"));
    };
    for (options, says) in BAD_OPTIONS {
        refused("podman", &image, options, says);
    }
    for (bin, image, options, says) in [
        (
            "podman",
            "localhost/no-such:1",
            &["pull=never"][..],
            "podman has no image `localhost/no-such:1`",
        ),
        (
            "podman",
            "localhost/no-such:1",
            &[],
            "podman has no image `localhost/no-such:1` and cannot pull it",
        ),
        ("podman", "", &[], "no image: say which one jobs run in"),
        (
            "lxc",
            &*image,
            &[],
            "`bin` is one of docker, podman, apptainer, singularity, not `lxc`",
        ),
        (
            "singularity",
            "docker://debian",
            &[],
            "there is no program `singularity` on PATH",
        ),
    ] {
        refused(bin, image, options, says);
    }
}

#[test]
fn what_the_engine_refuses_fails_that_job_with_its_words() {
    let scratch = Scratch::new();
    let test = "what_the_engine_refuses_fails_that_job_with_its_words";
    let Some(run) = containers(test, &scratch, "podman", ["--opt", "user=nobody-here", "--", "true"]) else {
        return;
    };
    run.run().exits(1).says("unable to find user nobody-here");
    assert_eq!(scratch.job(0).text("job.rc"), "-2\n");
}

#[test]
fn an_image_without_bash_is_told_in_words() {
    let scratch = Scratch::new();
    let Ok(image) = std::env::var("XQUTE_TEST_IMAGE_WITHOUT_BASH") else {
        xqute_tests::machine::skip("an_image_without_bash_is_told_in_words", "there are no containers");
        return;
    };
    for bin in ["podman", "docker"] {
        let run = with_image(&scratch, bin, &image, ["--overwrite", "--", "true"]);
        run.run().exits(1).says("has no /bin/bash; job scripts need a bash");
    }
    let list = scratch.program("podman".as_ref());
    let list = list.args([
        "ps",
        "--all",
        "--filter",
        &format!("ancestor={image}"),
        "--format",
        "{{.Names}}",
    ]);
    assert_eq!(
        in_service(list).run().exits(0).stdout,
        "",
        "what could not start is removed"
    );
}

#[test]
fn a_docker_that_is_not_there_is_said() {
    let scratch = Scratch::new();
    let Some(run) = containers("a_docker_that_is_not_there_is_said", &scratch, "docker", ["--", "true"]) else {
        return;
    };
    let run = run.env("DOCKER_HOST", "unix:///no/such/socket");
    let output = run.run();
    assert_ne!(output.code(), Some(0));
    output.says("Cannot connect to the Docker daemon at unix:///no/such/socket");
}

#[test]
fn where_jobs_start_is_said_once() {
    let scratch = Scratch::new();
    let args = ["--cwd", "/", "--opt", "volume-as-cwd=/etc", "--", "true"];
    let Some(run) = containers("where_jobs_start_is_said_once", &scratch, "podman", args) else {
        return;
    };
    run.run().exits(1).says("`volume-as-cwd` and --cwd");
    assert!(!scratch.has(".xqute/0/job.jid") || left(&scratch).is_empty());
}

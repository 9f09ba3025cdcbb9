//! Real containers: podman, and the docker client that talks to podman's API, as `tests/services/podman.sh up` starts them.
//! Without that these tests say loudly that they were skipped, and fail where `CI` is `true`. There is no real apptainer to be
//! had here: a program that stands in for it runs jobs without any container.

use std::{ffi::OsStr, fs, os::unix::fs::PermissionsExt as _};

use xqute_tests::{Scratch, Xqute, docs, machine::skip, plugin};

mod apptainer;
mod ends;
mod refusals;

/// What the service tells its clients.
const SERVICE: [&str; 3] = ["CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF", "DOCKER_HOST"];

/// The image that has bash; none if there are no containers here.
fn image(test: &str) -> Option<String> {
    let image = std::env::var("XQUTE_TEST_IMAGE").ok();
    if image.is_none() {
        skip(
            test,
            "there are no containers (XQUTE_TEST_IMAGE is not set); start the service with tests/services/podman.sh up",
        );
    }
    image
}

/// With what the service tells its clients.
fn in_service(mut program: Xqute) -> Xqute {
    for name in SERVICE {
        program = program.env(name, std::env::var_os(name).unwrap_or_default());
    }
    program
}

/// `xqute run -s container` with this program, image and arguments.
fn with_image(scratch: &Scratch, bin: &str, image: &str, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Xqute {
    let options = [format!("bin={bin}"), format!("image={image}")];
    let run = scratch.with_plugins(&["container"], ["-v", "run", "-s", "container"]);
    let run = options.iter().fold(run, |run, option| run.args(["--opt", option]));
    in_service(run).args(args)
}

/// The same with the image that has bash; none if there are no containers here.
fn containers(
    test: &str,
    scratch: &Scratch,
    bin: &str,
    args: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> Option<Xqute> {
    Some(with_image(scratch, bin, &image(test)?, args))
}

/// The containers of the run in the default workdir, with how they are.
fn left(scratch: &Scratch) -> Vec<String> {
    let id = scratch.job(0).id();
    let run = id.split('-').nth(1).unwrap();
    let filter = format!("label=xqute.run={run}");
    let list = scratch.program("podman".as_ref());
    let list = list.args(["ps", "--all", "--filter", &filter, "--format", "{{.Names}} {{.Status}}"]);
    let listed = in_service(list).run().exits(0).stdout;
    listed.lines().map(str::to_owned).collect()
}

fn jobs_run_with(test: &str, bin: &str) {
    let scratch = Scratch::new();
    let jobs: String = (0..12)
        .map(|number| format!("echo $(({number} * {number}))\n"))
        .collect();
    scratch.write(
        "jobs.txt",
        [
            &jobs,
            "echo oh >&2; exit 3\n",
            "kill -SEGV $$\n",
            "exit 137\n",
            "kill -9 $$\n",
        ]
        .concat(),
    );
    let Some(run) = containers(test, &scratch, bin, ["-j", "6", "jobs.txt"]) else {
        return;
    };
    run.run()
        .exits(1)
        .says("12 succeeded")
        .says("4 failed")
        .says("exit code 3")
        .says("signal 11")
        .says("exit code 137")
        .says("signal 9");
    for number in 0..12 {
        let job = scratch.job(number).ended(0);
        assert_eq!(job.stdout(), format!("{}\n", number * number));
        assert!(job.text("job.jid").trim().ends_with(&format!("-{number}-1")));
    }
    assert_eq!(scratch.job(12).ended(3).stderr(), "oh\n");
    scratch.job(13).ended(139);
    scratch.job(14).ended(137);
    scratch.job(15).ended(137);
    assert!(left(&scratch).is_empty(), "{:?}", left(&scratch));
}

#[test]
fn podman_runs_jobs_and_keeps_no_container() {
    jobs_run_with("podman_runs_jobs_and_keeps_no_container", "podman");
}

#[test]
fn docker_runs_jobs_and_keeps_no_container() {
    jobs_run_with("docker_runs_jobs_and_keeps_no_container", "docker");
}

#[test]
fn the_page_does_what_it_says() {
    let scratch = Scratch::new();
    let Some(image) = image("the_page_does_what_it_says") else {
        return;
    };
    let page = docs::page("plugins/container/README.md");
    let line = |start: &str| {
        let line = page.lines().map(str::trim).find(|line| line.starts_with(start));
        line.unwrap_or_else(|| panic!("the page has no line that starts with {start:?}"))
            .to_owned()
    };
    let words = line("xqute run -s container --opt bin=podman");
    scratch.write("reference/genome.fa", ">chr1\nACGT\n");
    scratch.write("jobs.txt", [&line("grep -c"), "\n", &line("cat /etc")].concat());
    let mut args: Vec<String> = Vec::new();
    for word in words.split_whitespace().skip(2) {
        let here = scratch.path("");
        let word = word.replace("docker://debian:12", &image);
        args.push(word.replace("/project", here.to_str().unwrap().trim_end_matches('/')));
    }
    let run = scratch.with_plugins(&["container"], ["run"]).args(&args);
    in_service(run).run().exits(0).says("2 succeeded");
    assert_eq!(scratch.job(0).stdout(), "1\n");
    assert!(scratch.job(1).stdout().starts_with("root:"));
}

#[test]
fn arguments_and_variables_arrive_as_they_are() {
    let scratch = Scratch::new();
    let args = [
        "--",
        "printf",
        "%s|",
        "",
        "two words",
        "it's",
        "$HOME",
        "`id`",
        "a\nb",
        "\"",
        "\u{1}\u{7f}é",
    ];
    let test = "arguments_and_variables_arrive_as_they_are";
    let Some(run) = containers(test, &scratch, "podman", args) else {
        return;
    };
    run.run().exits(0);
    let expected: String = args[3..].iter().map(|arg| format!("{arg}|")).collect();
    assert_eq!(scratch.job(0).ended(0).stdout(), expected);
    let speaks = [
        "--overwrite",
        "--env",
        "SPOKEN=it's $HOME",
        "--",
        "bash",
        "-c",
        "echo \"$SPOKEN\"",
    ];
    containers(test, &scratch, "podman", speaks).unwrap().run().exits(0);
    assert_eq!(scratch.job(0).stdout(), "it's $HOME\n");
}

#[test]
fn a_job_sees_what_is_mounted_and_starts_where_it_should() {
    let scratch = Scratch::new();
    scratch.write(
        "jobs.txt",
        "cat \"$READS\" \"$READS.idx\" /ro/reads.txt; pwd; touch made; touch /ro/x && echo written; echo \"$EXTRA\"\n",
    );
    // podman's API, which this docker talks to, cannot be given a comma; podman itself can.
    for (bin, name) in [("podman", "a,b \"c"), ("docker", "b c")] {
        let data = scratch.write(&format!("data/{name}/reads.txt"), "ACGT\n");
        scratch.write(&format!("data/{name}/reads.txt.idx"), "1\n");
        let data = data.parent().unwrap().display().to_string();
        let options = [
            format!("volumes=READS={data}/reads.txt"),
            format!("volumes={data}:/ro:ro"),
            format!("volume-as-cwd={}", scratch.path("data").display()),
            "env=EXTRA=1 2".to_owned(),
        ];
        let test = "a_job_sees_what_is_mounted_and_starts_where_it_should";
        let Some(run) = containers(test, &scratch, bin, ["--overwrite", "jobs.txt"]) else {
            return;
        };
        let run = options.iter().fold(run, |run, option| run.args(["--opt", option]));
        run.run().exits(0);
        let said = "ACGT\n1\nACGT\n/mnt/disks/.cwd\n1 2\n";
        assert_eq!(scratch.job(0).stdout(), said, "{bin}");
        fs::remove_file(scratch.path("data/made")).unwrap();
    }
}

#[test]
fn too_little_memory_is_said() {
    let scratch = Scratch::new();
    scratch.write(
        "jobs.txt",
        "x=$(head -c 200000000 /dev/zero | tr '\\0' x); echo ${#x}\ntrue\n",
    );
    let args = ["--opt", "bin-args=--memory=60m", "jobs.txt"];
    let Some(run) = containers("too_little_memory_is_said", &scratch, "podman", args) else {
        return;
    };
    run.run().exits(1).says("1 succeeded").says("out of memory");
}

#[test]
fn what_is_recorded_of_a_real_run_is_replayed_without_podman() {
    let scratch = Scratch::new();
    scratch.write("jobs.txt", "true\nexit 3\n");
    let test = "what_is_recorded_of_a_real_run_is_replayed_without_podman";
    let args = ["--record", "container=calls.jsonl", "jobs.txt"];
    let Some(run) = containers(test, &scratch, "podman", args) else {
        return;
    };
    run.run().exits(1).says("1 succeeded");
    let replay = scratch.xqute(["plugin", "test"]).args([plugin("container")]);
    let replay = replay.args(["--replay", "calls.jsonl"]).env("PATH", "/no/such/folder");
    let output = replay.run().exits(0);
    for call in ["scheduler.submit: ", "scheduler.poll: "] {
        assert!(output.stdout.contains(call), "{}", output.stdout);
    }
}

/// A program in the scratch folder that is found before all others.
fn program(scratch: &Scratch, name: &str, text: &str) -> String {
    let file = scratch.write(&format!("bin/{name}"), text);
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    format!("{}:{}", scratch.path("bin").display(), std::env::var("PATH").unwrap())
}

#[test]
fn few_questions_are_asked() {
    let scratch = Scratch::new();
    scratch.write("jobs.txt", "true\n".repeat(30));
    let real = std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .map(|folder| folder.join("podman"))
        .find(|file| file.exists());
    let real = real.map(|file| file.display().to_string()).unwrap_or_default();
    let logged = format!("#!/bin/sh\necho \"$1\" >> \"$PODMAN_LOG\"\nexec {real} \"$@\"\n");
    let path = program(&scratch, "podman", &logged);
    let Some(run) = containers("few_questions_are_asked", &scratch, "podman", ["-j", "4", "jobs.txt"]) else {
        return;
    };
    run.env("PATH", path)
        .env("PODMAN_LOG", scratch.path("log"))
        .run()
        .exits(0);
    let log = scratch.read("log");
    let count = |word: &str| log.lines().filter(|line| *line == word).count();
    assert_eq!(count("run"), 30, "{log}");
    assert_eq!(count("image"), 1, "{log}");
    assert!(count("rm") <= 3, "they are removed in batches: {log}");
    assert!(count("ps") < 30, "{log}");
}

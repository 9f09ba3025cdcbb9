//! The page of the scheduler: what it shows works as it stands.

use std::fs;
use std::os::unix::fs::symlink;

use xqute_tests::{Scratch, docs};

use crate::backend::Batch;

#[test]
fn the_example_works() {
    let scratch = Scratch::new();
    let Some(batch) = Batch::own("the_example_works", &scratch) else {
        return;
    };
    let page = docs::page("plugins/gbatch/README.md");
    let shown = |start: &str| {
        let line = page
            .lines()
            .find_map(|line| line.strip_prefix("    ").filter(|line| line.starts_with(start)));
        line.unwrap_or_else(|| panic!("the page shows no `{start}`")).to_owned()
    };
    // A bucket that is mounted here and there.
    let folder = scratch.path("work");
    fs::create_dir(&folder).unwrap();
    fs::create_dir_all(batch.bucket("")).unwrap();
    symlink(&folder, batch.bucket("my-bucket")).unwrap();
    let folder = folder.display().to_string();
    // The folder's name has a space in it, so the words are told apart first.
    let command = shown("xqute run -s gbatch");
    let mut words: Vec<String> = command
        .split(' ')
        .map(|word| word.replace("/mnt/disks/work", &folder))
        .collect();
    assert_eq!(words.drain(..4).collect::<Vec<_>>(), ["xqute", "run", "-s", "gbatch"]);
    scratch.write("jobs.txt", "echo one\necho two\n");
    batch
        .run_anyhow(words.iter().map(String::as_str))
        .run()
        .exits(0)
        .says("2 succeeded");
    assert_eq!(
        fs::read_to_string(format!("{folder}/.xqute/1/job.stdout")).unwrap(),
        "two\n"
    );

    let job = shown("{\"cmd\": [\"train\"");
    scratch.write("jobs.jsonl", job.replace("\"train\"", "\"echo\""));
    let words = words
        .iter()
        .map(|word| if word == "jobs.txt" { "jobs.jsonl" } else { word });
    batch.run_anyhow(words.chain(["--overwrite"])).run().exits(0);
    let kind = batch.gcloud(&[
        "jobs",
        "list",
        "--filter=name:train-1",
        "--format=value(allocationPolicy.instances[0].policy.machineType)",
    ]);
    assert_eq!(kind, "n2-highmem-8\n");
}

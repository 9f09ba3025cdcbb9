//! What a command finds around it: its arguments, variables, folder, standard input and name.

use std::{ffi::OsString, os::unix::ffi::OsStringExt as _};

use serde_json::json;

use crate::{
    backend::{Backend, Capability},
    bench::Job,
    medley::Medley,
};

/// A folder of the jobs' own, in the one where the run is started.
pub(crate) const ELSEWHERE: &str = "else where/it's";
/// A variable of the whole run.
pub(crate) const OF_THE_RUN: &str = "OF_THE_RUN=it's \"$HOME\" `id` \\ ü %j\nline 2";
/// The job whose arguments no job file can have.
pub(crate) const ARGUMENTS: &str = "arguments";

const OF_THE_JOB: &str = "'\"'\"' #$(id)\t*";
const VARIABLES: &str = "variables";
const PLACE: &str = "place";
const HERE: &str = "here";
const INPUT: &str = "standard input";
const ODD_NAMES: [&str; 7] = [
    "it's \"quoted\" \\",
    "$HOME `id` $(id)",
    "%j %A_%a {script}",
    "-1/../..;true&",
    "#$ -N other, #SBATCH --hold",
    "1 ünïcödé ☃ 名",
    "9:=@*?[]!<>|",
];

pub(crate) fn jobs(backend: &Backend) -> Vec<Job> {
    let variables = "printf '%s\\0' \"$OF_THE_RUN\" \"$OF_THE_JOB\" \"$XQUTE_JOB_INDEX\" \"$XQUTE_JOB_ATTEMPT\" \
                     \"$XQUTE_METADIR\" \"$XQUTE_JOB_METADIR\"";
    let own = json!({"OF_THE_JOB": OF_THE_JOB});
    let mut jobs = vec![
        Job::new(variables).key(VARIABLES).with("env", own),
        Job::new("pwd").key(HERE),
        Job::new("pwd").key(PLACE).with("cwd", ELSEWHERE),
        Job::new("cat").key(INPUT),
    ];
    if backend
        .find(|can| matches!(can, Capability::AnyName).then_some(()))
        .is_some()
    {
        jobs.extend(odd_names().map(|name| Job::new("echo fine").key(&name).with("name", name)));
    }
    jobs
}

fn odd_names() -> impl Iterator<Item = String> {
    ODD_NAMES.map(str::to_owned).into_iter().chain([long_name()])
}

fn long_name() -> String {
    "long ".repeat(60)
}

/// What has to arrive at the job [`ARGUMENTS`], which prints each with a NUL behind it.
pub(crate) fn arguments() -> Vec<OsString> {
    let words = [
        "",
        "two words",
        "it's",
        "\"",
        "$HOME",
        "`id`",
        "a\nb",
        "%j",
        "-n",
        "#SBATCH --hold",
        "#$ -h",
        "$TASK_ID",
        "{script}",
    ];
    let words = words.map(|word| word.as_bytes().to_vec()).into_iter();
    let bytes = (1..=255).map(|byte| vec![b'x', byte, byte]);
    words.chain(bytes).map(OsString::from_vec).collect()
}

pub(crate) fn arguments_arrive_as_they_are(medley: &Medley) {
    let arguments = arguments()
        .into_iter()
        .map(|argument| [argument.into_vec(), vec![0]].concat());
    let expected: Vec<u8> = arguments.flatten().collect();
    assert!(medley.job(ARGUMENTS).succeeded().bytes("job.stdout") == expected);
}

pub(crate) fn a_job_has_its_variables(medley: &Medley) {
    let job = medley.job(VARIABLES).succeeded();
    let (index, workdir) = (&job.record["index"], &medley.workdir);
    let (_, of_the_run) = OF_THE_RUN.split_once('=').unwrap();
    let expected = [
        of_the_run,
        OF_THE_JOB,
        &index.to_string(),
        "1",
        workdir,
        &format!("{workdir}/{index}"),
    ];
    let found: Vec<_> = job.stdout().split_terminator('\0').collect();
    assert_eq!(found, expected);
}

pub(crate) fn a_job_starts_where_it_is_told_to(medley: &Medley) {
    let here = &medley.here;
    assert_eq!(medley.job(HERE).succeeded().stdout(), format!("{here}\n"));
    assert_eq!(medley.job(PLACE).succeeded().stdout(), format!("{here}/{ELSEWHERE}\n"));
}

/// A command that reads it ends, and does not wait for ever.
pub(crate) fn nothing_is_on_standard_input(medley: &Medley) {
    assert_eq!(medley.job(INPUT).succeeded().stdout(), "");
}

pub(crate) fn odd_names_are_no_trouble(medley: &Medley) {
    for name in odd_names() {
        assert_eq!(medley.job(&name).succeeded().stdout(), "fine\n");
    }
}

//! The options: what there are, and how they become `Settings`, the same for all jobs that have the same options. Pure
//! functions, but for volumes, which the host reads: they are in `mounts`, how JSON is put together is in `document`.

use serde_json::Value;
use xqute_plugin::{About, Error, Lookup, run};

use crate::document::{self, Document};
use crate::gcloud::Place;
use crate::mounts::{self, Mounts};

/// How many attempts one job of Batch holds at most, if the user does not say it; and what may be said.
const TASKS_PER_JOB: usize = 1000;
const MOST_TASKS_PER_JOB: usize = 5000;

/// Options of the Python package that mean something else here.
const REFUSED: [(&str, &str); 4] = [
    (
        "gcloud",
        "a plugin starts what is called `gcloud` on PATH: put the folder of yours first there",
    ),
    ("task-groups", "put `taskGroups` into the JSON of `job`"),
    ("allocation-policy", "put `allocationPolicy` into the JSON of `job`"),
    ("logs-policy", "put `logsPolicy` into the JSON of `job`"),
];

/// An option: its name, whether it may be given several times, and what it is for.
const KNOWN: [(&str, bool, &str); 19] = [
    ("location", false, "where jobs run, such as us-central1; must be given"),
    (
        "volumes",
        true,
        "a bucket to mount, as gs://BUCKET/FOLDER:/PATH, or NAME=gs://BUCKET/FOLDER, which sets NAME in the job",
    ),
    ("mount", true, "another name of `volumes`"),
    (
        "volume-as-cwd",
        false,
        "a bucket to mount and to start jobs in, as gs://BUCKET/FOLDER",
    ),
    ("mount-as-cwd", false, "another name of `volume-as-cwd`"),
    ("machine-type", false, "the type of the machines, such as e2-standard-4"),
    ("provisioning-model", false, "STANDARD, SPOT or PREEMPTIBLE"),
    (
        "service-account",
        false,
        "the e-mail address of the account that the machines use",
    ),
    ("network", false, "the network of the machines"),
    ("subnetwork", false, "the subnetwork of the machines"),
    (
        "no-external-ip-address",
        false,
        "true: the machines get no address that is known outside",
    ),
    (
        "image-uri",
        false,
        "the image of a container to run jobs in; it must have a bash",
    ),
    (
        "entrypoint",
        false,
        "the program to start in the container instead of /bin/bash",
    ),
    (
        "commands",
        true,
        "its arguments, one each; {lang} stands for /bin/bash and {script} for the job's script",
    ),
    (
        "runnables",
        true,
        "the JSON of a further runnable; one with a negative `order` runs before the job",
    ),
    ("labels", true, "a label for the jobs of Batch, as NAME=VALUE"),
    (
        "max-run-duration",
        false,
        "seconds after which Batch itself ends a job, such as 3600s",
    ),
    (
        "job",
        false,
        "the JSON of a job of Batch, to which everything else is added",
    ),
    (
        "shared-workdir",
        false,
        "true: the machines see the workdir without one of these volumes",
    ),
];

/// Documents the options.
pub(crate) fn describe(about: About) -> About {
    let tasks = TASKS_PER_JOB.to_string();
    let about = KNOWN
        .iter()
        .fold(about, |about, (name, is_list, summary)| match is_list {
            true => about.list_option(name, summary),
            false => about.option(name, summary),
        });
    let about = about
        .option_or(
            "project",
            "that of gcloud's own configuration",
            "the project that jobs belong to and that pays for them",
        )
        .option_or(
            "tasks-per-job",
            &tasks,
            "how many jobs one job of Batch may hold, each as a task",
        );
    // Listed as well: the host would call them unknown otherwise, and nobody would be told what to do instead.
    REFUSED.iter().fold(about, |about, (name, why)| {
        about.option(name, &format!("not accepted: {why}"))
    })
}

/// What options stand for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    pub(crate) place: Place,
    pub(crate) tasks_per_job: usize,
    /// A job of Batch in which the runnable of our own jobs is still missing.
    pub(crate) document: Document,
    /// The command that runs a script: `{lang}` and `{script}` are not replaced yet.
    pub(crate) words: Vec<String>,
    /// Where jobs start, if a bucket was given for that.
    pub(crate) cwd: Option<String>,
    /// What the machines see of the host's files: folders, or none if they see the workdir in another way.
    pub(crate) seen: Option<Vec<String>>,
}

impl Settings {
    /// Reads options.
    ///
    /// # Errors
    /// `InvalidOptions`, naming the option.
    pub(crate) fn read(options: &[(String, String)]) -> Result<Self, Error> {
        for (name, why) in REFUSED {
            if options.value(name).is_some() {
                return Err(bad(format!("`{name}` cannot be given for gbatch: {why}")));
            }
        }
        let mut document = Document::read(options.value("job"))?;
        let mounts = Mounts::read(options)?;
        mounts.add_to(&mut document)?;
        resources(options, &mut document)?;
        labels(options, &mut document)?;
        let words = words(options, &mut document)?;
        runnables(options, &mut document)?;
        document.put("/logsPolicy/destination", "CLOUD_LOGGING".into(), None)?;
        let seen = match flag(options, "shared-workdir")? {
            Some(true) => None,
            _ => {
                if let Some(store) = run::store() {
                    mounts::add_workdir(&mut document, &store, &run::info().workdir.mounted)?;
                }
                Some(document.mount_paths())
            }
        };
        Ok(Self {
            place: place(options)?,
            tasks_per_job: tasks_per_job(options)?,
            document,
            words,
            cwd: mounts.cwd,
            seen,
        })
    }

    /// Makes sure that jobs can see their own scripts.
    ///
    /// # Errors
    /// `InvalidOptions`, when no volume holds the workdir.
    pub(crate) fn check_workdir(&self, workdir: &str) -> Result<(), Error> {
        let Some(seen) = &self.seen else { return Ok(()) };
        if seen.iter().any(|folder| mounts::is_below(workdir, folder)) {
            return Ok(());
        }
        Err(bad(format!(
            "the machines of Batch would not see the workdir {workdir}: mount a bucket that holds it here and there under \
             the same path (`mount=gs://BUCKET:/PATH` and --workdir /PATH/...), or say `shared-workdir=true` if they see it \
             in another way"
        )))
    }
}

fn place(options: &[(String, String)]) -> Result<Place, Error> {
    let plain = |text: &str| {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.:".contains(c);
        text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(fits)
    };
    let location = options.value("location").unwrap_or_default();
    if location.is_empty() {
        return Err(bad(
            "`location` is missing: say where jobs are to run, such as location=us-central1",
        ));
    }
    if !plain(location) {
        return Err(bad(format!(
            "`location` is {location:?}, but locations are called such as us-central1"
        )));
    }
    let project = options.value("project").map(str::to_owned);
    if let Some(project) = project.as_ref().filter(|project| !plain(project)) {
        return Err(bad(format!(
            "`project` is {project:?}, but the id of a project has small letters, digits and `-` (it is neither its name nor its number)"
        )));
    }
    Ok(Place {
        location: location.to_owned(),
        project,
    })
}

fn tasks_per_job(options: &[(String, String)]) -> Result<usize, Error> {
    match options.parsed::<usize>("tasks-per-job")?.unwrap_or(TASKS_PER_JOB) {
        0 => Err(bad("`tasks-per-job` is 0, but a job of Batch holds at least one")),
        many if many > MOST_TASKS_PER_JOB => Err(bad(format!("`tasks-per-job` can be at most {MOST_TASKS_PER_JOB}"))),
        some => Ok(some),
    }
}

/// Options that are each one place in the JSON.
fn resources(options: &[(String, String)], document: &mut Document) -> Result<(), Error> {
    const PLACES: [(&str, &str); 6] = [
        ("machine-type", "/allocationPolicy/instances/0/policy/machineType"),
        (
            "provisioning-model",
            "/allocationPolicy/instances/0/policy/provisioningModel",
        ),
        ("service-account", "/allocationPolicy/serviceAccount/email"),
        ("network", "/allocationPolicy/network/networkInterfaces/0/network"),
        ("subnetwork", "/allocationPolicy/network/networkInterfaces/0/subnetwork"),
        ("max-run-duration", "/taskGroups/0/taskSpec/maxRunDuration"),
    ];
    if let Some(model) = options.value("provisioning-model")
        && !["STANDARD", "SPOT", "PREEMPTIBLE"].contains(&model)
    {
        return Err(bad(format!(
            "`provisioning-model` is {model:?}, but it can be STANDARD, SPOT or PREEMPTIBLE"
        )));
    }
    if let Some(limit) = options.value("max-run-duration")
        && limit
            .strip_suffix('s')
            .and_then(|number| number.parse::<u64>().ok())
            .is_none()
    {
        return Err(bad(format!(
            "`max-run-duration` is {limit:?}, but it is a number of seconds with an s behind it, such as 3600s"
        )));
    }
    for (name, place) in PLACES {
        if let Some(value) = options.value(name) {
            if value.is_empty() {
                return Err(bad(format!("`{name}` needs a value")));
            }
            document.put(place, value.into(), Some(name))?;
        }
    }
    if let Some(closed) = flag(options, "no-external-ip-address")? {
        let place = "/allocationPolicy/network/networkInterfaces/0/noExternalIpAddress";
        document.put(place, closed.into(), Some("no-external-ip-address"))?;
    }
    Ok(())
}

/// Letters that Batch takes in labels.
fn is_label(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
    text.len() <= 63 && text.chars().all(fits)
}

fn labels(options: &[(String, String)], document: &mut Document) -> Result<(), Error> {
    for label in options.values("labels") {
        let (name, value) = label.split_once('=').unwrap_or((label, ""));
        let starts = name.starts_with(|c: char| c.is_ascii_lowercase());
        if !starts || !is_label(name) || !is_label(value) {
            return Err(bad(format!(
                "`labels` has {label:?}, but a label is NAME=VALUE, each of at most 63 small letters, digits, `_` and `-`, and \
                 a name starts with a letter"
            )));
        }
        if ["goog-", "google-", "xqute"]
            .iter()
            .any(|taken| name.starts_with(taken))
        {
            return Err(bad(format!(
                "the label `{name}` cannot be given: names like this are set by Google or by xqute"
            )));
        }
        document.put(&format!("/labels/{name}"), value.into(), Some("labels"))?;
    }
    Ok(())
}

/// The command that runs a script, as the options and the first runnable of `job` have it.
fn words(options: &[(String, String)], document: &mut Document) -> Result<Vec<String>, Error> {
    let own = document.take_container(options.value("image-uri"))?;
    let entrypoint = options.value("entrypoint").map(str::to_owned).or(own.entrypoint);
    let mut words: Vec<String> = options.values("commands").map(str::to_owned).collect();
    if words.is_empty() {
        words = own.commands;
    }
    if entrypoint.is_some() && !own.is_container {
        return Err(bad("`entrypoint` is for containers: say `image-uri`, too"));
    }
    let has_script = words.iter().any(|word| word.contains("{script}"));
    let bare = words.is_empty();
    match (entrypoint, own.is_container) {
        (Some(entrypoint), _) => words.insert(0, entrypoint),
        (None, true) => words.insert(0, "{lang}".to_owned()),
        (None, false) if bare => words.push("{lang}".to_owned()),
        (None, false) => {}
    }
    if !has_script {
        // After an entrypoint of the user's own both are one argument, such as `-c` wants it.
        let arguments = words.first().is_some_and(|first| first == "{lang}");
        words.push(if arguments { "{script}" } else { "{lang} {script}" }.to_owned());
    }
    Ok(words)
}

/// Further runnables, before and after ours.
fn runnables(options: &[(String, String)], document: &mut Document) -> Result<(), Error> {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for text in options.values("runnables") {
        let mut runnable = document::object("runnables", text)?;
        let order = match runnable.remove("order") {
            None => 0,
            Some(order) => order
                .as_i64()
                .ok_or_else(|| bad("the `order` of `runnables` must be a number"))?,
        };
        let list: &mut Vec<(i64, Value)> = if order < 0 { &mut before } else { &mut after };
        let place = list.iter().filter(|(other, _)| *other <= order).count();
        list.insert(place, (order, runnable.into()));
    }
    document.surround(before, after)
}

fn flag(options: &[(String, String)], name: &str) -> Result<Option<bool>, Error> {
    match options.value(name) {
        None => Ok(None),
        Some("true" | "yes" | "") => Ok(Some(true)),
        Some("false" | "no") => Ok(Some(false)),
        Some(other) => Err(bad(format!("`{name}` is either true or false, not {other:?}"))),
    }
}

pub(crate) fn bad(text: impl Into<String>) -> Error {
    Error::InvalidOptions(text.into())
}

#[cfg(test)]
mod tests;

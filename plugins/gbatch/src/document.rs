//! The JSON of a job of Batch, in the making. Pure functions; what goes where is decided by those who use them.

use serde_json::{Map, Value, json};
use xqute_plugin::Error;

use crate::options::bad;

const RUNNABLES: &str = "/taskGroups/0/taskSpec/runnables";

/// What xqute writes itself, and what is done instead of giving it.
const OURS: [(&str, &str); 8] = [
    ("/name", "the name is made of --jobname-prefix, or of the job's `name`"),
    ("/uid", "Batch sets it"),
    ("/status", "Batch sets it"),
    ("/labels/xqute", "xqute sets it"),
    ("/labels/xqute-run", "xqute sets it"),
    ("/taskGroups/0/taskCount", "feed one job for each task"),
    ("/taskGroups/0/taskEnvironments", "use --env, or `env` of a job"),
    (
        "/taskGroups/0/taskSpec/runnables/0/script",
        "xqute writes the script; use `commands`, --prescript and --postscript",
    ),
];

/// A job of Batch. Of its runnables, one is to be ours.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Document {
    value: Value,
    /// Which of the runnables is ours.
    own: usize,
}

/// What the user says about the container of our runnable.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Container {
    pub(crate) is_container: bool,
    pub(crate) entrypoint: Option<String>,
    pub(crate) commands: Vec<String>,
}

/// Reads an object of JSON.
pub(crate) fn object(option: &str, text: &str) -> Result<Map<String, Value>, Error> {
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(bad(format!("`{option}` must be a JSON object, {{\"...\": ...}}"))),
        Err(error) => Err(bad(format!("`{option}` is no JSON: {error}"))),
    }
}

impl Document {
    /// Reads what the user wrote; an empty job if that is nothing.
    pub(crate) fn read(text: Option<&str>) -> Result<Self, Error> {
        let value = match text {
            None => json!({}),
            Some(text) => object("job", text)?.into(),
        };
        for (place, instead) in OURS {
            if value.pointer(place).is_some() {
                return Err(bad(format!("`{}` in `job` cannot be given: {instead}", dotted(place))));
            }
        }
        let most_one = |place: &str, instead: &str| match value.pointer(place) {
            Some(Value::Array(list)) if list.len() > 1 => Err(bad(format!(
                "`{}` in `job` can have one entry only: {instead}",
                dotted(place)
            ))),
            _ => Ok(()),
        };
        most_one("/taskGroups", "Batch knows no more")?;
        most_one(RUNNABLES, "it is that of the job itself; give others with `runnables`")?;
        Ok(Self { value, own: 0 })
    }

    /// The JSON as it is now.
    #[cfg(test)]
    pub(crate) const fn value(&self) -> &Value {
        &self.value
    }

    /// Puts something in its place. What the user wrote in `job` must not be another thing; without the name of an option
    /// it is left as it is.
    pub(crate) fn put(&mut self, place: &str, value: Value, option: Option<&str>) -> Result<(), Error> {
        let slot = self.slot(place)?;
        match option {
            _ if slot.is_null() => *slot = value,
            Some(option) if *slot != value => {
                let said = slot.to_string();
                return Err(bad(format!(
                    "`{option}` says {value}, but `{}` in `job` is {said}: say it once",
                    dotted(place)
                )));
            }
            _ => {}
        }
        Ok(())
    }

    /// Adds something to a list.
    pub(crate) fn push(&mut self, place: &str, value: Value) -> Result<(), Error> {
        match self.slot(place)? {
            Value::Array(list) => list.push(value),
            empty @ Value::Null => *empty = json!([value]),
            _ => return Err(no("a list", place)),
        }
        Ok(())
    }

    /// A place, made if it is not there.
    fn slot(&mut self, place: &str) -> Result<&mut Value, Error> {
        let mut slot = &mut self.value;
        let mut so_far = String::new();
        for step in place.split('/').skip(1) {
            slot = match step.parse::<usize>() {
                Ok(number) => {
                    if slot.is_null() {
                        *slot = json!([]);
                    }
                    let list = slot.as_array_mut().ok_or_else(|| no("a list", &so_far))?;
                    if list.len() == number {
                        list.push(Value::Null);
                    }
                    list.get_mut(number).ok_or_else(|| no("such a list", &so_far))?
                }
                Err(_) => {
                    if slot.is_null() {
                        *slot = json!({});
                    }
                    let object = slot.as_object_mut().ok_or_else(|| no("an object", &so_far))?;
                    object.entry(step).or_insert(Value::Null)
                }
            };
            so_far.push('/');
            so_far.push_str(step);
        }
        Ok(slot)
    }

    /// Where volumes are mounted.
    pub(crate) fn mount_paths(&self) -> Vec<String> {
        let volumes = self
            .value
            .pointer("/taskGroups/0/taskSpec/volumes")
            .and_then(Value::as_array);
        let paths = volumes
            .into_iter()
            .flatten()
            .filter_map(|volume| volume.get("mountPath")?.as_str());
        paths.map(str::to_owned).collect()
    }

    /// Makes our runnable one with a container, if the user wants that, and takes the command out of it.
    pub(crate) fn take_container(&mut self, image: Option<&str>) -> Result<Container, Error> {
        const PLACE: &str = "/taskGroups/0/taskSpec/runnables/0/container";
        if let Some(image) = image {
            self.put(&format!("{PLACE}/imageUri"), image.into(), Some("image-uri"))?;
        }
        let Some(container) = self.value.pointer_mut(PLACE) else {
            return Ok(Container::default());
        };
        let container = container.as_object_mut().ok_or_else(|| no("an object", PLACE))?;
        // As the Python package writes it.
        if let Some(image) = container.remove("image_uri") {
            container.entry("imageUri").or_insert(image);
        }
        if container
            .get("imageUri")
            .and_then(Value::as_str)
            .is_none_or(str::is_empty)
        {
            return Err(bad("the container has no image: give `image-uri`"));
        }
        let text = |value: Value, name: &str| match value {
            Value::String(text) => Ok(text),
            _ => Err(no("a text", &format!("{PLACE}/{name}"))),
        };
        let entrypoint = container
            .remove("entrypoint")
            .map(|value| text(value, "entrypoint"))
            .transpose()?;
        let commands = match container.remove("commands") {
            None => Vec::new(),
            Some(Value::Array(list)) => list
                .into_iter()
                .map(|value| text(value, "commands"))
                .collect::<Result<_, _>>()?,
            Some(_) => return Err(no("a list", &format!("{PLACE}/commands"))),
        };
        Ok(Container {
            is_container: true,
            entrypoint: entrypoint.filter(|program| !program.is_empty()),
            commands,
        })
    }

    /// Puts further runnables around ours.
    pub(crate) fn surround(&mut self, before: Vec<(i64, Value)>, after: Vec<(i64, Value)>) -> Result<(), Error> {
        let own = self
            .value
            .pointer_mut(RUNNABLES)
            .and_then(|list| list.get_mut(0))
            .map(Value::take);
        self.own = before.len();
        let plain = |all: Vec<(i64, Value)>| all.into_iter().map(|(_, runnable)| runnable);
        let all: Vec<Value> = plain(before)
            .chain([own.unwrap_or_else(|| json!({}))])
            .chain(plain(after))
            .collect();
        *self.slot(RUNNABLES)? = all.into();
        Ok(())
    }

    /// The finished job: as many tasks as there are, each of which runs this bash.
    pub(crate) fn finish(mut self, bash: &str, tasks: usize, run: &str) -> Result<Value, Error> {
        let place = format!("{RUNNABLES}/{}", self.own);
        let container = format!("{place}/container");
        if self.value.pointer(&container).is_some() {
            self.put(&format!("{container}/entrypoint"), "/bin/bash".into(), None)?;
            self.put(&format!("{container}/commands"), json!(["-c", bash]), None)?;
        } else {
            self.put(
                &format!("{place}/script/text"),
                format!("#!/bin/bash\n{bash}").into(),
                None,
            )?;
        }
        self.put("/taskGroups/0/taskCount", tasks.into(), None)?;
        self.put("/labels/xqute", "true".into(), None)?;
        self.put("/labels/xqute-run", run.into(), None)?;
        Ok(self.value)
    }
}

fn no(what: &str, place: &str) -> Error {
    bad(format!("`{}` in `job` must be {what}", dotted(place)))
}

/// `/taskGroups/0/taskSpec` → `taskGroups[0].taskSpec`
fn dotted(place: &str) -> String {
    let mut text = String::new();
    for step in place.split('/').skip(1) {
        if step.bytes().all(|byte| byte.is_ascii_digit()) {
            text.extend(["[", step, "]"]);
        } else {
            text.extend([if text.is_empty() { "" } else { "." }, step]);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(result: Result<impl std::fmt::Debug, Error>) -> String {
        result.unwrap_err().message().into_owned()
    }

    #[test]
    fn what_the_user_wrote_stays_and_places_are_made() {
        let mut document = Document::read(Some(
            r#"{"priority": 5, "allocationPolicy": {"instances": [{"policy": {"disks": []}}]}}"#,
        ))
        .unwrap();
        document
            .put(
                "/allocationPolicy/instances/0/policy/machineType",
                "e2".into(),
                Some("machine-type"),
            )
            .unwrap();
        document
            .put("/logsPolicy/destination", "CLOUD_LOGGING".into(), None)
            .unwrap();
        let expected = json!({
            "priority": 5,
            "allocationPolicy": {"instances": [{"policy": {"disks": [], "machineType": "e2"}}]},
            "logsPolicy": {"destination": "CLOUD_LOGGING"},
        });
        assert_eq!(document.value(), &expected);
        document.put("/logsPolicy/destination", "PATH".into(), None).unwrap();
        assert_eq!(document.value(), &expected, "a default does not replace anything");
    }

    #[test]
    fn contradictions_and_nonsense_are_refused_by_their_place() {
        let mut document = Document::read(Some(
            r#"{"allocationPolicy": {"serviceAccount": {"email": "a@b"}, "network": 3}}"#,
        ))
        .unwrap();
        let put = document.put(
            "/allocationPolicy/serviceAccount/email",
            "c@d".into(),
            Some("service-account"),
        );
        assert_eq!(
            refusal(put),
            "`service-account` says \"c@d\", but `allocationPolicy.serviceAccount.email` in `job` is \"a@b\": say it once"
        );
        let put = document.put(
            "/allocationPolicy/network/networkInterfaces/0/network",
            "n".into(),
            Some("network"),
        );
        assert_eq!(refusal(put), "`allocationPolicy.network` in `job` must be an object");
        for (text, said) in [
            ("{", "`job` is no JSON: EOF while parsing an object at line 1 column 1"),
            ("[]", "`job` must be a JSON object, {\"...\": ...}"),
            (
                r#"{"name": "x"}"#,
                "`name` in `job` cannot be given: the name is made of --jobname-prefix, or of the job's `name`",
            ),
            (
                r#"{"taskGroups": [{"taskCount": 3}]}"#,
                "`taskGroups[0].taskCount` in `job` cannot be given: feed one job for each task",
            ),
            (
                r#"{"taskGroups": [{}, {}]}"#,
                "`taskGroups` in `job` can have one entry only: Batch knows no more",
            ),
        ] {
            assert_eq!(refusal(Document::read(Some(text))), said);
        }
    }

    #[test]
    fn a_finished_job_has_our_runnable_among_the_others() {
        let mut document = Document::read(None).unwrap();
        document
            .surround(
                vec![(-1, json!({"script": {"text": "a"}}))],
                vec![(0, json!({"script": {"text": "b"}}))],
            )
            .unwrap();
        let job = document.finish("run", 3, "0123456789abcdef").unwrap();
        let expected = json!({
            "labels": {"xqute": "true", "xqute-run": "0123456789abcdef"},
            "taskGroups": [{"taskCount": 3, "taskSpec": {"runnables": [
                {"script": {"text": "a"}}, {"script": {"text": "#!/bin/bash\nrun"}}, {"script": {"text": "b"}},
            ]}}],
        });
        assert_eq!(job, expected);
    }

    #[test]
    fn a_container_keeps_what_is_said_of_it() {
        let text = r#"{"taskGroups": [{"taskSpec": {"runnables": [{"container": {"image_uri": "i", "options": "--cpus 1", "commands": ["-x"]}}]}}]}"#;
        let mut document = Document::read(Some(text)).unwrap();
        let container = document.take_container(None).unwrap();
        assert_eq!(container.commands, ["-x"]);
        document.surround(Vec::new(), Vec::new()).unwrap();
        let job = document.finish("run", 1, "0123456789abcdef").unwrap();
        let expected = json!([{"container": {"imageUri": "i", "options": "--cpus 1", "entrypoint": "/bin/bash", "commands": ["-c", "run"]}}]);
        assert_eq!(job.pointer(RUNNABLES), Some(&expected));
        let nothing = Document::read(Some(
            r#"{"taskGroups": [{"taskSpec": {"runnables": [{"container": {}}]}}]}"#,
        ))
        .unwrap()
        .take_container(None);
        assert_eq!(refusal(nothing), "the container has no image: give `image-uri`");
    }

    proptest::proptest! {
        #[test]
        fn any_text_gives_an_answer(text in ".*") {
            let _either = Document::read(Some(&text));
            let _either = object("runnables", &text);
        }
    }
}

//! What stands in for the host: functions of the same names and types as the imports.

use std::rc::Rc;

use super::{HOST, State};

fn with<T>(use_it: impl FnOnce(&mut State) -> T) -> T {
    HOST.with(|host| use_it(&mut host.borrow().borrow_mut()))
}

pub(crate) mod process {
    use super::{super::Call, Rc, with};
    use crate::{Error, Output};

    pub(crate) fn run(program: &str, args: &[String], stdin: &[u8]) -> Result<Output, Error> {
        let call = Call {
            program: program.to_owned(),
            args: args.to_vec(),
            stdin: stdin.to_vec(),
        };
        let answer = with(|state| {
            state.calls.push(call.clone());
            state.programs.get(program).map(Rc::clone)
        });
        answer.map_or_else(
            || Err(Error::Denied(format!("`{program}` was not granted"))),
            |answer| answer(&call),
        )
    }
}

pub(crate) mod log {
    use super::with;
    use crate::log::Level;

    pub(crate) fn write(level: Level, message: &str) {
        with(|state| state.log.push((level, message.to_owned())));
    }
}

pub(crate) mod key_value {
    use super::with;
    use crate::Error;

    pub(crate) fn get(key: &str) -> Option<Vec<u8>> {
        with(|state| state.values.get(key).cloned())
    }

    pub(crate) fn set(key: &str, value: &[u8]) -> Result<(), Error> {
        if key.len() > 256 || value.len() > 64 << 10 {
            return Err(Error::Rejected(format!("the key `{key}` or its value is too long")));
        }
        with(|state| state.values.insert(key.to_owned(), value.to_vec()));
        Ok(())
    }

    pub(crate) fn remove(key: &str) -> bool {
        with(|state| state.values.remove(key).is_some())
    }

    pub(crate) fn keys(prefix: &str) -> Vec<String> {
        with(|state| {
            state
                .values
                .keys()
                .filter(|key| key.starts_with(prefix))
                .cloned()
                .collect()
        })
    }
}

pub(crate) mod clock {
    use super::with;

    pub(crate) fn now() -> u64 {
        with(|state| u64::try_from(state.now.as_millis()).unwrap_or(u64::MAX))
    }

    pub(crate) fn elapsed() -> u64 {
        with(|state| u64::try_from(state.elapsed.as_millis()).unwrap_or(u64::MAX))
    }
}

pub(crate) mod mounts {
    use super::{State, with};
    use crate::{
        Error, Path,
        mounts::{Mount, Mounted},
    };

    fn known<'a>(state: &'a State, text: &str) -> Result<&'a (String, Mounted), Error> {
        let unknown = || Error::InvalidOptions(format!("no `Host::on_mount` of this test is about `{text}`"));
        state.mounts.get(text).ok_or_else(unknown)
    }

    pub(crate) fn sources(texts: &[String]) -> Result<Vec<String>, Error> {
        with(|state| {
            let source = |text: &String| known(state, text).map(|(source, _)| source.clone());
            texts.iter().map(source).collect()
        })
    }

    pub(crate) fn read(texts: &[String], more: &[Mount], _: &str, _: &[String]) -> Result<Mounted, Error> {
        let (mut mounts, mut variables) = (Vec::new(), Vec::new());
        with(|state| {
            for text in texts {
                let (_, mounted) = known(state, text)?;
                mounts.extend(mounted.mounts.iter().cloned());
                variables.extend(mounted.variables.iter().cloned());
            }
            Ok(())
        })?;
        mounts.extend(more.iter().cloned());
        Ok(Mounted { mounts, variables })
    }

    fn place(is_it: impl Fn(&&Path) -> bool) -> Option<Path> {
        with(|state| state.places.iter().find(is_it).cloned())
    }

    pub(crate) fn seen(_: &[Mount], spec: &str) -> Result<Option<Path>, Error> {
        Ok(place(|path| path.spec == spec))
    }

    pub(crate) fn meant(_: &[Mount], mounted: &str) -> Result<Option<Path>, Error> {
        Ok(place(|path| path.mounted == mounted))
    }
}

pub(crate) mod run {
    use super::with;
    use crate::{Job, RunInfo};

    pub(crate) fn info() -> RunInfo {
        with(|state| state.run.clone())
    }

    pub(crate) fn options() -> Vec<(String, String)> {
        with(|state| state.options.clone())
    }

    pub(crate) fn job(index: u32) -> Option<Job> {
        with(|state| state.jobs.get(&index).cloned())
    }
}

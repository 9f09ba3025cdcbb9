//! What is in force: asked for, and granted. Pure, but for the search for programs and folders, which is done once.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
};

use camino::{Utf8Path, Utf8PathBuf};

use super::{
    allow::Grant,
    host::Host,
    right::{Right, absolute},
};
use crate::adapters::process;

/// The rights that a plugin asks for and the user granted. Where the user grants less than is asked for, that.
pub(crate) fn effective(asked: &[Right], grant: &Grant) -> Vec<Right> {
    let mut in_force: Vec<Right> = asked.iter().filter(|right| grant.covers(right)).cloned().collect();
    let curtailed: Vec<&Right> = asked.iter().filter(|right| !grant.covers(right)).collect();
    if let Grant::Only(granted) = grant {
        for right in granted {
            if !in_force.contains(right) && curtailed.iter().any(|asked| asked.overlaps(right)) {
                in_force.push(right.clone());
            }
        }
    }
    in_force
}

/// Says loudly what was granted in vain.
pub(crate) fn warn(plugin: &str, asked: &[Right], given: &[Grant]) {
    for vain in in_vain(asked, given) {
        tracing::warn!(plugin, "was allowed `{vain}` but never asks for it");
    }
}

/// The rights that were granted by themselves although nobody asks for them.
fn in_vain<'a>(asked: &[Right], given: &'a [Grant]) -> Vec<&'a Right> {
    let single = given.iter().flat_map(|grant| match grant {
        Grant::All => &[],
        Grant::Only(rights) => rights.as_slice(),
    });
    single
        .filter(|granted| !asked.iter().any(|asked| granted.overlaps(asked)))
        .collect()
}

/// Why a plugin may not do what it wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Its `describe` does not ask for it, so nobody could grant it.
    NotAsked,
    /// The user did not grant it.
    NotGranted,
    /// No plugin may do that.
    Never,
    /// It may start this program, but there is none of that name.
    NotFound,
}

/// What a plugin may do in this run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rights {
    /// What is done must be in one of these and in one of those in force: each may be narrower than the other.
    asked: Vec<Right>,
    in_force: Vec<Right>,
    /// Programs by name; `None`: granted, but not found on PATH.
    programs: BTreeMap<String, Option<PathBuf>>,
    /// Folders as a plugin names them, and where they really are.
    pub(crate) read: BTreeMap<Utf8PathBuf, PathBuf>,
    pub(crate) write: BTreeMap<Utf8PathBuf, PathBuf>,
    pub(crate) env: BTreeSet<String>,
    pub(crate) script: bool,
}

/// A granted folder that cannot be used.
#[derive(Debug)]
pub(crate) struct NoFolder {
    pub(crate) folder: Utf8PathBuf,
    pub(crate) why: io::Error,
}

impl Rights {
    /// What is left of them where nothing may be changed: programs are not started there.
    #[must_use]
    pub(crate) fn without_effects(mut self) -> Self {
        self.in_force
            .retain(|right| !matches!(right, Right::Write(_) | Right::Net(_)));
        self.write.clear();
        self
    }

    /// The programs by name, and where they were found.
    pub(crate) fn into_programs(self) -> Vec<(String, Option<PathBuf>)> {
        self.programs.into_iter().collect()
    }

    /// Looks for each program on `path` and for each folder, once: what a link or PATH says later changes nothing.
    pub(crate) fn resolve(asked: &[Right], in_force: &[Right], path: &OsStr) -> Result<Self, NoFolder> {
        let mut rights = Self {
            asked: asked.to_vec(),
            in_force: in_force.to_vec(),
            ..Self::default()
        };
        for right in in_force {
            match right {
                Right::Run(command) => {
                    let found = process::resolve::find(OsStr::new(command.program()), path);
                    rights.programs.insert(command.program().to_owned(), found);
                }
                Right::Read(folder) => drop(rights.read.insert(absolute(folder), real(folder)?)),
                Right::Write(folder) => drop(rights.write.insert(absolute(folder), real(folder)?)),
                Right::Env(name) => drop(rights.env.insert(name.clone())),
                Right::Script => rights.script = true,
                Right::Net(_) => {}
            }
        }
        Ok(rights)
    }

    /// The program to start, if a plugin may start it with these arguments.
    pub(crate) fn program(&self, program: &str, args: &[String]) -> Result<&Path, Refusal> {
        self.check(|right| matches!(right, Right::Run(command) if command.matches(program, args)))?;
        let found = self.programs.get(program).and_then(Option::as_deref);
        found.ok_or(Refusal::NotFound)
    }

    /// Whether a plugin may connect to this host, or look for its address if there is no port yet.
    pub(crate) fn reach(&self, host: &Host, port: Option<u16>) -> Result<(), Refusal> {
        self.check(|right| matches!(right, Right::Net(hosts) if hosts.matches(host, port)))
    }

    fn check(&self, is_meant: impl Fn(&Right) -> bool) -> Result<(), Refusal> {
        match (self.asked.iter().any(&is_meant), self.in_force.iter().any(&is_meant)) {
            (false, _) => Err(Refusal::NotAsked),
            (true, false) => Err(Refusal::NotGranted),
            (true, true) => Ok(()),
        }
    }
}

fn real(folder: &Utf8Path) -> Result<PathBuf, NoFolder> {
    let failed = |why| NoFolder {
        folder: absolute(folder),
        why,
    };
    let real = absolute(folder).canonicalize().map_err(failed)?;
    match real.is_dir() {
        true => Ok(real),
        false => Err(failed(io::Error::from(io::ErrorKind::NotADirectory))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str) -> Right {
        Right::new("run", text).unwrap()
    }

    fn net(text: &str) -> Right {
        Right::new("net", text).unwrap()
    }

    fn only(rights: &[Right]) -> Grant {
        Grant::Only(rights.to_vec())
    }

    fn rights(asked: &[Right], grant: &Grant) -> Rights {
        Rights::resolve(asked, &effective(asked, grant), OsStr::new("/bin")).unwrap()
    }

    fn start(rights: &Rights, call: &str) -> Result<(), Refusal> {
        let mut words = call.split(' ').map(str::to_owned);
        let program = words.next().unwrap();
        rights.program(&program, &words.collect::<Vec<_>>()).map(drop)
    }

    #[test]
    fn nothing_is_effective_that_was_not_asked_for_and_granted() {
        let asked = [run("a"), run("b"), net("x"), Right::Script];
        let grant = only(&[run("b"), run("c"), net("y")]);
        assert_eq!(effective(&asked, &grant), [run("b")]);
        assert_eq!(effective(&asked, &Grant::default()), []);
        assert_eq!(effective(&asked, &Grant::All), asked);
    }

    #[test]
    fn less_than_what_was_asked_for_is_in_force_as_that() {
        let asked = [run("sh"), net("*.org"), Right::Read("/usr".into())];
        let granted = [run("sh -c *"), net("a.org:80"), Right::Read("/usr/share".into())];
        assert_eq!(effective(&asked, &only(&granted)), granted);
        let rights = rights(&asked, &only(&granted));
        assert_eq!(start(&rights, "sh -c true"), Ok(()));
        assert_eq!(start(&rights, "sh -x true"), Err(Refusal::NotGranted));
        assert_eq!(start(&rights, "ls"), Err(Refusal::NotAsked));
        assert_eq!(rights.reach(&Host::parse("a.org").unwrap(), Some(80)), Ok(()));
        assert_eq!(
            rights.reach(&Host::parse("a.org").unwrap(), Some(81)),
            Err(Refusal::NotGranted)
        );
        assert_eq!(
            rights.reach(&Host::parse("a.com").unwrap(), None),
            Err(Refusal::NotAsked)
        );
    }

    #[test]
    fn more_than_what_was_asked_for_is_not() {
        let rights = rights(&[run("sh -c *")], &only(&[run("sh")]));
        assert_eq!(start(&rights, "sh -c true"), Ok(()));
        assert_eq!(start(&rights, "sh -x true"), Err(Refusal::NotAsked));
    }

    #[test]
    fn patterns_that_only_overlap_allow_what_is_in_both() {
        let rights = rights(&[run("sh show *")], &only(&[run("sh * job")]));
        assert_eq!(start(&rights, "sh show job"), Ok(()));
        assert_eq!(start(&rights, "sh show node"), Err(Refusal::NotGranted));
        assert_eq!(start(&rights, "sh kill job"), Err(Refusal::NotAsked));
    }

    #[test]
    fn what_was_granted_in_vain_is_noticed_beside_a_grant_of_everything() {
        let given = [Grant::All, only(&[run("sbatch -x"), run("ls")])];
        assert_eq!(in_vain(&[run("sbatch")], &given), [&run("ls")]);
    }

    #[test]
    fn programs_are_found_once() {
        let rights = rights(&[run("sh"), run("no-such")], &Grant::All);
        assert_eq!(rights.program("sh", &[]), Ok(Path::new("/bin/sh")));
        assert_eq!(rights.program("no-such", &[]), Err(Refusal::NotFound));
    }

    #[test]
    fn folders_are_found_once() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| Utf8PathBuf::from_path_buf(folder.path().join(name)).unwrap();
        std::fs::create_dir(at("real")).unwrap();
        std::os::unix::fs::symlink(at("real"), at("link")).unwrap();
        let asked = [Right::Read(at("link"))];
        let found = rights(&asked, &Grant::All);
        assert_eq!(found.read[&at("link")], at("real").canonicalize().unwrap());
        std::fs::write(at("file"), "").unwrap();
        for bad in ["none", "file"] {
            let asked = [Right::Write(at(bad))];
            let failed = Rights::resolve(&asked, &asked, OsStr::new("")).unwrap_err();
            assert_eq!(failed.folder, at(bad));
        }
    }
}

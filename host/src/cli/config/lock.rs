//! `xqute.lock`: which plugins were looked at, by the digests of their files, and what they may do. It lies beside the
//! `xqute.toml` in use, or in the current folder, and is written by `xqute plugin lock`.
//!
//! ```toml
//! version = 1
//!
//! [plugin.slurm]
//! sha256 = "..."
//! allow = ["run=sbatch", "script"]
//! ```

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::{self, File},
    io::{self, Write as _},
};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Deserializer, de::Error as _};
use toml::de::DeTable;
use xqute::adapters::component::{
    plugins::Lock,
    rights::{Right, parse_rights},
};

use super::{Bad, bad, read_trusted};
use crate::cli::error::{Failure, Result};

const NAME: &str = "xqute.lock";

/// The version of the format that is written and read.
const VERSION: i64 = 1;

/// Where the lock file is, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::cli) struct LockFile {
    pub(in crate::cli) path: Utf8PathBuf,
    /// Whether it counts whoever wrote it: the user named the configuration beside it.
    is_named: bool,
}

/// What it says about plugins by their names.
pub(in crate::cli) type Locks = BTreeMap<String, Lock>;

impl LockFile {
    pub(super) fn in_folder(folder: &Utf8Path, is_named: bool) -> Self {
        let path = folder.join(NAME);
        Self { path, is_named }
    }

    /// What the file says; nothing, if there is none. It grants rights, so one that only lies there has to be ours, or
    /// root's.
    pub(in crate::cli) fn read(&self) -> Result<Locks> {
        let read = match self.is_named {
            true => fs::read_to_string(&self.path).map(Some),
            false => read_trusted(&self.path),
        };
        match read {
            Ok(Some(text)) => parse(&text).map_err(|bad| {
                bad.failure(&self.path)
                    .help("mend it, or remove it and lock the plugins again with `xqute plugin lock`")
            }),
            Ok(None) => Err(
                Failure::usage(format!("the lock file {} belongs to another user", self.path))
                    .help("it is used if you name the configuration file beside it with --config; else remove it"),
            ),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Locks::new()),
            Err(error) => Err(self.failure("read", error)),
        }
    }

    /// Replaces the file, all of it or nothing.
    pub(in crate::cli) fn write(&self, locks: &Locks) -> Result<()> {
        let unfinished = self.path.with_extension(format!("lock.{}", std::process::id()));
        let write = || {
            let mut file = File::create(&unfinished)?;
            file.write_all(render(locks).as_bytes())?;
            file.sync_all()?;
            fs::rename(&unfinished, &self.path)
        };
        write().map_err(|error| {
            let _may_not_exist = fs::remove_file(&unfinished);
            self.failure("write", error)
        })
    }

    fn failure(&self, what: &str, error: io::Error) -> Failure {
        let error = anyhow::Error::new(error).context(format!("cannot {what} the lock file {}", self.path));
        Failure::new(crate::cli::exit::Exit::Usage, error)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listing {
    #[serde(rename = "version")]
    _version: i64,
    #[serde(default)]
    plugin: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    #[serde(deserialize_with = "digest")]
    sha256: String,
    #[serde(deserialize_with = "rights")]
    allow: Vec<Right>,
}

fn parse(text: &str) -> std::result::Result<Locks, Bad> {
    let table = DeTable::parse(text).map_err(|error| bad(text, &error))?;
    if let Some(version) = table.get_ref().get("version") {
        let found = version.get_ref().as_integer().map(|number| number.as_str().to_owned());
        if found.as_deref() != Some(&VERSION.to_string()) {
            let message = format!("this xqute reads version {VERSION} of lock files and no other");
            return Err(Bad::at(text, version.span().start, message, None));
        }
    }
    let listing: Listing = toml::from_str(text).map_err(|error| bad(text, &error))?;
    let lock = |(name, entry): (String, Entry)| {
        let Entry { sha256, allow } = entry;
        let (digest, rights) = (sha256, allow);
        (name, Lock { digest, rights })
    };
    Ok(listing.plugin.into_iter().map(lock).collect())
}

fn digest<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<String, D::Error> {
    let text = String::deserialize(from)?;
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    match text.len() == 64 && text.bytes().all(is_digit) {
        true => Ok(text),
        false => Err(D::Error::custom("expected a SHA-256: 64 of 0-9 and a-f")),
    }
}

fn rights<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<Vec<Right>, D::Error> {
    let mut all = Vec::new();
    for text in Vec::<String>::deserialize(from)? {
        all.extend(parse_rights(&text).map_err(D::Error::custom)?);
    }
    Ok(all)
}

fn render(locks: &Locks) -> String {
    let mut text =
        "# Written by `xqute plugin lock`: these plugins, as long as their files are these, may do so much.\n"
            .to_owned();
    let _infallible = writeln!(text, "version = {VERSION}");
    for (name, lock) in locks {
        let rights: Vec<String> = lock.rights.iter().map(|right| quoted(&right.to_string())).collect();
        let _infallible = write!(
            text,
            "\n[plugin.{name}]\nsha256 = {}\nallow = [{}]\n",
            quoted(&lock.digest),
            rights.join(", ")
        );
    }
    text
}

/// As TOML has it. Rights have no control characters.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(rights: &[(&str, &str)]) -> Lock {
        let rights = rights.iter().map(|(kind, value)| Right::new(kind, value).unwrap());
        Lock {
            digest: "0123456789abcdef".repeat(4),
            rights: rights.chain([Right::Script]).collect(),
        }
    }

    #[test]
    fn what_is_written_can_be_read() {
        let strange = lock(&[("run", "a --b=\"* \\"), ("read", "/a b/ü"), ("net", "*.a.org:80")]);
        let locks = Locks::from([("slurm".to_owned(), lock(&[])), ("x_1".to_owned(), strange)]);
        let folder = tempfile::tempdir().unwrap();
        let file = LockFile::in_folder(Utf8Path::from_path(folder.path()).unwrap(), false);
        assert_eq!(file.read().unwrap(), Locks::new());
        file.write(&locks).unwrap();
        assert_eq!(file.read().unwrap(), locks);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let say = |text: &str| {
            let bad = parse(text).unwrap_err();
            format!("{}: {}", bad.line, bad.message)
        };
        insta::assert_snapshot!(say("version = 2\nmore = 3"), @"1: this xqute reads version 1 of lock files and no other");
        insta::assert_snapshot!(say("version = 1\n[plugin.a]\nsha256 = \"ab\"\nallow = []"), @"3: expected a SHA-256: 64 of 0-9 and a-f");
        let entry = |allow: &str| format!("version = 1\n[plugin.a]\nsha256 = \"{}\"\n{allow}", "0".repeat(64));
        insta::assert_snapshot!(say(&entry("allow = [\"fly=x\"]")), @"4: there is no right `fly`; known are run, read, write, env, net and script");
        insta::assert_snapshot!(say(&entry("allow = []\npath = 3")), @"5: unknown field `path`, expected `sha256` or `allow`");
        insta::assert_snapshot!(say("version = 1\n<<<<<<< HEAD"), @"2: key with no value, expected `=`");
        insta::assert_snapshot!(say("[plugin]"), @"1: missing field `version`");
    }
}

//! `xqute fetch`, and what others fetch as well: from objects to files.

use std::{
    io,
    path::{Path, PathBuf},
};

use camino::Utf8Path;
use futures_util::{StreamExt as _, stream};
use xqute::{
    adapters::objects::{
        Cache, CacheError,
        cache::{Fetched, Limits},
    },
    model::path::{BadLocation, Location, ObjectPath},
};

use super::{
    args::fetch::FetchArgs,
    error::{Failure, Result},
    exit::Exit,
    out,
    start::with_runtime,
};

/// How many objects are fetched at once.
const AT_ONCE: usize = 4;

/// Fetches all of them, and says where they are.
pub(super) fn fetch(args: &FetchArgs, here: &Utf8Path) -> Result<Exit> {
    for path in args.urls.iter().filter_map(Location::local) {
        check(&here.join(path))?;
    }
    let objects: Vec<ObjectPath> = args.urls.iter().filter_map(Location::stored).cloned().collect();
    let fetched = fetch_all(&objects)?;
    let mut paths = fetched.iter().map(Fetched::path);
    let mut text = String::new();
    for place in &args.urls {
        let path = match place.local() {
            Some(path) => Some(here.join(path)),
            None => paths.next().map(Utf8Path::to_owned),
        };
        text.extend(path.map(|path| format!("{path}\n")));
    }
    // Nothing goes before it is told.
    out::print(&text)?;
    drop(fetched);
    Ok(Exit::Success)
}

/// Makes sure that there is something to read.
fn check(file: &Utf8Path) -> Result<()> {
    let found = match file.metadata() {
        Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        found => found,
    };
    match found {
        Ok(_) => Ok(()),
        Err(error) => {
            let error = anyhow::Error::new(error).context(format!("cannot use {file}"));
            Err(Failure::new(Exit::Usage, error))
        }
    }
}

/// The job files that are in stores, each at its place in the list.
pub(super) fn job_files(files: &[PathBuf]) -> Result<Vec<Option<Fetched>>> {
    let places: Vec<Option<ObjectPath>> = files
        .iter()
        .map(|file| stored(file))
        .collect::<std::result::Result<_, BadLocation>>()
        .map_err(|bad| Failure::new(Exit::Usage, bad))?;
    let objects: Vec<ObjectPath> = places.iter().flatten().cloned().collect();
    let mut fetched = fetch_all(&objects)?.into_iter();
    let each = places.iter().map(|place| place.as_ref().and_then(|_| fetched.next()));
    Ok(each.collect())
}

/// The object that is meant, if it is one.
fn stored(file: &Path) -> std::result::Result<Option<ObjectPath>, BadLocation> {
    match file.to_str().filter(|text| text.contains("://")) {
        Some(text) => Ok(text.parse::<Location>()?.stored().cloned()),
        None => Ok(None),
    }
}

/// Fetches all of them, or none: what is wrong with each is told.
fn fetch_all(objects: &[ObjectPath]) -> Result<Vec<Fetched>> {
    if objects.is_empty() {
        return Ok(Vec::new());
    }
    let limits = Limits::from_environment().map_err(|error| failure(&[error]))?;
    let cache = Cache::default_folder()
        .and_then(|folder| Cache::open(&folder, limits))
        .map_err(|error| failure(&[error]))?;
    let all = stream::iter(objects)
        .map(|object| cache.fetch(object))
        .buffered(AT_ONCE);
    let all: Vec<_> = with_runtime(|runtime| Ok(runtime.block_on(all.collect())))?;
    let (mut fetched, mut wrong) = (Vec::new(), Vec::new());
    for one in all {
        match one {
            Ok(one) => fetched.push(one),
            Err(error) => wrong.push(error),
        }
    }
    match wrong.is_empty() {
        true => Ok(fetched),
        false => Err(failure(&wrong)),
    }
}

fn failure(wrong: &[CacheError]) -> Failure {
    let exit = match wrong.iter().any(CacheError::is_about_this_machine) {
        true => Exit::Workdir,
        false => Exit::Usage,
    };
    let all: Vec<String> = wrong.iter().map(ToString::to_string).collect();
    Failure::new(exit, anyhow::Error::msg(all.join("\n")))
}

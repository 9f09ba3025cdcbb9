//! `mounts`: what users write about mounts, read and judged by the rules of `model::path`. Nothing is looked at but texts,
//! which need not be a user's: there are bounds.

use std::collections::BTreeSet;

use crate::{
    adapters::component::{
        contract::{
            bindings::{
                mounts::{Host, Mount, Mounted},
                types::{Error, Path},
            },
            convert,
        },
        instance::state::HostState,
    },
    model::path::{
        BadMount, Location,
        mounts::{self, Mounts},
    },
};

/// The most mounts of one call, more than anybody writes.
const MOST: usize = 1000;

/// The most bytes of one text: as long as a path can be.
const LONGEST: usize = 4096;

impl Host for HostState {
    fn sources(&mut self, texts: Vec<String>) -> wasmtime::Result<Result<Vec<String>, Error>> {
        self.answer("mounts.sources", &[&texts], |_| Ok(sources(&texts)))
    }

    fn read(
        &mut self,
        texts: Vec<String>,
        more: Vec<Mount>,
        root: String,
        files: Vec<String>,
    ) -> wasmtime::Result<Result<Mounted, Error>> {
        self.answer("mounts.read", &(&texts, &more, &root, &files), |_| {
            Ok(read(&texts, &more, &root, &files))
        })
    }

    fn seen(&mut self, mounts: Vec<Mount>, spec: String) -> wasmtime::Result<Result<Option<Path>, Error>> {
        self.answer("mounts.seen", &(&mounts, &spec), |_| Ok(seen(&mounts, &spec)))
    }

    fn meant(&mut self, mounts: Vec<Mount>, mounted: String) -> wasmtime::Result<Result<Option<Path>, Error>> {
        self.answer("mounts.meant", &(&mounts, &mounted), |_| Ok(meant(&mounts, &mounted)))
    }
}

fn sources(texts: &[String]) -> Result<Vec<String>, Error> {
    check(texts, &[])?;
    let sources = mounts::sources(texts.iter().map(String::as_str)).map_err(bad)?;
    Ok(sources.iter().map(Location::to_string).collect())
}

fn read(texts: &[String], more: &[Mount], root: &str, files: &[String]) -> Result<Mounted, Error> {
    check(texts, more)?;
    check_length(root)?;
    let more = theirs(more)?;
    let files: BTreeSet<&str> = files.iter().map(String::as_str).collect();
    let is_file = |source: &Location| files.contains(&*source.to_string());
    let mounts = Mounts::read(texts.iter().map(String::as_str), more, root, is_file).map_err(bad)?;
    let variables = mounts.variables().iter();
    Ok(Mounted {
        mounts: mounts.iter().map(ours).collect(),
        variables: variables
            .map(|(name, place)| (name.clone(), place.to_string()))
            .collect(),
    })
}

fn seen(mounts: &[Mount], spec: &str) -> Result<Option<Path>, Error> {
    check(&[], mounts)?;
    check_length(spec)?;
    let spec: Location = spec.parse().map_err(|why| invalid(&why))?;
    let mounts = Mounts::of(theirs(mounts)?).map_err(bad)?;
    Ok(mounts.seen(&spec).as_ref().map(convert::faces))
}

fn meant(mounts: &[Mount], mounted: &str) -> Result<Option<Path>, Error> {
    check(&[], mounts)?;
    check_length(mounted)?;
    let mounts = Mounts::of(theirs(mounts)?).map_err(bad)?;
    Ok(mounts.meant(mounted.into()).as_ref().map(convert::faces))
}

/// Whether there are few and short enough texts.
fn check(texts: &[String], mounts: &[Mount]) -> Result<(), Error> {
    if texts.len() + mounts.len() > MOST {
        return Err(invalid(&format!("there are more than {MOST} mounts")));
    }
    let ends = mounts.iter().flat_map(|mount| [&mount.source, &mount.target]);
    texts.iter().chain(ends).try_for_each(|text| check_length(text))
}

fn check_length(text: &str) -> Result<(), Error> {
    if text.len() <= LONGEST {
        return Ok(());
    }
    let start: String = text.chars().take(40).collect();
    Err(invalid(&format!("`{start}...` is longer than {LONGEST} bytes")))
}

fn ours(mount: &mounts::Mount) -> Mount {
    Mount {
        source: mount.source().to_string(),
        target: mount.target().to_string(),
        read_only: mount.is_read_only(),
    }
}

fn theirs(mounts: &[Mount]) -> Result<Vec<mounts::Mount>, Error> {
    let read = |mount: &Mount| mounts::Mount::new(&mount.source, &mount.target, mount.read_only);
    mounts.iter().map(read).collect::<Result<_, _>>().map_err(bad)
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
fn bad(why: BadMount) -> Error {
    invalid(&why)
}

fn invalid(why: &impl ToString) -> Error {
    Error::InvalidOptions(why.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn said<T: std::fmt::Debug>(answer: Result<T, Error>) -> String {
        match answer {
            Err(Error::InvalidOptions(said)) => said,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_users_write_is_read_and_places_are_found() {
        let wanted = texts(&["REF=/ref/x.fa", "gs://b/in/:/in:ro"]);
        assert_eq!(sources(&wanted).unwrap(), ["/ref/x.fa", "gs://b/in"]);
        let own = [Mount {
            source: "/data/.xqute".to_owned(),
            target: "/run".to_owned(),
            read_only: false,
        }];
        let Mounted { mounts, variables } = read(&wanted, &own, "/mnt", &texts(&["/ref/x.fa"])).unwrap();
        let shown = |mount: &Mount| format!("{}:{}:{}", mount.source, mount.target, mount.read_only);
        let expected = [
            "gs://b/in:/in:true",
            "/data/.xqute:/run:false",
            "/ref:/mnt/NAMED_MOUNTS/REF/ref:false",
        ];
        assert_eq!(mounts.iter().map(shown).collect::<Vec<_>>(), expected);
        let expected = ("REF".to_owned(), "/mnt/NAMED_MOUNTS/REF/ref/x.fa".to_owned());
        assert_eq!(variables, [expected]);
        let path = seen(&mounts, "gs://b/in/7/x").unwrap().unwrap();
        assert_eq!((&*path.spec, &*path.mounted), ("gs://b/in/7/x", "/in/7/x"));
        let path = meant(&mounts, "/run/7").unwrap().unwrap();
        assert_eq!((&*path.spec, &*path.mounted), ("/data/.xqute/7", "/run/7"));
        assert!(seen(&mounts, "/other").unwrap().is_none() && meant(&mounts, "/other").unwrap().is_none());
    }

    #[test]
    fn bad_ones_are_refused_in_words() {
        let mount = |source: &str, target: &str| Mount {
            source: source.to_owned(),
            target: target.to_owned(),
            read_only: false,
        };
        assert!(said(sources(&texts(&["/a"]))).starts_with("`/a` is no mount"));
        let twice = [mount("/a", "/x"), mount("/b", "/x")];
        assert!(said(seen(&twice, "/a")).contains("cannot both be mounted at `/x`"));
        assert!(said(meant(&[mount("a", "/x")], "/x")).contains("`a` is not an absolute path"));
        assert!(said(seen(&[], "ftp://host")).contains("is no place"));
    }

    #[test]
    fn there_are_bounds() {
        let many: Vec<String> = (0..=MOST).map(|which| format!("/a:/m/{which}")).collect();
        assert!(sources(many.get(..MOST).unwrap()).is_ok());
        assert_eq!(said(sources(&many)), "there are more than 1000 mounts");
        let long = format!("/{}:/x", "\u{e9}".repeat(3000));
        let said = said(sources(&[long]));
        assert!(
            said.ends_with("...` is longer than 4096 bytes") && said.len() < 200,
            "{said}"
        );
    }
}

//! What users write becomes mounts, or is refused; both faces of a place belong together.

use super::*;

fn at(text: &str) -> Location {
    text.parse().unwrap()
}

fn read(texts: &[&str]) -> Result<Mounts, BadMount> {
    read_with(texts, &[])
}

fn read_with(texts: &[&str], own: &[(&str, &str)]) -> Result<Mounts, BadMount> {
    let is_file = |source: &Location| source.file_name().is_some_and(|name| name.contains('.'));
    let own = own.iter().map(|(source, target)| Mount::new(source, target, false));
    let own: Vec<_> = own.collect::<Result<_, _>>()?;
    Mounts::read(texts.iter().copied(), own, "/mnt/disks", is_file)
}

fn shown(texts: &[&str]) -> Vec<String> {
    read(texts).unwrap().iter().map(Mount::to_string).collect()
}

#[test]
fn places_are_given() {
    assert_eq!(
        shown(&[
            "/data:/data",
            "/a:b/:/c/:ro",
            "/d:/e:rw",
            "/data/:/data",
            "gs://bucket/x:/mnt/y"
        ]),
        ["/data:/data", "/a:b:/c:ro", "/d:/e", "gs://bucket/x:/mnt/y"]
    );
}

#[test]
fn names_become_variables() {
    let mounts = read(&[
        "REF=/ref/genome",
        "BAM=s3://in/x/reads.bam",
        "TOP=/top.txt",
        "ALL=gs://bucket",
    ])
    .unwrap();
    let expected = [
        "/ref/genome:/mnt/disks/NAMED_MOUNTS/REF",
        "/:/mnt/disks/NAMED_MOUNTS/TOP",
        "gs://bucket:/mnt/disks/NAMED_MOUNTS/ALL",
        "s3://in/x:/mnt/disks/NAMED_MOUNTS/BAM/x",
    ];
    assert_eq!(mounts.iter().map(Mount::to_string).collect::<Vec<_>>(), expected);
    let places: Vec<String> = mounts
        .variables()
        .iter()
        .map(|(name, place)| format!("{name}={place}"))
        .collect();
    let expected = [
        "REF=/mnt/disks/NAMED_MOUNTS/REF",
        "BAM=/mnt/disks/NAMED_MOUNTS/BAM/x/reads.bam",
        "TOP=/mnt/disks/NAMED_MOUNTS/TOP/top.txt",
        "ALL=/mnt/disks/NAMED_MOUNTS/ALL",
    ];
    assert_eq!(places, expected);
}

#[test]
fn a_mount_that_shows_nothing_new_is_left_out() {
    assert_eq!(shown(&["/data:/m", "/data/sub:/m/sub"]), ["/data:/m"]);
    assert_eq!(shown(&["/data/sub:/m/sub", "/data:/m"]), ["/data:/m"], "in any order");
    assert_eq!(shown(&["/data:/m", "/other:/m/sub"]).len(), 2);
    assert_eq!(
        shown(&["/data:/m", "/data/sub:/m/sub:ro"]).len(),
        2,
        "there it cannot be written"
    );
    assert_eq!(
        shown(&["/data:/m", "/other:/m/a", "/data/a/b:/m/a/b"]).len(),
        3,
        "it shows through nothing"
    );
}

#[test]
fn refusals_say_why() {
    for (texts, why) in [
        (&["/data"][..], "`/data` is no mount: write SOURCE:PATH"),
        (&["gs://bucket"], "is no mount"),
        (
            &["data:/data"],
            "cannot mount `data:/data`: `data` is not an absolute path on the host",
        ),
        (&["REF=data"], "`data` is not an absolute path on the host"),
        (
            &["MY-REF=/data"],
            "`MY-REF` cannot be the name of a variable; use letters, digits and `_`",
        ),
        (&["/data:data"], "`data` is not an absolute path below `/`"),
        (&["/data:/"], "`/` is not an absolute path below `/`"),
        (
            &["/data:/a/../b"],
            "`/a/../b` is not an absolute path below `/`, without",
        ),
        (&["ftp://host/a:/data"], "gs://, s3:// and az://"),
        (&["REF=gs://b//a"], "two slashes in a row"),
        (&["/a:/x", "/b:/x/"], "`/a` and `/b` cannot both be mounted at `/x`"),
        (&["A=/a", "A=/b"], "cannot both be mounted"),
        (&["A=/a/x.fa", "A=/b/y.fa"], "the variable `A` is given to two mounts"),
        (&["/a:/x", "/a:/x:ro"], "`/a` is mounted at `/x` twice"),
    ] {
        let said = read(texts).unwrap_err().to_string();
        assert!(said.contains(why), "{texts:?}: {said}");
    }
}

#[test]
fn what_is_inside_comes_after_what_is_around_it() {
    assert_eq!(
        shown(&["/a:/m/x/y", "/b:/n", "/c:/m", "/d:/m-n", "/e:/m/x"]),
        ["/b:/n", "/c:/m", "/d:/m-n", "/e:/m/x", "/a:/m/x/y"]
    );
}

#[test]
fn mounts_of_a_plugin_are_judged_and_stay() {
    let run = [("/data/.xqute", "/data/.xqute")];
    let shown: Vec<_> = read_with(&["/data/.xqute/:/data/.xqute", "/data:/data"], &run)
        .unwrap()
        .iter()
        .map(Mount::to_string)
        .collect();
    assert_eq!(
        shown,
        ["/data:/data", "/data/.xqute:/data/.xqute"],
        "a link would show nothing"
    );
    for (texts, own, why) in [
        (
            &["/other:/data/.xqute"][..],
            run,
            "`/data/.xqute` and `/other` cannot both be mounted",
        ),
        (
            &[],
            [("here", "/x")],
            "cannot mount `here:/x`: `here` is not an absolute path",
        ),
        (
            &[],
            [("/data", "gs://b/x")],
            "`gs://b/x` is not an absolute path below `/`",
        ),
    ] {
        let said = read_with(texts, &own).unwrap_err().to_string();
        assert!(said.contains(why), "{said}");
    }
    let root = Mounts::read([], [], "disks", |_| false).unwrap_err();
    assert!(root.to_string().contains("nothing can be mounted below `disks`"));
}

#[test]
fn sources_are_named_in_their_order() {
    let named = sources(["/b/:/x", "REF=gs://a/y/", "/a:/b:ro", "/b:/z"]).unwrap();
    assert_eq!(named, ["/b", "gs://a/y", "/a", "/b"].map(at));
    assert!(sources(["/a:/x", "/a"]).is_err());
}

#[test]
fn what_lies_under_another_mount_is_not_seen() {
    let mounts = read(&["/data:/m", "s3://other/k:/m/x"]).unwrap();
    assert_eq!(mounts.seen(&at("/data/x/f")), None);
    assert_eq!(mounts.seen(&at("/data/xy")).unwrap().mounted().to_string(), "/m/xy");
    assert_eq!(mounts.meant("/m/x/f".into()).unwrap().to_string(), "s3://other/k/f");
    assert_eq!(mounts.meant("/m//y/".into()).unwrap().to_string(), "/data/y");
    assert_eq!(mounts.meant("/mm".into()), None);
    assert_eq!(mounts.seen(&at("/dat")), None);
}

mod properties {
    use proptest::{prelude::*, sample::select};

    use super::*;

    fn name() -> impl Strategy<Value = &'static str> {
        select(&["a", "b", "c d", "ü%"][..])
    }

    fn path() -> impl Strategy<Value = String> {
        prop::collection::vec(name(), 1..4).prop_map(|names| names.join("/"))
    }

    fn source() -> impl Strategy<Value = String> {
        (select(&["/", "/data/", "gs://b/", "s3://b/"][..]), path()).prop_map(|(top, path)| format!("{top}{path}"))
    }

    fn table() -> impl Strategy<Value = Mounts> {
        let mount = (source(), path()).prop_map(|(source, target)| format!("{source}:/{target}"));
        prop::collection::vec(mount, 0..5).prop_filter_map("two at one place", |texts| {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            read(&texts).ok()
        })
    }

    proptest! {
        #[test]
        fn there_and_back_is_the_same_place(mounts in table(), which in any::<prop::sample::Index>(), below in path()) {
            let all: Vec<&Mount> = mounts.iter().collect();
            prop_assume!(!all.is_empty());
            let spec = which.get(&all).source.join(&below).unwrap();
            if let Some(seen) = mounts.seen(&spec) {
                prop_assert_eq!(seen.spec(), &spec);
                let back = mounts.meant(seen.seen_by_job().local().unwrap()).unwrap();
                prop_assert_eq!(back.spec(), &spec);
                prop_assert_eq!(back.mounted().to_string(), seen.mounted().to_string());
            }
        }

        #[test]
        fn what_jobs_see_is_always_a_place_of_the_host(mounts in table(), path in path()) {
            let mounted = Utf8PathBuf::from(format!("/{path}"));
            let inside = mounts.iter().any(|mount| mounted.starts_with(&mount.target));
            let meant = mounts.meant(&mounted);
            prop_assert_eq!(meant.is_some(), inside);
            if let Some(meant) = meant {
                let seen = mounts.seen(meant.spec()).unwrap();
                let again = mounts.meant(seen.seen_by_job().local().unwrap()).unwrap();
                prop_assert_eq!(again.spec(), meant.spec());
            }
        }

        #[test]
        fn nothing_outside_the_table_is_seen(mounts in table(), spec in source()) {
            let spec = at(&spec);
            let inside = mounts.iter().any(|mount| spec.relative_to(&mount.source).is_some());
            prop_assert!(inside || mounts.seen(&spec).is_none());
        }

        #[test]
        fn without_one_mount_over_another_all_is_seen(source in source(), target in path(), below in path()) {
            let mounts = read(&[&format!("{source}:/{target}")]).unwrap();
            let spec = at(&source).join(&below).unwrap();
            prop_assert_eq!(mounts.seen(&spec).unwrap().mounted().to_string(), format!("/{target}/{below}"));
        }

        #[test]
        fn any_text_is_a_mount_or_refused(text in "[A-Z=:/a-z, .]{0,20}") {
            let _answer = read(&[&text]);
        }
    }
}

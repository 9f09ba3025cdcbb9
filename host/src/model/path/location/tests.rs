//! What is a place, and what is none.

use super::*;

fn at(text: &str) -> Location {
    text.parse().unwrap()
}

#[test]
fn what_is_read_is_shown() {
    for text in [
        "/data/run",
        "run",
        "./a://b",
        "/a\nb",
        "gs://bucket",
        "s3://my.bucket-1/a b/100%/ä?#&=+",
        "az://container/key",
    ] {
        assert_eq!(at(text).to_string(), text);
        let json = serde_json::to_string(&at(text)).unwrap();
        assert_eq!(serde_json::from_str::<Location>(&json).unwrap(), at(text));
    }
}

#[test]
fn refusals_say_why() {
    for (text, why) in [
        ("", "it is empty"),
        ("ftp://host/a", "gs://, s3:// and az://"),
        ("GS://bucket", "gs://, s3:// and az://"),
        ("file:///data", "paths of this machine"),
        ("gs://", "the name of a bucket"),
        ("gs:///key", "the name of a bucket"),
        ("s3://a b/key", "the name of a bucket"),
        ("s3://bucket/", "slash at its end"),
        ("s3://bucket/a/", "slash at its end"),
        ("s3://bucket//a", "two slashes in a row"),
        ("s3://bucket/a//b", "two slashes in a row"),
        ("s3://bucket/a/../b", "no names in a store"),
        ("s3://bucket/.", "no names in a store"),
        ("s3://bucket/a\nb", "control character '\\n'"),
    ] {
        let said = text.parse::<Location>().unwrap_err().to_string();
        assert!(said.contains(why), "{text:?}: {said}");
        assert!(!said.contains('\n'), "{said}");
    }
    assert!(format!("s3://b/{}", "x".repeat(1025)).parse::<Location>().is_err());
}

#[test]
fn up_and_down() {
    let run = at("gs://bucket/a/run");
    assert_eq!(
        run.join("7").unwrap().join("job.rc").unwrap(),
        at("gs://bucket/a/run/7/job.rc")
    );
    assert_eq!(at("gs://bucket").join("x").unwrap(), at("gs://bucket/x"));
    assert_eq!(run.parent(), Some(at("gs://bucket/a")));
    assert_eq!(at("gs://bucket/a").parent(), Some(at("gs://bucket")));
    assert_eq!(at("gs://bucket").parent(), None);
    assert_eq!(at("/").parent(), None);
    assert_eq!((run.file_name(), at("gs://bucket").file_name()), (Some("run"), None));
    for bad in ["", "/x", "x/", "a//b", "..", "a/../b", ".", "a\0b"] {
        assert!(run.join(bad).is_err() && at("/data").join(bad).is_err(), "{bad:?}");
    }
    assert!(at("/data").join("a\nb").is_ok());
}

#[test]
fn below_is_by_names_not_by_letters() {
    let run = at("s3://b/run");
    assert_eq!(at("s3://b/run/7/x").relative_to(&run), Some("7/x"));
    assert_eq!(run.relative_to(&run), Some(""));
    assert_eq!(run.relative_to(&at("s3://b")), Some("run"));
    for other in ["s3://b/runner", "gs://b/run/7", "s3://c/run/7", "s3://b", "/run/7"] {
        assert_eq!(at(other).relative_to(&run), None, "{other}");
    }
    assert_eq!(at("/a/bc").relative_to(&at("/a/b")), None);
}

proptest::proptest! {
    #[test]
    fn any_text_is_shown_as_it_was_or_refused(text in ".{0,40}|(gs|s3|az)://[a-z/.% \\PC]{0,20}") {
        if let Ok(location) = text.parse::<Location>() {
            proptest::prop_assert_eq!(location.to_string(), &*text);
            if let (Some(parent), Some(name)) = (location.parent(), location.file_name()) {
                proptest::prop_assert!(location.relative_to(&parent).is_some() && !name.is_empty());
            }
        }
    }

    #[test]
    fn what_is_joined_is_below(below in "[a-z]{1,3}(/[a-z .%]{1,3}){0,2}") {
        for top in ["/", "/data", "gs://b", "gs://b/k"] {
            let top = at(top);
            if let Ok(joined) = top.join(&below) {
                proptest::prop_assert_eq!(joined.relative_to(&top), Some(&*below));
                proptest::prop_assert_eq!(joined.to_string().parse::<Location>().unwrap(), joined);
            }
        }
    }
}

use std::{
    fs,
    io::Write as _,
    os::unix::fs::symlink,
    path::Path,
    thread::sleep,
    time::{Duration, UNIX_EPOCH},
};

use super::{shelf::Part, *};
use crate::adapters::objects::Version;

struct Place {
    temp: tempfile::TempDir,
    cache: Cache,
}

/// Something that is fetched: its key, its version, its content.
type Thing<'a> = (&'a str, &'a str, &'a [u8]);

impl Place {
    fn new(most: u64) -> Self {
        let temp = tempfile::tempdir().unwrap();
        let cache = open(temp.path(), most).unwrap();
        Self { temp, cache }
    }

    /// As another process would have it.
    fn again(&self, most: u64) -> Cache {
        open(self.temp.path(), most).unwrap()
    }

    /// What is in a folder of the cache.
    fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.temp.path().join("objects").join(folder)).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Something was last used at this time, in seconds.
    fn used_at(&self, time: u64, thing: Thing<'_>) {
        let lock = self.temp.path().join("objects/locks").join(entry(thing).hash);
        let lock = fs::File::options().write(true).open(lock).unwrap();
        lock.set_modified(UNIX_EPOCH + Duration::from_secs(time)).unwrap();
    }

    /// The last names of all files.
    fn files(&self) -> Vec<String> {
        let hashes = self.names("files").into_iter();
        let mut names: Vec<_> = hashes.flat_map(|hash| self.names(&format!("files/{hash}"))).collect();
        names.sort();
        names
    }
}

fn open(temp: &Path, most: u64) -> Result<Cache, CacheError> {
    let folder = Utf8PathBuf::from_path_buf(temp.join("objects")).unwrap();
    Cache::open(&folder, Limits { most })
}

fn entry((key, tag, content): Thing<'_>) -> Entry {
    let place: crate::model::path::Location = format!("gs://bucket/{key}").parse().unwrap();
    let version = Version {
        size: content.len() as u64,
        tag: tag.to_owned(),
    };
    Entry::new(place.stored().unwrap(), &version).unwrap()
}

fn turn(cache: &Cache, thing: Thing<'_>) -> Turn {
    cache.shelf.turn(&entry(thing)).unwrap()
}

fn begun(cache: &Cache, thing: Thing<'_>) -> Part {
    match turn(cache, thing) {
        Turn::Fetch(part) => part,
        Turn::There(fetched) => panic!("{} is there already", fetched.path()),
    }
}

fn found(cache: &Cache, thing: Thing<'_>) -> Fetched {
    match turn(cache, thing) {
        Turn::There(fetched) => fetched,
        Turn::Fetch(_) => panic!("{} is not there", thing.0),
    }
}

fn fill(mut part: Part, content: &[u8]) -> Result<(), CacheError> {
    part.file().write_all(content).unwrap();
    part.keep(content.len() as u64)
}

fn fetch(cache: &Cache, thing: Thing<'_>) -> Fetched {
    fill(begun(cache, thing), thing.2).unwrap();
    found(cache, thing)
}

const A: Thing<'_> = ("a.txt", "1", b"aaaa");
const B: Thing<'_> = ("b.txt", "1", b"bbbb");
const C: Thing<'_> = ("c.txt", "1", b"cccc");

#[test]
fn what_was_fetched_is_there_under_its_own_name() {
    let place = Place::new(100);
    for name in ["a b.tar.gz", "100%", "ä€😀", "lock", "-", "'\"\\"] {
        let thing = (name, "1", b"content".as_slice());
        let fetched = fetch(&place.cache, thing);
        assert_eq!(fetched.path().file_name(), Some(name));
        assert_eq!(fs::read(fetched.path()).unwrap(), b"content");
        assert!(fs::metadata(fetched.path()).unwrap().permissions().readonly());
        assert_eq!(found(&place.again(100), thing).path(), fetched.path());
    }
    assert!(place.names("parts").is_empty());
}

#[test]
fn another_version_is_another_file() {
    let place = Place::new(100);
    let old = fetch(&place.cache, A);
    let new = fetch(&place.cache, ("a.txt", "2", b"AAAA"));
    assert_ne!(old.path(), new.path());
    assert_eq!(fs::read(old.path()).unwrap(), b"aaaa");
    assert_eq!(fs::read(new.path()).unwrap(), b"AAAA");
    // So is one in another folder.
    drop(begun(&place.cache, ("folder/a.txt", "1", b"aaaa")));
}

#[test]
fn what_was_used_longest_ago_goes_first() {
    let place = Place::new(8);
    drop(fetch(&place.cache, A));
    drop(fetch(&place.cache, B));
    place.used_at(1, A);
    place.used_at(2, B);
    // Using it makes it new.
    drop(found(&place.cache, A));
    drop(fetch(&place.cache, C));
    assert_eq!(place.files(), ["a.txt", "c.txt"]);
    assert_eq!(place.names("locks").len(), 2);
    drop(fetch(&place.cache, ("d.txt", "1", b"dddddddd")));
    assert_eq!(place.files(), ["d.txt"]);
}

#[test]
fn what_is_in_use_stays() {
    let place = Place::new(8);
    let used = fetch(&place.cache, A);
    drop(fetch(&place.cache, B));
    let also_used = fetch(&place.again(8), C);
    assert_eq!(place.files(), ["a.txt", "c.txt"]);
    let refused = place.again(8).shelf.turn(&entry(B)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "cannot fetch gs://bucket/b.txt: it has 4 bytes, and 8 bytes of the 8 bytes that the cache may hold are in use; set \
         XQUTE_CACHE_MAX to more than that, or fetch fewer objects at once"
    );
    drop(used);
    drop(fetch(&place.cache, B));
    assert_eq!(place.files(), ["b.txt", "c.txt"]);
    drop(also_used);
}

#[test]
fn what_is_being_fetched_counts() {
    let place = Place::new(8);
    let _parts = [begun(&place.cache, A), begun(&place.cache, B)];
    let refused = place.cache.shelf.turn(&entry(C)).unwrap_err();
    assert!(matches!(refused, CacheError::Full { used: 8, .. }), "{refused}");
}

#[test]
fn what_would_never_fit_is_refused() {
    let place = Place::new(3);
    let refused = place.cache.shelf.turn(&entry(A)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "cannot fetch gs://bucket/a.txt: it has 4 bytes, and the cache may hold 3 bytes in all; set XQUTE_CACHE_MAX to more \
         than that"
    );
    drop(fetch(&place.again(4), A));
}

#[test]
fn what_is_cut_short_is_no_file() {
    let place = Place::new(8);
    let cut = fill(begun(&place.cache, A), b"aaa").unwrap_err();
    assert_eq!(
        cut.to_string(),
        "cannot fetch gs://bucket/a.txt: the store says that it has 4 bytes and gave 3 bytes"
    );
    assert!(fill(begun(&place.cache, A), b"aaaaa").is_err());
    assert!(place.files().is_empty() && place.names("parts").is_empty());
    // What a process leaves that is killed counts for nothing.
    let hash = entry(A).hash;
    fs::write(place.temp.path().join("objects/parts").join(&hash), b"aaaa").unwrap();
    drop(fetch(&place.cache, ("b.txt", "1", b"bbbbbbbb")));
    assert!(place.names("parts").is_empty());
    fs::write(place.temp.path().join("objects/parts").join(&hash), b"aa").unwrap();
    let fetched = fetch(&place.cache, A);
    assert_eq!(fs::read(fetched.path()).unwrap(), b"aaaa");
}

#[test]
fn who_wants_the_same_waits() {
    let place = Place::new(8);
    let mut part = begun(&place.cache, A);
    let others: Vec<_> = (0..8).map(|_| place.again(8)).collect();
    std::thread::scope(|scope| {
        let waiting: Vec<_> = others
            .iter()
            .map(|cache| scope.spawn(|| fs::read(found(cache, A).path()).unwrap()))
            .collect();
        sleep(Duration::from_millis(30));
        assert!(waiting.iter().all(|thread| !thread.is_finished()));
        part.file().write_all(b"aaaa").unwrap();
        part.keep(4).unwrap();
        for thread in waiting {
            assert_eq!(thread.join().unwrap(), b"aaaa");
        }
    });
}

#[test]
fn one_of_those_who_wait_goes_on_when_it_fails() {
    let place = Place::new(8);
    let part = begun(&place.cache, A);
    let others: Vec<_> = (0..8).map(|_| place.again(8)).collect();
    std::thread::scope(|scope| {
        let tried = |cache| match turn(cache, A) {
            Turn::There(_) => 0,
            Turn::Fetch(part) => {
                fill(part, b"aaaa").unwrap();
                1
            }
        };
        let waiting: Vec<_> = others.iter().map(|cache| scope.spawn(move || tried(cache))).collect();
        drop(part);
        let fetched: u32 = waiting.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(fetched, 1);
    });
}

#[test]
fn many_at_once_keep_the_bound() {
    let place = Place::new(12);
    let others: Vec<_> = (0..6_usize).map(|number| (number, place.again(12))).collect();
    std::thread::scope(|scope| {
        for (number, cache) in &others {
            scope.spawn(move || {
                for round in 0..60 {
                    let key = format!("{}.txt", (number + round * 5) % 7);
                    let content = [b'0' + u8::try_from((number + round * 5) % 7).unwrap(); 4];
                    let thing: Thing<'_> = (&key, "1", &content);
                    match cache.shelf.turn(&entry(thing)) {
                        Ok(Turn::There(fetched)) => assert_eq!(fs::read(fetched.path()).unwrap(), content),
                        Ok(Turn::Fetch(part)) => fill(part, &content).unwrap(),
                        Err(error) => assert!(matches!(error, CacheError::Full { .. }), "{error}"),
                    }
                }
            });
        }
    });
    assert!(place.files().len() <= 3 && place.names("parts").is_empty());
}

#[test]
fn damage_is_repaired_and_leads_nowhere() {
    let place = Place::new(8);
    let fetched = fetch(&place.cache, A);
    let path = fetched.path().to_owned();
    drop(fetched);
    let outside = place.temp.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("a.txt"), "mine").unwrap();
    let folder = path.parent().unwrap();
    for damage in ["short", "file", "link", "folder"] {
        fs::remove_dir_all(folder).unwrap();
        match damage {
            "link" => symlink(&outside, folder).unwrap(),
            "file" => fs::write(folder, "aaaa").unwrap(),
            "folder" => fs::create_dir_all(path.join("deep")).unwrap(),
            _ => {
                fs::create_dir(folder).unwrap();
                fs::write(&path, "aaa").unwrap();
            }
        }
        assert_eq!(fs::read(fetch(&place.cache, A).path()).unwrap(), b"aaaa", "{damage}");
    }
    assert_eq!(fs::read(outside.join("a.txt")).unwrap(), b"mine");
    // A file that is a link is no file either.
    fs::remove_file(&path).unwrap();
    symlink(outside.join("a.txt"), &path).unwrap();
    drop(fetch(&place.cache, A));
    assert_eq!(fs::read(outside.join("a.txt")).unwrap(), b"mine");
}

#[test]
fn what_is_not_its_own_stays_and_does_not_count() {
    let place = Place::new(8);
    let objects = place.temp.path().join("objects");
    fs::write(objects.join("files/notes"), "much more than there may be").unwrap();
    symlink("/", objects.join("files").join("0".repeat(64))).unwrap();
    drop(fetch(&place.cache, A));
    drop(fetch(&place.cache, B));
    drop(fetch(&place.cache, C));
    assert!(objects.join("files/notes").exists());
    assert_eq!(
        place.names("files").len(),
        3,
        "the link went, as what is left of something"
    );
}

#[test]
fn a_folder_of_others_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    symlink(temp.path(), temp.path().join("objects")).unwrap();
    let refused = open(temp.path(), 1).unwrap_err().to_string();
    assert!(refused.ends_with("cannot be used: it is not a folder"), "{refused}");
}

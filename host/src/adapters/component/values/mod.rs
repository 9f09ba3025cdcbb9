//! The small values that a plugin keeps: all of them in memory, where calls find them, and on a [`shelf`], where other runs
//! do. What is stored goes to the shelf a moment later, many values at a time, so that a call never waits for a disk.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{runtime::Handle, time::Instant};

use self::shelf::{Shelf, Version};

pub(super) mod shelf;

const LONGEST_KEY: usize = 256;
const BIGGEST_VALUE: usize = 64 * 1024;
/// Bytes of all keys and values of a plugin.
const MOST_IN_ALL: usize = 1024 * 1024;

/// How long values are collected before they go to the shelf together, and how long nobody looks whether other runs have
/// brought some.
const PAUSE: Duration = Duration::from_millis(200);

/// What is stored, by key.
pub(super) type Map = BTreeMap<String, Vec<u8>>;

/// The values of one plugin, shared by all of its instances.
pub(crate) struct Values {
    plugin: String,
    /// Where other runs find them. `None`: nowhere.
    shelf: Option<Arc<Shelf>>,
    pause: Duration,
    state: Mutex<State>,
    /// Held while changes are on their way to the shelf, so that the last flush waits for one before it.
    carrying: Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    map: Map,
    /// Bytes of all keys and values.
    size: usize,
    /// What the shelf does not have yet.
    changed: BTreeSet<String>,
    /// What is on its way there, or was not taken: what counts in this run is what is here.
    unsettled: BTreeSet<String>,
    /// What was on the shelf when it was looked at last.
    seen: Option<Version>,
    /// When that was.
    looked: Option<Instant>,
    /// Whether somebody will bring changes to the shelf.
    carried: bool,
}

impl Values {
    /// The values of a plugin, for this run only or on a shelf.
    pub(super) fn new(plugin: &str, shelf: Option<Arc<Shelf>>) -> Self {
        Self {
            plugin: plugin.to_owned(),
            shelf,
            pause: PAUSE,
            state: Mutex::default(),
            carrying: Mutex::default(),
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.current().map.get(key).cloned()
    }

    /// Stores a value, or says why not.
    pub(super) fn set(self: &Arc<Self>, key: String, value: Vec<u8>) -> Result<(), String> {
        let mut state = self.current();
        state.set(key, value)?;
        self.carry(&mut state);
        Ok(())
    }

    /// Whether there was something to remove.
    pub(super) fn remove(self: &Arc<Self>, key: &str) -> bool {
        let mut state = self.current();
        let removed = state.remove(key);
        if removed {
            self.carry(&mut state);
        }
        removed
    }

    pub(super) fn keys(&self, prefix: &str) -> Vec<String> {
        self.current().keys(prefix)
    }

    /// Brings what was changed to the shelf. Blocks while another run writes there, though not for ever.
    pub(super) fn flush(&self) {
        let Some(shelf) = &self.shelf else { return };
        let _one_at_a_time = self.carrying.lock().unwrap_or_else(PoisonError::into_inner);
        let changes = self.lock().changes();
        if changes.is_empty() {
            return;
        }
        if shelf.store(&self.plugin, &changes, MOST_IN_ALL) {
            let mut state = self.lock();
            let stored: BTreeSet<String> = changes.into_iter().map(|(key, _)| key).collect();
            state.unsettled.retain(|key| !stored.contains(key));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing leaves the state half-changed, so a poisoned lock holds good values.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, with what other runs have stored since.
    fn current(&self) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        let Some(shelf) = &self.shelf else { return state };
        // To look takes a lock of the file, and calls may be many.
        if state.looked.is_some_and(|looked| looked.elapsed() < self.pause) {
            return state;
        }
        if let Some((version, stored)) = shelf.news(&self.plugin, state.seen) {
            state.seen = Some(version);
            state.take_over(stored);
        }
        state.looked = Some(Instant::now());
        state
    }

    /// Sees to it that changes come to the shelf. Outside of a runtime that is left to the last flush.
    fn carry(self: &Arc<Self>, state: &mut State) {
        if self.shelf.is_none() || state.carried {
            return;
        }
        let Ok(runtime) = Handle::try_current() else { return };
        state.carried = true;
        let values = Arc::clone(self);
        runtime.spawn(async move {
            tokio::time::sleep(values.pause).await;
            // When it breaks down, it has said so.
            let _ = tokio::task::spawn_blocking(move || values.flush()).await;
        });
    }
}

impl State {
    fn set(&mut self, key: String, value: Vec<u8>) -> Result<(), String> {
        if key.len() > LONGEST_KEY {
            return Err(format!("the key has {} bytes, the most are {LONGEST_KEY}", key.len()));
        }
        if value.len() > BIGGEST_VALUE {
            return Err(format!(
                "the value has {} bytes, the most are {BIGGEST_VALUE}",
                value.len()
            ));
        }
        let before = self.map.get(&key).map_or(0, |old| key.len() + old.len());
        let size = self.size - before + key.len() + value.len();
        if size > MOST_IN_ALL {
            return Err(format!(
                "all keys and values would have {size} bytes, the most are {MOST_IN_ALL}"
            ));
        }
        self.size = size;
        self.changed.insert(key.clone());
        self.map.insert(key, value);
        Ok(())
    }

    fn remove(&mut self, key: &str) -> bool {
        let Some(old) = self.map.remove(key) else { return false };
        self.size -= key.len() + old.len();
        self.changed.insert(key.to_owned());
        true
    }

    fn keys(&self, prefix: &str) -> Vec<String> {
        let from = self.map.range(prefix.to_owned()..);
        from.map(|(key, _)| key)
            .take_while(|key| key.starts_with(prefix))
            .cloned()
            .collect()
    }

    /// What the shelf does not have yet; `None` is to be removed there.
    fn changes(&mut self) -> Vec<(String, Option<Vec<u8>>)> {
        self.carried = false;
        let changed = std::mem::take(&mut self.changed);
        self.unsettled.extend(changed.iter().cloned());
        let with_value = |key: String| {
            let value = self.map.get(&key).cloned();
            (key, value)
        };
        changed.into_iter().map(with_value).collect()
    }

    /// What is stored elsewhere, and over it what is not stored yet.
    fn take_over(&mut self, mut stored: Map) {
        for key in self.changed.union(&self.unsettled) {
            match self.map.remove(key) {
                Some(value) => drop(stored.insert(key.clone(), value)),
                None => drop(stored.remove(key)),
            }
        }
        self.size = stored.iter().map(|(key, value)| key.len() + value.len()).sum();
        self.map = stored;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(shelf: &Arc<Shelf>, plugin: &str) -> Arc<Values> {
        Arc::new(Values {
            pause: Duration::ZERO,
            ..Values::new(plugin, Some(Arc::clone(shelf)))
        })
    }

    /// Another run, as far as values go.
    fn run(folder: &tempfile::TempDir) -> Arc<Shelf> {
        Arc::new(Shelf::at(folder.path().join("xqute/key-value.db")))
    }

    #[test]
    fn bounds_are_kept() {
        let mut values = State::default();
        assert!(values.set("k".repeat(257), vec![]).is_err());
        assert!(values.set("k".into(), vec![0; BIGGEST_VALUE + 1]).is_err());
        let mut stored = 0;
        while values.set(format!("{stored:04}"), vec![0; BIGGEST_VALUE]).is_ok() {
            stored += 1;
        }
        assert_eq!(stored, 15);
        assert!(
            values.set("0000".into(), vec![0; BIGGEST_VALUE]).is_ok(),
            "replacing needs no room"
        );
        assert!(values.remove("0000"));
        assert!(!values.remove("0000"));
        assert!(values.set("new".into(), vec![0; BIGGEST_VALUE]).is_ok());
    }

    #[test]
    fn keys_come_sorted_by_prefix() {
        let mut values = State::default();
        for key in ["b", "ab", "aa", "a", "c"] {
            values.set(key.into(), vec![1]).unwrap();
        }
        assert_eq!(values.keys("a"), ["a", "aa", "ab"]);
        assert_eq!(values.keys("").len(), 5);
    }

    #[test]
    fn runs_see_the_values_of_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (on(&run(&folder), "p"), on(&run(&folder), "p"));
        assert_eq!(second.get("k"), None);
        first.set("k".into(), b"one".to_vec()).unwrap();
        first.flush();
        assert_eq!(second.get("k").unwrap(), b"one");
        second.set("k".into(), b"two".to_vec()).unwrap();
        second.set("mine".into(), b"3".to_vec()).unwrap();
        first.remove("k");
        first.set("other".into(), vec![]).unwrap();
        first.flush();
        assert_eq!(second.get("k").unwrap(), b"two", "what is not stored yet counts here");
        second.flush();
        assert_eq!(first.keys(""), ["k", "mine", "other"]);
        assert_eq!(on(&run(&folder), "p").get("k").unwrap(), b"two");
    }

    #[test]
    fn plugins_never_see_the_values_of_another() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = run(&folder);
        let (one, other) = (on(&shelf, "p"), on(&shelf, "q"));
        one.set("k".into(), b"secret".to_vec()).unwrap();
        one.flush();
        assert_eq!((other.get("k"), other.keys("").len()), (None, 0));
        assert!(!other.remove("k"));
        assert_eq!(one.get("k").unwrap(), b"secret");
    }

    #[test]
    fn runs_together_store_no_more_than_one_may() {
        let folder = tempfile::tempdir().unwrap();
        let runs = [on(&run(&folder), "p"), on(&run(&folder), "p")];
        assert_eq!(runs[1].get("k"), None);
        for (number, values) in runs.iter().enumerate() {
            for key in 0..10 {
                values.set(format!("{number}.{key}"), vec![0; BIGGEST_VALUE]).unwrap();
            }
        }
        runs.iter().for_each(|values| values.flush());
        let stored = on(&run(&folder), "p").keys("");
        assert_eq!(
            stored.len(),
            10,
            "the first came, the second would have been too much: {stored:?}"
        );
        assert!(runs[1].get("1.0").is_some(), "it counts in its own run");
    }

    #[test]
    fn without_a_shelf_values_live_as_long_as_the_run() {
        let values = Arc::new(Values::new("p", None));
        values.set("k".into(), vec![7]).unwrap();
        values.flush();
        assert_eq!(values.get("k"), Some(vec![7]));
    }

    #[tokio::test]
    async fn values_come_to_the_shelf_by_themselves() {
        let folder = tempfile::tempdir().unwrap();
        let (values, other) = (on(&run(&folder), "p"), on(&run(&folder), "p"));
        values.set("k".into(), vec![1]).unwrap();
        // Paused until it is there; a test that hangs has failed.
        while other.get("k").is_none() {
            tokio::task::yield_now().await;
        }
    }
}

//! `key-value`: small values that outlive the instance, shared by all instances of a plugin, kept in memory.

use std::collections::BTreeMap;

use crate::adapters::component::{
    bindings::{key_value::Host, types::Error},
    state::HostState,
    tape::Bytes,
};

const LONGEST_KEY: usize = 256;
const BIGGEST_VALUE: usize = 64 * 1024;
const MOST_IN_ALL: usize = 1024 * 1024;

/// The values of one plugin.
#[derive(Debug, Default)]
pub(in crate::adapters::component) struct Values {
    map: BTreeMap<String, Vec<u8>>,
    /// Bytes of all keys and values.
    size: usize,
}

impl Values {
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
        self.map.insert(key, value);
        Ok(())
    }

    fn remove(&mut self, key: &str) -> bool {
        let Some(old) = self.map.remove(key) else { return false };
        self.size -= key.len() + old.len();
        true
    }

    fn keys(&self, prefix: &str) -> Vec<String> {
        let from = self.map.range(prefix.to_owned()..);
        from.map(|(key, _)| key)
            .take_while(|key| key.starts_with(prefix))
            .cloned()
            .collect()
    }
}

impl HostState {
    fn values<R>(&self, use_them: impl FnOnce(&mut Values) -> R) -> R {
        // Nothing in here leaves the map half-changed, so a poisoned lock holds good values.
        let mut values = self
            .identity
            .values
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        use_them(&mut values)
    }
}

impl Host for HostState {
    fn get(&mut self, key: String) -> wasmtime::Result<Option<Vec<u8>>> {
        self.answer("key-value.get", &[&key], |state| {
            Ok(state.values(|values| values.map.get(&key).cloned()))
        })
    }

    fn set(&mut self, key: String, value: Vec<u8>) -> wasmtime::Result<Result<(), Error>> {
        let asked = self.tape.is_on().then(|| (key.clone(), Bytes::from(&value[..])));
        self.answer("key-value.set", &asked, |state| {
            Ok(state.values(|values| values.set(key, value)).map_err(Error::Rejected))
        })
    }

    fn remove(&mut self, key: String) -> wasmtime::Result<bool> {
        self.answer("key-value.remove", &[&key], |state| {
            Ok(state.values(|values| values.remove(&key)))
        })
    }

    fn keys(&mut self, prefix: String) -> wasmtime::Result<Vec<String>> {
        self.answer("key-value.keys", &[&prefix], |state| {
            Ok(state.values(|values| values.keys(&prefix)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_kept() {
        let mut values = Values::default();
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
        let mut values = Values::default();
        for key in ["b", "ab", "aa", "a", "c"] {
            values.set(key.into(), vec![1]).unwrap();
        }
        assert_eq!(values.keys("a"), ["a", "aa", "ab"]);
        assert_eq!(values.keys("").len(), 5);
    }
}

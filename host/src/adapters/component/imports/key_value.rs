//! `key-value`: small values that outlive the instance and the run, shared by all instances of a plugin. Where they are
//! kept, and within which bounds, is in `values`.

use crate::adapters::component::{
    contract::bindings::{key_value::Host, types::Error},
    instance::state::HostState,
    recording::tape::Bytes,
};

impl Host for HostState {
    fn get(&mut self, key: String) -> wasmtime::Result<Option<Vec<u8>>> {
        self.answer("key-value.get", &[&key], |state| Ok(state.identity.values.get(&key)))
    }

    fn set(&mut self, key: String, value: Vec<u8>) -> wasmtime::Result<Result<(), Error>> {
        let asked = self.tape.is_on().then(|| (key.clone(), Bytes::from(value.clone())));
        self.answer("key-value.set", &asked, |state| {
            Ok(state.identity.values.set(key, value).map_err(Error::Rejected))
        })
    }

    fn remove(&mut self, key: String) -> wasmtime::Result<bool> {
        self.answer("key-value.remove", &[&key], |state| {
            Ok(state.identity.values.remove(&key))
        })
    }

    fn keys(&mut self, prefix: String) -> wasmtime::Result<Vec<String>> {
        self.answer("key-value.keys", &[&prefix], |state| {
            Ok(state.identity.values.keys(&prefix))
        })
    }
}

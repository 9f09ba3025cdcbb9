//! `key-value`: small values that outlive the instance and the run, shared by all instances of a plugin. Where they are
//! kept, and within which bounds, is in `values`.

use crate::adapters::component::{
    bindings::{key_value::Host, types::Error},
    state::HostState,
};

impl Host for HostState {
    fn get(&mut self, key: String) -> wasmtime::Result<Option<Vec<u8>>> {
        Ok(self.identity.values.get(&key))
    }

    fn set(&mut self, key: String, value: Vec<u8>) -> wasmtime::Result<Result<(), Error>> {
        Ok(self.identity.values.set(key, value).map_err(Error::Rejected))
    }

    fn remove(&mut self, key: String) -> wasmtime::Result<bool> {
        Ok(self.identity.values.remove(&key))
    }

    fn keys(&mut self, prefix: String) -> wasmtime::Result<Vec<String>> {
        Ok(self.identity.values.keys(&prefix))
    }
}

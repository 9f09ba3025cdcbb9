//! Turns with what tests share, such as a backend that one of them takes down.

use std::{env, fs::File, io};

/// A turn. Other threads and other test programs wait at the same file, which stays locked until this is dropped. What other
/// processes start does not hold it any longer.
pub struct Turn {
    _locked: File,
}

impl Turn {
    /// Beside others that share it; `name` is what they share.
    pub fn shared(name: &str) -> Self {
        Self::new(name, File::lock_shared)
    }

    /// While nobody else has it.
    pub fn alone(name: &str) -> Self {
        Self::new(name, File::lock)
    }

    fn new(name: &str, wait: fn(&File) -> io::Result<()>) -> Self {
        let path = env::temp_dir().join(format!("xqute-tests-{name}.lock"));
        let file = File::options().append(true).create(true).open(path).unwrap();
        wait(&file).unwrap();
        Self { _locked: file }
    }
}

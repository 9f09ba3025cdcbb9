//! Reads a plugin file, and refuses early what cannot be a component. Compiling, and so validating, is done elsewhere.

use std::{
    fs::{self, File},
    io::{ErrorKind, Read as _, Seek as _},
    path::Path,
};

use sha2::{Digest as _, Sha256};

use crate::adapters::component::{engine::Cache, error::Problem};

/// The most bytes that a plugin file may have.
pub(crate) const MAX_SIZE: u64 = 64 << 20;

/// A plugin file that was looked at. Its bytes are read again when they are needed: most files are big, and found in the
/// cache by their digest.
pub(crate) struct Source {
    file: File,
    size: u64,
    digest: String,
}

impl Source {
    /// SHA-256 of the bytes, in hexadecimal.
    pub(crate) fn digest(&self) -> &str {
        &self.digest
    }

    pub(super) fn into_digest(self) -> String {
        self.digest
    }

    /// How many bytes there are.
    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    /// The bytes that have this digest.
    pub(crate) fn bytes(&mut self) -> Result<Vec<u8>, Problem> {
        let mut wasm = Vec::with_capacity(usize::try_from(self.size).unwrap_or_default());
        self.file.rewind().map_err(Problem::Io)?;
        let mut bounded = (&mut self.file).take(self.size.saturating_add(1));
        bounded.read_to_end(&mut wasm).map_err(Problem::Io)?;
        match hex(&Sha256::digest(&wasm)) == self.digest {
            true => Ok(wasm),
            false => Err(Problem::Changing),
        }
    }
}

/// How much is read at once.
const PIECE: usize = 256 * 1024;

/// Looks at a file of at most `limit` bytes. It need not be read where the cache knows its digest.
pub(crate) fn open(path: &Path, limit: u64, cache: Option<&Cache>) -> Result<Source, Problem> {
    // Before it is opened: opening a pipe would wait for somebody to write to it.
    let found = fs::metadata(path).map_err(Problem::Io)?;
    if !found.is_file() {
        return Err(Problem::NotAFile);
    }
    let size = found.len();
    if size > limit {
        return Err(Problem::TooBig { size, limit });
    }
    let mut file = File::open(path).map_err(Problem::Io)?;
    // Before it is read: what is changed from now on has another stamp.
    let found = file.metadata().map_err(Problem::Io)?;
    let mut head = Vec::new();
    (&mut file).take(8).read_to_end(&mut head).map_err(Problem::Io)?;
    check_header(&head)?;
    if let Some(digest) = cache.and_then(|cache| cache.recall(&found)) {
        return Ok(Source { file, size, digest });
    }
    let (digest, size) = hash(&mut file, &head, limit)?;
    if let Some(cache) = cache {
        cache.remember(&found, &digest);
    }
    Ok(Source { file, size, digest })
}

/// The digest of a file of which `head` was read already, and how many bytes it has.
fn hash(file: &mut File, head: &[u8], limit: u64) -> Result<(String, u64), Problem> {
    let (mut sha, mut size, mut piece) = (Sha256::new_with_prefix(head), head.len() as u64, vec![0; PIECE]);
    loop {
        let read = match file.read(&mut piece) {
            Ok(0) => return Ok((hex(&sha.finalize()), size)),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(Problem::Io(error)),
        };
        size += read as u64;
        // A file may grow while it is read.
        if size > limit {
            return Err(Problem::TooBig { size, limit });
        }
        sha.update(piece.get(..read).unwrap_or_default());
    }
}

fn check_header(wasm: &[u8]) -> Result<(), Problem> {
    match wasm {
        [0, b'a', b's', b'm', version @ ..] => match version {
            [_, _, 1, 0, ..] => Ok(()),
            [1, 0, 0, 0, ..] => Err(Problem::CoreModule),
            [_, _, _, _, ..] => Err(Problem::Invalid(
                "its header names no known kind of WebAssembly".to_owned(),
            )),
            _ => Err(Problem::Invalid("it ends within its header".to_owned())),
        },
        _ => Err(Problem::NotWasm),
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(bytes: &[u8]) -> Problem {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.wasm");
        fs::write(&path, bytes).unwrap();
        open(&path, MAX_SIZE, None).err().unwrap()
    }

    #[test]
    fn what_is_no_component_is_said() {
        assert!(matches!(problem(b"#!/bin/sh\n"), Problem::NotWasm));
        assert!(matches!(problem(b""), Problem::NotWasm));
        assert!(matches!(problem(b"\0asm\x01\0\0\0rest"), Problem::CoreModule));
        assert!(matches!(problem(b"\0asm\x0d"), Problem::Invalid(_)));
    }

    #[test]
    fn two_gigabytes_are_refused_unread() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("big.wasm");
        File::create(&path).unwrap().set_len(2 << 30).unwrap();
        let error = open(&path, MAX_SIZE, None).err().unwrap();
        insta::assert_snapshot!(error, @"it has 2147483648 bytes; a plugin may have at most 67108864. Strip its debug information, or split it");
    }

    #[test]
    fn folders_and_missing_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(open(folder.path(), MAX_SIZE, None), Err(Problem::NotAFile)));
        assert!(matches!(
            open(&folder.path().join("none"), MAX_SIZE, None),
            Err(Problem::Io(_))
        ));
    }

    #[test]
    fn the_digest_is_sha256() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.wasm");
        fs::write(&path, b"\0asm\x0d\0\x01\0").unwrap();
        let mut source = open(&path, MAX_SIZE, None).unwrap();
        let digest = source.digest().to_owned();
        assert_eq!(digest.len(), 64);
        assert!(digest.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_eq!(source.bytes().unwrap(), b"\0asm\x0d\0\x01\0");
        assert_eq!(source.size(), 8);
        fs::write(&path, b"\0asm\x0d\0\x01\0more").unwrap();
        assert!(matches!(source.bytes(), Err(Problem::Changing)));
    }
}

//! Reads a plugin file, and refuses early what cannot be a component. Compiling, and so validating, is done elsewhere.

use std::{
    fs::{self, File},
    io::Read,
    path::Path,
};

use sha2::{Digest as _, Sha256};

use super::error::Problem;

/// The most bytes that a plugin file may have.
pub(super) const MAX_SIZE: u64 = 64 << 20;

/// What is in a plugin file.
pub(super) struct Bytes {
    pub(super) wasm: Vec<u8>,
    /// SHA-256 of it, in hexadecimal.
    pub(super) digest: String,
}

/// Reads a file of at most `limit` bytes.
pub(super) fn read(path: &Path, limit: u64) -> Result<Bytes, Problem> {
    // Before it is opened: opening a pipe would wait for somebody to write to it.
    let found = fs::metadata(path).map_err(Problem::Io)?;
    if !found.is_file() {
        return Err(Problem::NotAFile);
    }
    let size = found.len();
    if size > limit {
        return Err(Problem::TooBig { size, limit });
    }
    let mut wasm = Vec::new();
    // A file may grow while it is read.
    let mut bounded = File::open(path).map_err(Problem::Io)?.take(limit.saturating_add(1));
    let read = bounded.read_to_end(&mut wasm).map_err(Problem::Io)? as u64;
    if read > limit {
        return Err(Problem::TooBig { size: read, limit });
    }
    check_header(&wasm)?;
    let digest = hex(&Sha256::digest(&wasm));
    Ok(Bytes { wasm, digest })
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
        read(&path, MAX_SIZE).err().unwrap()
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
        let error = read(&path, MAX_SIZE).err().unwrap();
        insta::assert_snapshot!(error, @"it has 2147483648 bytes; a plugin may have at most 67108864. Strip its debug information, or split it");
    }

    #[test]
    fn folders_and_missing_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(read(folder.path(), MAX_SIZE), Err(Problem::NotAFile)));
        assert!(matches!(
            read(&folder.path().join("none"), MAX_SIZE),
            Err(Problem::Io(_))
        ));
    }

    #[test]
    fn the_digest_is_sha256() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.wasm");
        fs::write(&path, b"\0asm\x0d\0\x01\0").unwrap();
        let digest = read(&path, MAX_SIZE).unwrap().digest;
        assert_eq!(digest.len(), 64);
        assert!(digest.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}

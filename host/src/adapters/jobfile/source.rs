//! Where jobs come from: the bytes of a file or of standard input, and the format that they are in.

use std::{
    fs::File,
    io::{self, ErrorKind, Read as _},
    path::Path,
};

use bstr::ByteSlice as _;

use super::{
    error::{BadJobFile, Problem},
    without_mark,
};

/// A job file in memory. It is read as a whole because it is validated as a whole.
pub(super) struct Source {
    name: String,
    bytes: Vec<u8>,
    format: Format,
}

/// How jobs are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// A shell command line on each line.
    Text,
    /// A JSON object on each line.
    Json,
}

impl Source {
    /// Reads a file that messages call by this name. Only that of the file itself decides about its format; pipes have no
    /// telling name, so they are looked at.
    pub(super) fn file(name: String, path: &Path) -> Result<Self, BadJobFile> {
        let read = || -> io::Result<(Vec<u8>, bool)> {
            let mut file = File::open(path)?;
            let regular = file.metadata()?.is_file();
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok((bytes, regular))
        };
        let (bytes, regular) = read().map_err(|error| BadJobFile::new(&name, Problem::from(error)))?;
        let named_json = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("jsonl"));
        let format = match (named_json, regular) {
            (true, _) => Format::Json,
            (false, true) => Format::Text,
            (false, false) => look(&bytes),
        };
        Ok(Self { name, bytes, format })
    }

    /// Reads standard input to its end.
    pub(super) fn stdin() -> Result<Self, BadJobFile> {
        let name = "standard input".to_owned();
        let mut bytes = Vec::new();
        io::stdin()
            .lock()
            .read_to_end(&mut bytes)
            .map_err(|error| BadJobFile::new(&name, Problem::from(error)))?;
        let format = look(&bytes);
        Ok(Self { name, bytes, format })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) const fn format(&self) -> Format {
        self.format
    }
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound => Self::Missing,
            ErrorKind::IsADirectory => Self::Folder,
            ErrorKind::PermissionDenied => Self::Forbidden,
            _ => Self::Io(error),
        }
    }
}

/// JSON if the first line that is not blank starts with `{"`, which no sensible line of bash does.
pub(super) fn look(bytes: &[u8]) -> Format {
    let start = without_mark(bytes).trim_ascii_start();
    let object = start.strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    match object {
        Some(rest) if rest.starts_with_str("\"") => Format::Json,
        _ => Format::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipes_show_what_they_hold() {
        assert_eq!(look(b"\n {\"cmd\": 1}"), Format::Json);
        assert_eq!(look(b"\xef\xbb\xbf{\"cmd\": 1}"), Format::Json);
        assert_eq!(look(b"{ \"cmd\": 1}"), Format::Json);
        assert_eq!(look(b"{ echo 1; }"), Format::Text);
        assert_eq!(look(b""), Format::Text);
    }

    #[test]
    fn a_name_decides_about_a_file() {
        let dir = tempfile::tempdir().unwrap();
        for (name, format) in [
            ("a.jsonl", Format::Json),
            ("a.JSONL", Format::Json),
            ("a.json.txt", Format::Text),
        ] {
            let path = dir.path().join(name);
            std::fs::write(&path, "{\"cmd\": \"true\"}").unwrap();
            assert_eq!(Source::file(name.to_owned(), &path).unwrap().format(), format, "{name}");
        }
    }

    #[test]
    fn kinds_of_errors_are_told_apart() {
        let denied = io::Error::from(ErrorKind::PermissionDenied);
        assert!(matches!(Problem::from(denied), Problem::Forbidden));
        assert!(matches!(Problem::from(io::Error::other("x")), Problem::Io(_)));
    }
}

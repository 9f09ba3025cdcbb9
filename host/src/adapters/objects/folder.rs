//! Everything below one place in a bucket, as files in a folder. Names are those of files below it, with slashes between them.

use std::{fs::File, io::Write, os::unix::fs::FileExt as _};

use futures_util::TryStreamExt as _;
use opendal::{Error, ErrorKind, Operator};

use super::{
    connect::connect,
    error::{StoreError, Trouble},
    version::{NO_VERSION, Version},
};
use crate::model::path::ObjectPath;

/// What is sent or fetched at once; longer files go in pieces of this size, and only one is held.
const PIECE: usize = 8 << 20;

/// Everything below one place in a bucket.
#[derive(Clone, Debug)]
pub struct Folder {
    operator: Operator,
    place: ObjectPath,
}

/// An object in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name below the folder.
    pub name: String,
    /// How many bytes it has.
    pub size: u64,
}

type Result<T> = std::result::Result<T, StoreError>;

/// All of these fail with what came in between. Those that are tried again by whoever called them do no harm the second time,
/// but for [`create`](Self::create), [`append`](Self::append) and [`rename`](Self::rename).
impl Folder {
    /// The folder at a place. Whether the bucket is there shows when it is used.
    ///
    /// # Errors
    /// When it is not known how to reach it.
    pub async fn open(place: &ObjectPath) -> Result<Self> {
        let operator = connect(place).await.map_err(|trouble| StoreError {
            action: "reach",
            place: place.clone(),
            trouble,
        })?;
        Ok(Self {
            operator,
            place: place.clone(),
        })
    }

    /// Where it is.
    pub const fn place(&self) -> &ObjectPath {
        &self.place
    }

    /// The content of an object.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub async fn read(&self, name: &str) -> Result<Vec<u8>> {
        let read = self.operator.read(&self.key(name)).await;
        read.map(|content| content.to_vec()).map_err(self.failed("read", name))
    }

    /// At most so many bytes of an object, from one that has this number; none at its end.
    ///
    /// # Errors
    /// When there is no such object, or it cannot be read.
    pub async fn read_from(&self, name: &str, start: u64, at_most: usize) -> Result<Vec<u8>> {
        match self.first_bytes(name, start, at_most).await {
            Err(error) if is_at_end(&error) => Ok(Vec::new()),
            read => read.map_err(self.failed("read", name)),
        }
    }

    /// How much there is need not be known: what is more than enough is not waited for.
    async fn first_bytes(&self, name: &str, start: u64, at_most: usize) -> opendal::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut pieces = self
            .operator
            .reader(&self.key(name))
            .await?
            .into_stream(start..)
            .await?;
        while bytes.len() < at_most
            && let Some(piece) = pieces.try_next().await?
        {
            bytes.extend(piece.to_vec());
        }
        bytes.truncate(at_most);
        Ok(bytes)
    }

    /// The last bytes of an object, at most so many, and whether that is all of it.
    ///
    /// # Errors
    /// When there is no such object, or it cannot be read.
    pub async fn read_end(&self, name: &str, at_most: usize) -> Result<(Vec<u8>, bool)> {
        let size = self
            .size(name)
            .await?
            .ok_or_else(|| self.error("read", name, Trouble::NotFound))?;
        let start = size.saturating_sub(u64::try_from(at_most).unwrap_or(u64::MAX));
        Ok((self.read_from(name, start, at_most).await?, start == 0))
    }

    /// Copies an object into a file, piece by piece. Returns how many bytes that were.
    ///
    /// # Errors
    /// When there is no such object, or it cannot be read, or the file cannot be written to.
    pub async fn download(&self, name: &str, to: &mut File) -> Result<u64> {
        let unread = |error| self.failed("fetch", name)(error);
        let reader = self.operator.reader(&self.key(name)).await.map_err(unread)?;
        // One request for all of it; only if the connection breaks another one, for the rest.
        let mut pieces = reader.into_stream(..).await.map_err(unread)?;
        let mut copied = 0;
        loop {
            let piece = match pieces.try_next().await {
                Ok(Some(piece)) => piece,
                Err(error) if !is_at_end(&error) => return Err(unread(error)),
                Ok(None) | Err(_) => return Ok(copied),
            };
            for bytes in piece {
                to.write_all(&bytes)
                    .map_err(|error| self.error("fetch", name, Trouble::File(error.to_string())))?;
                copied += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            }
        }
    }

    /// Puts an object with this content there, whatever was there before.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn write(&self, name: &str, content: Vec<u8>) -> Result<()> {
        let written = self.operator.write(&self.key(name), content).await;
        written.map(drop).map_err(self.failed("write", name))
    }

    /// Puts a new object there.
    ///
    /// # Errors
    /// [`Trouble::Exists`] when there is one already, whoever came first; or when it cannot be written.
    pub async fn create(&self, name: &str, content: Vec<u8>) -> Result<()> {
        let key = self.key(name);
        let created = self.operator.write_with(&key, content).if_not_exists(true).await;
        created.map(drop).map_err(self.failed("create", name))
    }

    /// Adds to the end of an object; makes a new one if there is none. Stores cannot do that, so it is read and written again:
    /// of two who do so at the same time one wins.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub async fn append(&self, name: &str, content: &[u8]) -> Result<()> {
        let mut all = match self.read(name).await {
            Ok(before) => before,
            Err(error) if error.trouble == Trouble::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        all.extend_from_slice(content);
        self.write(name, all).await
    }

    /// Copies the first bytes of a file, so many as are asked for, into an object, piece by piece.
    ///
    /// # Errors
    /// When the file has become shorter, or the object cannot be written.
    pub async fn upload(&self, name: &str, from: &File, size: u64) -> Result<()> {
        let failed = |error: std::io::Error| self.file_error("write", name, &error);
        let pieces = Pieces { from, next: 0, size };
        if size <= u64::try_from(PIECE).unwrap_or(u64::MAX) {
            let mut content = Vec::new();
            for piece in pieces {
                content = piece.map_err(failed)?;
            }
            return self.write(name, content).await;
        }
        let key = self.key(name);
        let mut writer = self.operator.writer(&key).await.map_err(self.failed("write", name))?;
        for piece in pieces {
            writer
                .write(piece.map_err(failed)?)
                .await
                .map_err(self.failed("write", name))?;
        }
        writer.close().await.map(drop).map_err(self.failed("write", name))
    }

    /// All objects whose names begin with this name and a slash, or all of them, if it is empty.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub async fn list(&self, below: &str) -> Result<Vec<Listed>> {
        let prefix = self.prefix(below);
        let found = self.operator.list_with(&prefix).recursive(true).await;
        let found = match found {
            Ok(found) => found,
            Err(error) => match Trouble::from(error) {
                Trouble::NotFound => return Ok(Vec::new()),
                trouble => return Err(self.error("list what is below", below, trouble)),
            },
        };
        let here = self.prefix("");
        let listed = found
            .into_iter()
            .filter(|entry| entry.metadata().is_file())
            .filter_map(|entry| {
                Some(Listed {
                    name: entry.path().strip_prefix(&here)?.to_owned(),
                    size: entry.metadata().content_length(),
                })
            });
        Ok(listed.collect())
    }

    /// The names directly below this one that have something below them, or those directly below the folder, if it is empty.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub async fn folders(&self, below: &str) -> Result<Vec<String>> {
        let prefix = self.prefix(below);
        let found = match self.operator.list(&prefix).await.map_err(Trouble::from) {
            Ok(found) => found,
            Err(Trouble::NotFound) => return Ok(Vec::new()),
            Err(trouble) => return Err(self.error("list what is below", below, trouble)),
        };
        let folders = found.into_iter().filter(|entry| entry.metadata().is_dir());
        let names = folders.filter_map(|entry| Some(entry.path().strip_prefix(&prefix)?.strip_suffix('/')?.to_owned()));
        Ok(names.filter(|name| !name.is_empty()).collect())
    }

    /// Gives an object another name: it is copied, then removed.
    ///
    /// # Errors
    /// When there is none, or one of the two fails.
    pub async fn rename(&self, name: &str, to: &str) -> Result<()> {
        let copied = self.operator.copy(&self.key(name), &self.key(to)).await;
        copied.map_err(self.failed("rename", name))?;
        self.remove(name).await
    }

    /// Removes an object, if there is one.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub async fn remove(&self, name: &str) -> Result<()> {
        self.operator
            .delete(&self.key(name))
            .await
            .map_err(self.failed("remove", name))
    }

    /// Removes all of these objects, many at once.
    ///
    /// # Errors
    /// When one of them cannot be removed.
    pub async fn remove_each(&self, names: Vec<String>) -> Result<()> {
        let keys: Vec<String> = names.iter().map(|name| self.key(name)).collect();
        self.operator
            .delete_iter(keys)
            .await
            .map_err(self.failed("remove what is below", ""))
    }

    /// Whether the folder itself is an object as well.
    ///
    /// # Errors
    /// When nobody can tell.
    pub async fn is_object(&self) -> Result<bool> {
        match self.place.key() {
            "" => Ok(false),
            key => match self.operator.stat(key).await.map_err(Trouble::from) {
                Ok(found) => Ok(found.is_file()),
                Err(Trouble::NotFound) => Ok(false),
                Err(trouble) => Err(self.error("look at", "", trouble)),
            },
        }
    }

    /// Whether there is an object of this name.
    ///
    /// # Errors
    /// When nobody can tell.
    pub async fn exists(&self, name: &str) -> Result<bool> {
        Ok(self.size(name).await?.is_some())
    }

    /// Which version of an object is there now; none, if there is no such object.
    ///
    /// # Errors
    /// When nobody can tell.
    pub async fn version(&self, name: &str) -> Result<Option<Version>> {
        match self.operator.stat(&self.key(name)).await.map_err(Trouble::from) {
            Ok(found) => match Version::of(&found) {
                Some(version) => Ok(Some(version)),
                None => Err(self.error("look at", name, Trouble::Other(NO_VERSION.to_owned()))),
            },
            Err(Trouble::NotFound) => Ok(None),
            Err(trouble) => Err(self.error("look at", name, trouble)),
        }
    }

    /// Whether there are objects whose names begin with this name and a slash.
    ///
    /// # Errors
    /// When nobody can tell.
    pub async fn is_folder(&self, name: &str) -> Result<bool> {
        let prefix = self.prefix(name);
        let look = async || {
            let mut found = self.operator.lister_with(&prefix).recursive(true).limit(1).await?;
            found.try_next().await
        };
        match look().await.map_err(Trouble::from) {
            Ok(found) => Ok(found.is_some()),
            // Where nothing is, nothing is listed; only of the bucket Google's service says so.
            Err(Trouble::NotFound) => Err(self.error("list what is below", name, Trouble::NoBucket)),
            Err(trouble) => Err(self.error("list what is below", name, trouble)),
        }
    }

    /// How many bytes an object has; none, if there is no such object.
    ///
    /// # Errors
    /// When nobody can tell.
    pub async fn size(&self, name: &str) -> Result<Option<u64>> {
        match self.operator.stat(&self.key(name)).await.map_err(Trouble::from) {
            Ok(found) => Ok(Some(found.content_length())),
            Err(Trouble::NotFound) => Ok(None),
            Err(trouble) => Err(self.error("look at", name, trouble)),
        }
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix(""))
    }

    /// What the names of all objects below have in common.
    fn prefix(&self, below: &str) -> String {
        let names = [self.place.key(), below].into_iter().filter(|name| !name.is_empty());
        names.map(|name| format!("{name}/")).collect()
    }

    fn failed(&self, action: &'static str, name: &str) -> impl FnOnce(Error) -> StoreError {
        move |error| {
            let trouble = match Trouble::from(error) {
                // That is how Google's service says it. What is written need not be there before.
                Trouble::NotFound if matches!(action, "write" | "create") => Trouble::NoBucket,
                trouble => trouble,
            };
            self.error(action, name, trouble)
        }
    }

    /// What went wrong with the file of this machine that an object is to become, or was to be made from.
    pub(super) fn file_error(&self, action: &'static str, name: &str, error: &std::io::Error) -> StoreError {
        self.error(action, name, Trouble::File(error.to_string()))
    }

    fn error(&self, action: &'static str, name: &str, trouble: Trouble) -> StoreError {
        StoreError {
            action,
            place: self.place.below(name),
            trouble,
        }
    }
}

/// Whether all that is wrong with a request is that there are no such bytes. Azure has words of its own for that.
fn is_at_end(error: &Error) -> bool {
    let said = error.to_string();
    error.kind() == ErrorKind::RangeNotSatisfied
        || said.contains("InvalidRange")
        // A server that answers with an empty range.
        || said.contains("end is less than start")
}

/// The first bytes of a file, in pieces.
struct Pieces<'a> {
    from: &'a File,
    next: u64,
    size: u64,
}

impl Iterator for Pieces<'_> {
    type Item = std::io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = usize::try_from(self.size.checked_sub(self.next).filter(|rest| *rest > 0)?).unwrap_or(usize::MAX);
        let mut piece = vec![0; rest.min(PIECE)];
        let read = self.from.read_exact_at(&mut piece, self.next);
        self.next += u64::try_from(piece.len()).unwrap_or(u64::MAX);
        Some(read.map(|()| piece))
    }
}

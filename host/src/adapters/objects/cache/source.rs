//! The object that is fetched.

use std::fs::File;

use super::error::CacheError;
use crate::{
    adapters::objects::{Folder, StoreError, Trouble, Version},
    model::path::{Location, ObjectPath},
};

/// An object, in its bucket.
pub(super) struct Source<'a> {
    object: &'a ObjectPath,
    bucket: Folder,
}

impl<'a> Source<'a> {
    pub(super) async fn open(object: &'a ObjectPath) -> Result<Self, CacheError> {
        let mut bucket = Location::Stored(object.clone());
        while let Some(up) = bucket.parent() {
            bucket = up;
        }
        let Location::Stored(bucket) = bucket else {
            return Err(CacheError::IsBucket(object.clone()));
        };
        if bucket == *object {
            return Err(CacheError::IsBucket(bucket));
        }
        let bucket = Folder::open(&bucket).await?;
        Ok(Self { object, bucket })
    }

    /// Which version of it is there now.
    pub(super) async fn version(&self) -> Result<Version, CacheError> {
        let found = self.bucket.version(self.object.key()).await;
        match found.map_err(|error| self.not_fetched(error.trouble))? {
            Some(version) => Ok(version),
            None => Err(self.missing().await),
        }
    }

    /// Why there is nothing. To that one question services give the same answer when it is the bucket that is missing.
    async fn missing(&self) -> CacheError {
        match self.bucket.is_folder(self.object.key()).await {
            Ok(true) => CacheError::IsFolder(self.object.clone()),
            Err(error) if error.trouble == Trouble::NoBucket => self.not_fetched(Trouble::NoBucket),
            // Who may read an object need not be allowed to list others.
            Ok(false) | Err(_) => self.not_fetched(Trouble::NotFound),
        }
    }

    /// Copies it into a file. Returns how many bytes that were.
    pub(super) async fn download(&self, to: &mut File) -> Result<u64, CacheError> {
        let copied = self.bucket.download(self.object.key(), to).await;
        copied.map_err(|error| self.not_fetched(error.trouble))
    }

    fn not_fetched(&self, trouble: Trouble) -> CacheError {
        CacheError::Store(StoreError {
            action: "fetch",
            place: self.object.clone(),
            trouble,
        })
    }
}

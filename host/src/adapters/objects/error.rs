//! What can go wrong with objects in a store, in words that say what to do.

use opendal::{Error, ErrorKind};

use crate::model::path::{ObjectPath, Service};

/// Something that was tried with an object, or with all below a place, failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot {action} {place}: {}", .trouble.told(.place))]
pub struct StoreError {
    /// What was tried.
    pub action: &'static str,
    /// With what.
    pub place: ObjectPath,
    /// What came in between.
    pub trouble: Trouble,
}

/// What came in between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The bucket does not exist.
    NoBucket,
    /// The object does not exist.
    NotFound,
    /// The object, or the place, is taken.
    Exists,
    /// The credentials do not allow it.
    Denied(String),
    /// No credentials were found.
    NoCredentials,
    /// Nobody said which storage account is meant.
    NoAccount,
    /// The bucket is in another region than was said.
    WrongRegion(String),
    /// Nobody answers, or not now.
    Away(String),
    /// A file of this machine that takes part cannot be used.
    File(String),
    /// Anything else, in the service's words.
    Other(String),
}

impl StoreError {
    /// Whether the same may succeed later, without anybody doing anything.
    pub const fn may_pass(&self) -> bool {
        matches!(self.trouble, Trouble::Away(_))
    }
}

impl Trouble {
    fn told(&self, place: &ObjectPath) -> String {
        let (service, bucket) = (place.service(), place.bucket());
        let (title, what) = (service.title(), container(service));
        match self {
            Self::NoBucket => format!("{title} has no {what} `{bucket}`; make it first, or check the name"),
            Self::NotFound => "there is no such object".to_owned(),
            Self::Exists => "it exists already".to_owned(),
            Self::Denied(said) => {
                format!("{title} does not allow it; check what the credentials in use may do with the {what} `{bucket}`: {said}")
            }
            Self::NoCredentials => format!("there are no credentials for {title}; {}", login(service)),
            Self::NoAccount => {
                "it is not known which storage account is meant; set AZURE_STORAGE_ACCOUNT, or AZURE_STORAGE_CONNECTION_STRING"
                    .to_owned()
            }
            Self::WrongRegion(said) => {
                format!("the {what} `{bucket}` is in another region; set AWS_REGION to it: {said}")
            }
            Self::Away(said) => format!("{title} does not answer: {said}"),
            Self::File(said) | Self::Other(said) => said.clone(),
        }
    }
}

const fn container(service: Service) -> &'static str {
    match service {
        Service::Gcs | Service::S3 => "bucket",
        Service::Azure => "container",
    }
}

const fn login(service: Service) -> &'static str {
    match service {
        Service::Gcs => "run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS",
        Service::S3 => "run `aws configure`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        Service::Azure => "run `az login`, or set AZURE_STORAGE_CONNECTION_STRING or AZURE_STORAGE_KEY",
    }
}

/// What services say when it is the bucket that is missing, and not the object.
const NO_BUCKET: [&str; 4] = [
    "NoSuchBucket",
    "ContainerNotFound",
    "The specified bucket does not exist",
    "The specified container does not exist",
];

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        let said = || said(&error);
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        if has(&NO_BUCKET) {
            return Self::NoBucket;
        }
        if has(&["failed to load signing credential", "no valid credential"]) {
            return Self::NoCredentials;
        }
        if has(&[
            "AuthorizationHeaderMalformed",
            "PermanentRedirect",
            "IllegalLocationConstraint",
        ]) {
            return Self::WrongRegion(said());
        }
        match error.kind() {
            ErrorKind::NotFound => Self::NotFound,
            ErrorKind::ConditionNotMatch | ErrorKind::AlreadyExists => Self::Exists,
            ErrorKind::PermissionDenied => Self::Denied(said()),
            ErrorKind::RateLimited => Self::Away(said()),
            // What was tried again and again is not called temporary any more.
            _ if error.is_temporary() || error.is_persistent() => Self::Away(said()),
            _ => Self::Other(said()),
        }
    }
}

/// The most that is kept of what a service says: one that is none may answer with a whole page.
const LONGEST: usize = 400;

/// The service's own words on one line.
fn said(error: &Error) -> String {
    let message = error.message();
    let source = std::error::Error::source(error).map(|source| format!(": {source}"));
    let words = format!("{message}{}", source.unwrap_or_default());
    let words: Vec<&str> = words
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    let mut line = words.join(" ");
    line.truncate(line.floor_char_boundary(LONGEST));
    line
}

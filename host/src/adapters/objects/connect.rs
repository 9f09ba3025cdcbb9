//! From a place to a connection with its bucket: the address of the service, the credentials, the region.
//!
//! All of it is found where the provider's own tools look for it. What they take from the command line comes from the
//! environment here:
//!
//! | | credentials | address, region |
//! |---|---|---|
//! | Amazon S3 | `AWS_ACCESS_KEY_ID` and its kin, `AWS_PROFILE` in `~/.aws`, web identity, ECS, EC2 | `AWS_ENDPOINT_URL`, `AWS_REGION`, the profile's `region`, or S3 is asked |
//! | Google Cloud Storage | `GOOGLE_APPLICATION_CREDENTIALS`, those of `gcloud auth application-default login`, the machine's | `STORAGE_EMULATOR_HOST` |
//! | Azure Blob Storage | `AZURE_STORAGE_CONNECTION_STRING`, `AZURE_STORAGE_KEY`, `AZURE_STORAGE_SAS_TOKEN`, `AZURE_CLIENT_ID` and its kin, `az login`, the machine's | `AZURE_STORAGE_ACCOUNT`, `AZURE_STORAGE_SERVICE_ENDPOINT` |

use std::{sync::Once, time::Duration};

use opendal::{
    HttpTransporter, Operator,
    layers::{RetryLayer, TimeoutLayer},
    services::{Azblob, Gcs, S3},
};
use opendal_http_transport_reqwest::ReqwestTransport;

use super::error::Trouble;
use crate::model::path::{ObjectPath, Service};

/// After this long without an answer a request has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where S3 is if nobody says another region.
const USUAL_REGION: &str = "us-east-1";
const AWS: &str = "https://s3.amazonaws.com";

/// A connection with the bucket of a place; nothing is asked there yet, but S3 where a bucket's region is not known.
pub(super) async fn connect(place: &ObjectPath) -> Result<Operator, Trouble> {
    prepare();
    let operator = match place.service() {
        Service::S3 => s3(place.bucket()).await,
        Service::Gcs => gcs(place.bucket()),
        Service::Azure => azure(place.bucket()),
    }?;
    // Whoever can wait longer tries again later.
    let retry = RetryLayer::new().with_max_times(2).with_jitter();
    let timeout = TimeoutLayer::new().with_timeout(PATIENCE).with_io_timeout(PATIENCE);
    Ok(operator.layer(timeout).layer(retry))
}

/// The libraries for HTTPS want to be told once which of them are meant.
fn prepare() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // If another part of the program has chosen one already, that is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        HttpTransporter::install_default(ReqwestTransport::default());
    });
}

async fn s3(bucket: &str) -> Result<Operator, Trouble> {
    let mut service = S3::default().bucket(bucket);
    let endpoint = variable("AWS_ENDPOINT_URL_S3").or_else(|| variable("AWS_ENDPOINT_URL"));
    if let Some(endpoint) = &endpoint {
        service = service.endpoint(endpoint);
    }
    if let Some(profile) = variable("AWS_PROFILE") {
        service = service.profile(&profile);
    }
    let told = variable("AWS_REGION")
        .or_else(|| variable("AWS_DEFAULT_REGION"))
        .or_else(profile::region);
    let region = match (told, &endpoint) {
        (Some(region), _) => region,
        (None, Some(_)) => USUAL_REGION.to_owned(),
        (None, None) => S3::detect_region(AWS, bucket)
            .await
            .unwrap_or_else(|| USUAL_REGION.to_owned()),
    };
    Ok(Operator::new(service.region(&region))?)
}

fn gcs(bucket: &str) -> Result<Operator, Trouble> {
    let mut service = Gcs::default().bucket(bucket);
    if let Some(emulator) = variable("STORAGE_EMULATOR_HOST") {
        // Google's own libraries take both.
        let endpoint = match emulator.contains("://") {
            true => emulator,
            false => format!("http://{emulator}"),
        };
        service = service.endpoint(&endpoint).skip_signature();
    }
    Ok(Operator::new(service)?)
}

fn azure(container: &str) -> Result<Operator, Trouble> {
    let mut service = match (
        variable("AZURE_STORAGE_CONNECTION_STRING"),
        variable("AZURE_STORAGE_ACCOUNT"),
    ) {
        (Some(connection), _) => Azblob::from_connection_string(&connection)?,
        (None, Some(account)) => {
            let endpoint = variable("AZURE_STORAGE_SERVICE_ENDPOINT");
            let endpoint = endpoint.unwrap_or_else(|| format!("https://{account}.blob.core.windows.net"));
            Azblob::default().endpoint(&endpoint).account_name(&account)
        }
        (None, None) => return Err(Trouble::NoAccount),
    };
    if let Some(key) = variable("AZURE_STORAGE_KEY") {
        service = service.account_key(&key);
    }
    if let Some(token) = variable("AZURE_STORAGE_SAS_TOKEN") {
        service = service.sas_token(&token);
    }
    Ok(Operator::new(service.container(container))?)
}

/// Empty says as little as nothing.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The region of a profile in `~/.aws/config`.
mod profile {
    use std::path::PathBuf;

    use super::variable;

    pub(super) fn region() -> Option<String> {
        let file = match variable("AWS_CONFIG_FILE") {
            Some(file) => PathBuf::from(file),
            None => PathBuf::from(variable("HOME")?).join(".aws/config"),
        };
        let text = std::fs::read_to_string(file).ok()?;
        region_in(&text, variable("AWS_PROFILE").as_deref().unwrap_or("default"))
    }

    /// What a file says: sections are `[default]` and `[profile NAME]`.
    pub(super) fn region_in(text: &str, profile: &str) -> Option<String> {
        let mut here = false;
        for line in text.lines().map(str::trim) {
            if let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                let section = section.trim();
                let name = section.strip_prefix("profile ").map_or(section, str::trim);
                here = name == profile;
            } else if let Some((key, value)) = line.split_once('=')
                && here
                && key.trim() == "region"
            {
                return Some(value.trim().to_owned());
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::profile::region_in;

    #[test]
    fn each_profile_has_a_region() {
        let text = "# mine\n[default]\noutput = json\nregion=eu-west-1\n[profile work]\n region = us-west-2 \n[profile none]\n";
        assert_eq!(region_in(text, "default").as_deref(), Some("eu-west-1"));
        assert_eq!(region_in(text, "work").as_deref(), Some("us-west-2"));
        assert_eq!(region_in(text, "none"), None);
        assert_eq!(region_in("region = x", "default"), None);
    }
}

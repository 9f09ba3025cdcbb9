//! The object stores that tests use, with a place of its own for each test. What is there is read by the providers' own
//! clients.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use crate::{built, machine::skip, program::Xqute, proxy::Proxy, scratch::Scratch};

/// Whose stores there are: the scheme of their URLs.
pub const SERVICES: [&str; 3] = ["s3", "gs", "az"];

/// The variables by which clients find them.
const ADDRESSES: [&str; 3] = [
    "AWS_ENDPOINT_URL",
    "STORAGE_EMULATOR_HOST",
    "AZURE_STORAGE_CONNECTION_STRING",
];

/// Those that they need besides.
const KEYS: [&str; 3] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"];

/// The folder in which their buckets are mounted, if they are.
const MOUNTS: &str = "XQUTE_TEST_MOUNTS";

/// A place in a store, for one test.
pub struct Store {
    service: &'static str,
    bucket: String,
    /// Set apart from others by the name of the test's folder.
    place: String,
    /// What is between xqute and the store.
    pub proxy: Proxy,
}

impl Store {
    /// A place in one of them. `None`, said aloud, if they are not there.
    pub fn new(test: &str, service: &'static str, scratch: &Scratch) -> Option<Self> {
        let Ok(bucket) = env::var("XQUTE_TEST_STORES") else {
            let script = "tests/services/stores.sh";
            skip(
                test,
                &format!("XQUTE_TEST_STORES is not set; start stores with {script} up, and see {script} env"),
            );
            return None;
        };
        let number = SERVICES.iter().position(|name| *name == service).unwrap();
        let address = env::var(ADDRESSES[number]).unwrap();
        let (_, port) = address.split_once("127.0.0.1:").expect("tests use stores on loopback");
        let port: String = port.chars().take_while(char::is_ascii_digit).collect();
        Some(Self {
            service,
            bucket,
            place: folder_name(scratch),
            proxy: Proxy::to(port.parse().unwrap()),
        })
    }

    /// The place, or something below it. Its name is as odd as that of the folder.
    pub fn url(&self, below: &str) -> String {
        format!("{}://{}/{}/{below}", self.service, self.bucket, self.place)
    }

    /// Whether the bucket is mounted on this machine; if not it is said aloud.
    pub fn is_mounted(&self, test: &str) -> bool {
        let is_mounted = env::var_os(MOUNTS).is_some();
        if !is_mounted && !Path::new("/dev/fuse").exists() {
            println!("SKIPPED: {test}: this machine cannot mount anything, as it has no /dev/fuse");
        } else if !is_mounted {
            skip(
                test,
                &format!("{MOUNTS} is not set: no bucket is mounted, see tests/services/stores.sh"),
            );
        }
        is_mounted
    }

    /// Where the place, or something below it, is mounted on this machine.
    pub fn mounted(&self, below: &str) -> PathBuf {
        let mounts = PathBuf::from(env::var_os(MOUNTS).unwrap());
        mounts.join(self.service).join(&self.place).join(below)
    }

    /// What `xqute run` takes for jobs that see nothing of their workdir. Their machines know the store as this one does.
    pub fn staged(&self, scratch: &Scratch) -> [String; 4] {
        let (stage, carrier) = (scratch.path("stage"), scratch.path("carrier"));
        fs::create_dir_all(&stage).unwrap();
        let variables = self
            .variables()
            .map(|(name, value)| format!("export {name}='{value}'\n"));
        let text = format!(
            "#!/bin/bash\n{}exec '{}' \"$@\"\n",
            variables.collect::<String>(),
            built::xqute().display()
        );
        scratch.write("carrier", text);
        fs::set_permissions(&carrier, fs::Permissions::from_mode(0o755)).unwrap();
        let stage = format!("stage-dir={}", stage.display());
        let carrier = format!("stage-with={}", carrier.display());
        ["--opt".to_owned(), stage, "--opt".to_owned(), carrier]
    }

    /// A program that finds the store, through the proxy.
    pub fn addressed(&self, program: Xqute) -> Xqute {
        self.variables()
            .fold(program, |program, (name, value)| program.env(name, value))
    }

    fn variables(&self) -> impl Iterator<Item = (&'static str, String)> {
        let keys = KEYS.iter().map(|name| (*name, env::var(name).unwrap()));
        let number = SERVICES.iter().position(|name| *name == self.service).unwrap();
        let name = ADDRESSES[number];
        let (before, behind) = env::var(name)
            .unwrap()
            .split_once("127.0.0.1:")
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .unwrap();
        let behind = behind.trim_start_matches(|c: char| c.is_ascii_digit());
        keys.chain([(name, format!("{before}{}{behind}", self.proxy.address()))])
    }

    /// All objects below a place, as files in a folder.
    pub fn get(&self, scratch: &Scratch, below: &str) -> PathBuf {
        let folder = scratch.path("store").join(below);
        let _there_may_be_none = fs::remove_dir_all(&folder);
        self.client(scratch, ["get", &self.url(below), folder.to_str().unwrap()]);
        folder
    }

    /// The names of all objects below a place.
    pub fn list(&self, scratch: &Scratch, below: &str) -> Vec<String> {
        let said = self.client(scratch, ["list", &self.url(below)]);
        said.lines()
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// Puts an object there.
    pub fn put(&self, scratch: &Scratch, name: &str, content: &str) {
        let file = scratch.write("put", content);
        self.client(scratch, ["put", &self.url(name), file.to_str().unwrap()]);
    }

    fn client<'b>(&self, scratch: &Scratch, args: impl IntoIterator<Item = &'b str>) -> String {
        let script = built::repository().join("tests/services/stores.sh");
        let client = scratch
            .program(Path::new("/bin/bash"))
            .args([script])
            .args(["client"])
            .args(args);
        let known = ["STORES_DIR", "STORES_PORT", "XQUTE_SERVICES_DIR", "TMPDIR"];
        let known = known.iter().filter_map(|name| Some((name, env::var_os(name)?)));
        known
            .fold(client, |client, (name, value)| client.env(name, value))
            .run()
            .exits(0)
            .stdout
    }
}

/// The name of a test's folder, which no other has.
fn folder_name(scratch: &Scratch) -> String {
    let file = scratch.path("file");
    let top = file.parent().and_then(Path::parent).unwrap();
    top.file_name().unwrap().to_str().unwrap().to_owned()
}

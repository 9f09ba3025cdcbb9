//! Runs whose workdir is in an object store, and objects that are fetched from one.

/// Makes a test for each service.
macro_rules! everywhere {
    ($($case:ident),* $(,)?) => {
        mod s3 { everywhere!(@ "s3"; $($case),*); }
        mod gs { everywhere!(@ "gs"; $($case),*); }
        mod az { everywhere!(@ "az"; $($case),*); }
    };
    (@ $service:literal; $($case:ident),*) => {$(
        #[test]
        fn $case() {
            let scratch = xqute_tests::Scratch::new();
            if let Some(store) = xqute_tests::Store::new(stringify!($case), $service, &scratch) {
                super::$case(&scratch, &store);
            }
        }
    )*};
}

mod afar;
mod away;
mod bad;
mod cache;
mod page;
mod runs;

use std::{collections::BTreeMap, fs, path::Path};

/// All files below a folder, by their names.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    collect(folder, "", &mut files);
    files
}

fn collect(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        match entry.file_type().unwrap().is_dir() {
            true => collect(&entry.path(), &format!("{name}/"), files),
            false => _ = files.insert(name, fs::read(entry.path()).unwrap()),
        }
    }
}

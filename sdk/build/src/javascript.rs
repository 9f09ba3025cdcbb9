//! Plugins in JavaScript: npm installs the SDK, and the SDK makes the component.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::{
    create_folder_of,
    program::{program, read, read_installed, shown},
    project::{nearest, newest},
};

const NODE: &str = "install Node.js 20 or newer (Debian 13 and Ubuntu 25.04 or newer: `apt-get install nodejs npm`)";
const NPM: &str = "install npm (Debian and Ubuntu: `apt-get install npm`)";

/// The SDK's tools need it.
const LEAST_NODE: u32 = 20;

/// Where npm puts the SDK.
const SDK: &str = "node_modules/xqute-plugin/build.js";

/// Where npm notes what it installed.
const NOTE: &str = "node_modules/.package-lock.json";

pub(crate) fn build(folder: &Path, out: &Path, tell: &mut dyn FnMut(&str)) -> Result<()> {
    let version = read_installed(program("node").arg("--version"), NODE)?;
    ensure!(is_new_enough(&version), "node is of version {version}, too old: {NODE}");
    let sdk = sdk(folder, tell)?;
    let mut make = program("node");
    create_folder_of(out)?;
    make.current_dir(folder).arg(sdk).arg(folder).arg("-o").arg(out);
    tell(&format!("running {}", shown(&make)));
    read(&mut make).map(|_| ())
}

fn is_new_enough(version: &str) -> bool {
    let major = version.trim_start_matches('v').split('.').next();
    major.and_then(|major| major.parse::<u32>().ok()) >= Some(LEAST_NODE)
}

/// The SDK as node finds it, in the project's folder or above; else, or if the project has changed, npm installs it.
fn sdk(folder: &Path, tell: &mut dyn FnMut(&str)) -> Result<PathBuf> {
    let changed = newest(&folder.join("package.json")) > newest(&folder.join(NOTE));
    if let Some(sdk) = nearest(folder, SDK)
        && !(changed && sdk.starts_with(folder))
    {
        tell(&format!("using {}", sdk.with_file_name("").display()));
        return Ok(sdk);
    }
    let mut npm = program("npm");
    npm.current_dir(folder).args([
        "install",
        "--no-audit",
        "--no-fund",
        "--prefer-offline",
        "--loglevel=error",
    ]);
    tell(&format!("running {}", shown(&npm)));
    read_installed(&mut npm, NPM).context("what package.json names could not be installed")?;
    nearest(folder, SDK).with_context(|| {
        format!(
            "the project does not use the SDK; write \"dependencies\": {{\"xqute-plugin\": \"file:sdk/javascript\"}} into {}",
            folder.join("package.json").display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_node() {
        assert!(is_new_enough("v20.10.0") && is_new_enough("v100.0.0"));
        assert!(!is_new_enough("v18.20.4") && !is_new_enough("what?"));
    }
}

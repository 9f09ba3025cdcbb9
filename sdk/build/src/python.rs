//! Plugins in Python: a virtual environment beside the project has the SDK in it, and the SDK makes the component.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::{
    create_folder_of,
    program::{program, read, read_installed, shown},
    project::{nearest, newest},
};

const PYTHON: &str = "install Python 3.11 or newer (Debian and Ubuntu: `apt-get install python3 python3-venv`)";
const VENV: &str = "Python cannot make a virtual environment here (Debian and Ubuntu: `apt-get install python3-venv`)";

/// The file in an environment that says which SDK was installed there; it is as old as that SDK.
const NOTE: &str = "xqute-plugin.installed";

pub(crate) fn build(folder: &Path, out: &Path, tell: &mut dyn FnMut(&str)) -> Result<()> {
    let environment = environment(folder, tell)?;
    let mut make = program(environment.join("bin/xqute-plugin-build"));
    create_folder_of(out)?;
    make.current_dir(folder).arg(folder).arg("-o").arg(out);
    tell(&format!("running {}", shown(&make)));
    read(&mut make).map(|_| ())
}

/// The nearest environment with the SDK in it, in the project's folder or above; else one is made.
fn environment(folder: &Path, tell: &mut dyn FnMut(&str)) -> Result<PathBuf> {
    let sdk = nearest(folder, "sdk/python/pyproject.toml");
    let sdk = sdk.as_deref().and_then(Path::parent);
    let environment = nearest(folder, &format!(".venv/{NOTE}"));
    let environment = environment.as_deref().and_then(Path::parent);
    let Some(sdk) = sdk else {
        return environment.map(Path::to_owned).with_context(|| {
            format!(
                "there is no sdk/python in {} or above it; `xqute plugin new` puts it into the projects that it makes",
                folder.display()
            )
        });
    };
    if let Some(environment) = environment
        && is_of(environment, sdk)
    {
        tell(&format!("using {}", environment.display()));
        return Ok(environment.to_owned());
    }
    let environment = environment.map_or_else(|| folder.join(".venv"), Path::to_owned);
    install(&environment, sdk, tell)?;
    Ok(environment)
}

/// Whether this very SDK was installed, and has not changed since.
fn is_of(environment: &Path, sdk: &Path) -> bool {
    let note = environment.join(NOTE);
    fs::read_to_string(&note).is_ok_and(|text| Path::new(&text) == sdk) && newest(&note) >= newest(sdk)
}

fn install(environment: &Path, sdk: &Path, tell: &mut dyn FnMut(&str)) -> Result<()> {
    let python = environment.join("bin/python");
    if !python.exists() {
        let mut make = program("python3");
        make.args(["-m", "venv"]).arg(environment);
        tell(&format!("running {}", shown(&make)));
        // An environment without pip is of no use to anybody.
        if let Err(error) = read_installed(&mut make, PYTHON) {
            let _nothing_there = fs::remove_dir_all(environment);
            bail!(if error.to_string().contains("not installed") {
                error
            } else {
                error.context(VENV)
            });
        }
    }
    let mut pip = program(python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .arg(sdk);
    tell(&format!("running {}", shown(&pip)));
    read(&mut pip).context("the SDK and componentize-py could not be installed; the first build needs the network")?;
    let note = environment.join(NOTE);
    fs::write(&note, sdk.to_string_lossy().as_bytes()).with_context(|| format!("cannot write {}", note.display()))
}

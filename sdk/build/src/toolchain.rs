//! Where a compiler for wasm comes from: the installed toolchain, a target that rustup adds, or Debian's packages.

use std::{
    env, fmt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, anyhow, bail};

use crate::{
    Target,
    cargo::cargo,
    program::{program, read},
};

/// The environment variable that forces a [`Way`]: `installed`, `rustup` or `debian`. For testing the ways.
const FORCED_WAY: &str = "XQUTE_GUEST_TOOLCHAIN";

/// Where Debian's compiler lies, beside one of rustup.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

/// Debian's C library for wasm.
const DEBIAN_WASI_LIBC: &str = "/usr/lib/wasm32-wasi";

/// How the wasm target was come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The compiler in use had it.
    Installed,
    /// `rustup target add` brought it.
    RustupAdded,
    /// Debian's compiler builds the standard library from its sources.
    Debian,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Installed => "with the installed target",
            Self::RustupAdded => "with the target that rustup just added",
            Self::Debian => "with Debian's compiler, standard library included",
        })
    }
}

/// A compiler that can compile for a wasm target.
#[derive(Clone, Debug)]
pub struct Toolchain {
    /// The target.
    pub target: Target,
    /// How it was come by.
    pub way: Way,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    /// Cargo's own compiler does it.
    Plain,
    /// Debian's compiler, and the folder in which cargo's own compiler has its linkers.
    Debian { linkers: PathBuf },
}

impl Toolchain {
    /// Finds, or installs, a compiler for the target: the installed one, else by `rustup target add`, else Debian's.
    ///
    /// # Errors
    /// When none of the ways works: what each said, and what to do.
    pub fn find(target: Target) -> Result<Self> {
        let forced = env::var(FORCED_WAY).ok();
        let ways: &[fn(Target) -> Result<Self>] = match forced.as_deref() {
            None => &[installed, add_by_rustup, debian],
            Some("installed") => &[installed],
            Some("rustup") => &[add_by_rustup],
            Some("debian") => &[debian],
            Some(other) => bail!("{FORCED_WAY} is `{other}`; it may be `installed`, `rustup` or `debian`"),
        };
        let mut refusals = Vec::new();
        for way in ways {
            match way(target) {
                Ok(toolchain) => return Ok(toolchain),
                Err(error) => refusals.push(format!("- {error:#}")),
            }
        }
        bail!(
            "no compiler for {target} was found:\n{}\nInstall the target with `rustup target add {target}`, or, on Debian, \
             as root, `apt-get install {}`, and try again.",
            refusals.join("\n"),
            debian_packages(target).join(" ")
        )
    }

    /// A cargo that compiles for the target: `cargo build --target ...`, to be completed.
    pub(crate) fn cargo_build(&self) -> Result<Command> {
        let mut cargo = cargo();
        // Flags of a native build (`-C target-cpu=native`, coverage) are no good for wasm.
        for var in [
            "RUSTFLAGS",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_BUILD_RUSTFLAGS",
            "RUSTC",
            "RUSTC_WRAPPER",
        ] {
            cargo.env_remove(var);
        }
        cargo.args(["build", "--target", self.target.triple()]);
        if let Kind::Debian { linkers } = &self.kind {
            cargo
                .env("RUSTC", DEBIAN_RUSTC)
                .env("RUSTC_BOOTSTRAP", "1")
                .arg("-Zbuild-std=std,panic_abort");
            match self.target {
                Target::Unknown => {
                    cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linkers.join("rust-lld"));
                }
                Target::Wasip2 => {
                    // wasm-component-ld looks for wasm-ld on PATH and beside itself.
                    let path = env::var_os("PATH").unwrap_or_default();
                    let all = [linkers.clone(), linkers.join("gcc-ld")]
                        .into_iter()
                        .chain(env::split_paths(&path));
                    cargo.env(
                        "PATH",
                        env::join_paths(all).context("a folder in PATH has a `:` in its name")?,
                    );
                    let flags = format!("-Clink-self-contained=no -L{DEBIAN_WASI_LIBC}");
                    cargo.env("CARGO_TARGET_WASM32_WASIP2_RUSTFLAGS", flags);
                }
            }
        }
        Ok(cargo)
    }
}

fn installed(target: Target) -> Result<Toolchain> {
    let mut rustc = program("rustc");
    rustc.args(["--print", "target-libdir", "--target", target.triple()]);
    let folder = read(&mut rustc)?;
    let has_std = Path::new(&folder).read_dir().is_ok_and(|mut files| {
        files.any(|file| file.is_ok_and(|file| file.file_name().to_string_lossy().starts_with("libstd-")))
    });
    if !has_std {
        bail!("the installed compiler has no {target}");
    }
    Ok(Toolchain {
        target,
        way: Way::Installed,
        kind: Kind::Plain,
    })
}

fn add_by_rustup(target: Target) -> Result<Toolchain> {
    read(program("rustup").args(["target", "add", target.triple()]))?;
    Ok(Toolchain {
        way: Way::RustupAdded,
        ..installed(target)?
    })
}

fn debian(target: Target) -> Result<Toolchain> {
    if !debian_is_complete(target) {
        install_debian_packages(target)?;
    }
    if !debian_is_complete(target) {
        bail!(
            "{} were installed, but {DEBIAN_RUSTC} has no sources of its library",
            debian_packages(target).join(" and ")
        );
    }
    let sysroot = read(program("rustc").args(["--print", "sysroot"]))?;
    let host = read(program("rustc").args(["--print", "host-tuple"]))?;
    let linkers = [sysroot, "lib/rustlib".to_owned(), host, "bin".to_owned()]
        .iter()
        .collect::<PathBuf>();
    if !linkers.join("rust-lld").exists() {
        return Err(anyhow!(
            "Debian's compiler needs rust-lld of a rustup toolchain, and {} has none",
            linkers.display()
        ));
    }
    Ok(Toolchain {
        target,
        way: Way::Debian,
        kind: Kind::Debian { linkers },
    })
}

fn debian_packages(target: Target) -> Vec<&'static str> {
    let mut packages = vec!["rustc-web", "rust-web-src"];
    if target == Target::Wasip2 {
        packages.push("wasi-libc");
    }
    packages
}

fn debian_is_complete(target: Target) -> bool {
    let sources = read(program(DEBIAN_RUSTC).args(["--print", "sysroot"]))
        .is_ok_and(|sysroot| Path::new(&sysroot).join("lib/rustlib/src/rust/library/std").exists());
    sources && (target == Target::Unknown || Path::new(DEBIAN_WASI_LIBC).exists())
}

fn install_debian_packages(target: Target) -> Result<()> {
    if !Path::new("/usr/bin/apt-get").exists() {
        bail!("Debian's compiler: this machine has no apt-get");
    }
    if read(program("id").arg("-u"))? != "0" {
        bail!("Debian's compiler: only root can install it");
    }
    let mut install = program("apt-get");
    install
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["install", "-y", "--no-install-recommends"]);
    install.args(debian_packages(target));
    if read(&mut install).is_err() {
        // The list of packages may never have been fetched, or be out of date.
        read(program("apt-get").arg("update"))?;
        read(&mut install)?;
    }
    Ok(())
}

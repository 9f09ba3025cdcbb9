//! Builds plugins of this workspace: `cargo run --example build_guests -- unknown|wasip2 OUT_FOLDER PACKAGE...`
#![expect(clippy::print_stdout, reason = "an example is a program")]

use std::path::Path;

use anyhow::{Context, Result, bail};
use xqute_build::{Guest, Target, Toolchain, build};

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let target = match args.next().as_deref() {
        Some("unknown") => Target::Unknown,
        Some("wasip2") => Target::Wasip2,
        _ => bail!("say `unknown` or `wasip2`, a folder, and packages"),
    };
    let out = args.next().context("say where the components go")?;
    let guests: Vec<Guest> = args
        .map(|package| Guest {
            out: Path::new(&out).join(&package).with_extension("wasm"),
            package,
        })
        .collect();
    let toolchain = Toolchain::find(target)?;
    println!("{target}, {}", toolchain.way);
    for built in build(Path::new("."), &toolchain, &guests)? {
        println!(
            "{} {} bytes\n  {:?}",
            built.path.display(),
            built.bytes,
            built.interfaces
        );
    }
    Ok(())
}

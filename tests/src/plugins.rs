//! Runs with plugins.

use std::ffi::OsStr;

use crate::{built, program::Xqute, scratch::Scratch};

impl Scratch {
    /// `xqute` with these plugins, each allowed all that it asks for, and then these arguments.
    #[track_caller]
    pub fn with_plugins(&self, names: &[&str], args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Xqute {
        let mut xqute = self.xqute([""; 0]);
        for name in names {
            // Files are called as the source folders are, plugins as their packages.
            xqute = xqute.args(["--plugin"]).args([built::plugin(name)]);
            xqute = xqute.args(["--allow", &name.replace('_', "-")]);
        }
        xqute.args(args)
    }

    /// Gives a plugin options, in `xqute.toml`; `more` is anything else that can be said about it there.
    pub fn configure(&self, plugin: &str, options: &str, more: &str) {
        self.write(
            "xqute.toml",
            format!("[plugins.{plugin}]\noptions = {{ {options} }}\n{more}\n"),
        );
    }
}

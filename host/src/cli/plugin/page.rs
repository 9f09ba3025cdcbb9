//! How plugins are shown: as a table, and one in full.

use std::fmt::Write as _;

use xqute::adapters::component::{
    flags,
    plugins::{Locked, PluginInfo},
    rights::Right,
};

use crate::cli::screen::{Style, printable_line};

/// A plugin, as far as it is shown.
#[derive(Clone, Debug, Default)]
pub(super) struct PluginPage {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) summary: String,
    pub(super) path: String,
    /// SHA-256, in hexadecimal digits.
    pub(super) digest: String,
    /// How its file and the lock file agree.
    pub(super) locked: Option<Locked>,
    /// Its size in bytes.
    pub(super) size: u64,
    /// The interfaces that it exports.
    pub(super) interfaces: Vec<String>,
    /// The hooks that it subscribes to.
    pub(super) hooks: Vec<String>,
    /// The rights that it asks for, and whether it has them.
    pub(super) rights: Vec<(Right, bool)>,
    /// Rights that it has, but which are narrower than what it asks for.
    pub(super) narrower: Vec<Right>,
    pub(super) options: Vec<OptionLine>,
    pub(super) priority: i32,
}

/// An option that a plugin understands.
#[derive(Clone, Debug)]
pub(super) struct OptionLine {
    pub(super) name: String,
    pub(super) summary: String,
    pub(super) default: Option<String>,
    pub(super) repeatable: bool,
}

/// What there is to show of a plugin.
pub(super) fn page_of(info: &PluginInfo) -> PluginPage {
    let options = info.options.iter().map(|option| OptionLine {
        name: option.name.clone(),
        summary: option.summary.clone(),
        default: option.default.clone(),
        repeatable: option.repeatable,
    });
    let granted = |right| info.effective.contains(right);
    let narrower = info.effective.iter().filter(|right| !info.asked.contains(right));
    PluginPage {
        name: info.name.clone(),
        version: info.version.clone(),
        summary: info.summary.clone(),
        path: info.path.display().to_string(),
        digest: info.digest.clone(),
        locked: Some(info.locked),
        size: info.size,
        interfaces: info.interfaces.iter().map(|interface| interface.to_string()).collect(),
        hooks: info.hooks.iter().map(|hook| hook.name().to_owned()).collect(),
        rights: info.asked.iter().map(|right| (right.clone(), granted(right))).collect(),
        narrower: narrower.cloned().collect(),
        options: options.collect(),
        priority: info.priority,
    }
}

/// `xqute plugin list`.
pub(super) fn table(plugins: &[PluginPage]) -> String {
    if plugins.is_empty() {
        return "no plugins found\n".to_owned();
    }
    let rows: Vec<[String; 4]> = plugins.iter().map(row).collect();
    let head = ["NAME", "VERSION", "PROVIDES", "RIGHTS"].map(str::to_owned);
    let mut widths = [0; 4];
    for row in std::iter::once(&head).chain(&rows) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    let summaries = std::iter::once("SUMMARY").chain(plugins.iter().map(|plugin| plugin.summary.as_str()));
    for (row, summary) in std::iter::once(&head).chain(&rows).zip(summaries) {
        for (cell, width) in row.iter().zip(widths) {
            let _infallible = write!(text, "{cell:width$}  ");
        }
        let _infallible = writeln!(text, "{}", one_line(summary));
    }
    text
}

fn row(plugin: &PluginPage) -> [String; 4] {
    let granted = plugin.rights.iter().filter(|(_, granted)| *granted).count();
    let rights = match (granted, plugin.rights.len()) {
        _ if plugin.locked == Some(Locked::Changed) => "changed".to_owned(),
        (_, 0) => "needs none".to_owned(),
        (granted, all) if granted == all => "granted".to_owned(),
        (0, _) => "not granted".to_owned(),
        (granted, all) => format!("{granted} of {all}"),
    };
    [
        one_line(&plugin.name),
        one_line(&plugin.version),
        plugin.interfaces.join(", "),
        rights,
    ]
}

/// `xqute plugin inspect`.
pub(super) fn page(plugin: &PluginPage) -> String {
    let name = one_line(&plugin.name);
    let mut text = format!("{} {}\n", Style::Strong.paint(&name), one_line(&plugin.version));
    let _infallible = writeln!(text, "{}\n", one_line(&plugin.summary));
    let list = |items: &[String]| match items {
        [] => "none".to_owned(),
        items => items.join(", "),
    };
    for (label, value) in [
        ("file", one_line(&plugin.path)),
        ("size", format!("{} bytes", plugin.size)),
        ("sha256", plugin.digest.clone()),
        ("locked", locked(plugin).to_owned()),
        ("interfaces", list(&plugin.interfaces)),
        ("hooks", list(&plugin.hooks)),
        ("priority", plugin.priority.to_string()),
    ] {
        let _infallible = writeln!(text, "{label:<11} {value}");
    }
    text.push_str(&rights(plugin));
    text.push_str(&options(plugin));
    text
}

fn locked(plugin: &PluginPage) -> &'static str {
    match plugin.locked {
        None | Some(Locked::No) => "no",
        Some(Locked::Yes) => "yes, in xqute.lock",
        Some(Locked::Changed) => "it changed since it was locked in xqute.lock: no run uses it",
    }
}

fn rights(plugin: &PluginPage) -> String {
    if plugin.rights.is_empty() {
        return "\nrights: it asks for none\n".to_owned();
    }
    let mut text = "\nrights that it asks for:\n".to_owned();
    for (right, granted) in &plugin.rights {
        let mark = if *granted { "granted" } else { "denied" };
        let _infallible = writeln!(text, "  {mark:<8} {}", meaning(right));
    }
    if !plugin.narrower.is_empty() {
        text.push_str("of what is denied, this much is granted:\n");
        for right in &plugin.narrower {
            let _infallible = writeln!(text, "  granted  {}", meaning(right));
        }
    }
    let name = one_line(&plugin.name);
    let _infallible = writeln!(text, "to grant all of them:   --allow {name}");
    let _infallible = writeln!(text, "to grant exactly these: {}", flags(plugin).join(" "));
    text
}

/// What a right means for whoever grants it.
fn meaning(right: &Right) -> String {
    let text = match right {
        Right::Run(command) if command.to_string() == command.program() => {
            format!("run     start {command} with any arguments: as powerful as that program")
        }
        Right::Run(command) => format!("run     start {command}: as powerful as that command"),
        Right::Read(folder) => format!("read    read files below {folder}"),
        Right::Write(folder) => format!("write   read, write, create and remove files below {folder}"),
        Right::Net(host) => format!("net     connect to {host}"),
        Right::Env(name) => format!("env     read the environment variable {name}"),
        Right::Script => "script  put bash into job scripts: full power on the machine that runs the jobs".to_owned(),
    };
    one_line(&text)
}

/// The flags that grant exactly what a plugin asks for.
fn flags(plugin: &PluginPage) -> Vec<String> {
    let rights = plugin.rights.iter().map(|(right, _)| right);
    let flags = flags::flags(&plugin.name, rights);
    flags.iter().map(|flag| one_line(flag)).collect()
}

fn options(plugin: &PluginPage) -> String {
    if plugin.options.is_empty() {
        return String::new();
    }
    let mut text = "\noptions:\n".to_owned();
    let width = plugin.options.iter().map(|option| option.name.chars().count()).max();
    let width = width.unwrap_or(0);
    for option in &plugin.options {
        let (name, summary) = (one_line(&option.name), one_line(&option.summary));
        let mut notes = Vec::new();
        if let Some(default) = &option.default {
            notes.push(format!("default: {}", one_line(default)));
        }
        if option.repeatable {
            notes.push("may be repeated".to_owned());
        }
        let notes = match notes.as_slice() {
            [] => String::new(),
            notes => format!(" [{}]", notes.join(", ")),
        };
        let _infallible = writeln!(text, "  {name:width$}  {summary}{notes}");
    }
    text
}

/// Text from a plugin, which may hold anything.
fn one_line(text: &str) -> String {
    printable_line(text).replace('\t', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slurm() -> PluginPage {
        let run = |program: &str, granted| (Right::new("run", program).unwrap(), granted);
        PluginPage {
            name: "slurm".into(),
            version: "0.1.0".into(),
            summary: "Runs jobs on Slurm\u{1b}[31m".into(),
            path: "/p/slurm.wasm".into(),
            digest: "ab12".into(),
            locked: Some(Locked::Changed),
            size: 123_456,
            interfaces: vec!["about".into(), "scheduler".into()],
            hooks: Vec::new(),
            rights: vec![run("sbatch", true), run("squeue", false), (Right::Script, false)],
            narrower: Vec::new(),
            options: vec![
                OptionLine {
                    name: "partition".into(),
                    summary: "Where jobs go".into(),
                    default: Some("the cluster's".into()),
                    repeatable: false,
                },
                OptionLine {
                    name: "license".into(),
                    summary: "A licence that a job needs".into(),
                    default: None,
                    repeatable: true,
                },
            ],
            priority: 0,
        }
    }

    #[test]
    fn a_plugin_in_full() {
        insta::assert_snapshot!(anstream::adapter::strip_str(&page(&slurm())).to_string(), @r"
        slurm 0.1.0
        Runs jobs on Slurm\u{1b}[31m

        file        /p/slurm.wasm
        size        123456 bytes
        sha256      ab12
        locked      it changed since it was locked in xqute.lock: no run uses it
        interfaces  about, scheduler
        hooks       none
        priority    0

        rights that it asks for:
          granted  run     start sbatch with any arguments: as powerful as that program
          denied   run     start squeue with any arguments: as powerful as that program
          denied   script  put bash into job scripts: full power on the machine that runs the jobs
        to grant all of them:   --allow slurm
        to grant exactly these: --allow slurm:run=sbatch,squeue --allow slurm:script

        options:
          partition  Where jobs go [default: the cluster's]
          license    A licence that a job needs [may be repeated]
        ");
    }

    #[test]
    fn a_plugin_that_asks_for_nothing() {
        let plugin = PluginPage {
            name: "hello".into(),
            ..PluginPage::default()
        };
        let text = page(&plugin);
        assert!(text.ends_with("\nrights: it asks for none\n"), "{text}");
        assert!(!text.contains("--allow"));
    }

    #[test]
    fn less_than_what_it_asks_for() {
        let plugin = PluginPage {
            narrower: vec![Right::new("run", "squeue -h ...").unwrap()],
            ..slurm()
        };
        let text = page(&plugin);
        let line = "this much is granted:\n  granted  run     start squeue -h ...: as powerful as that command\n";
        assert!(text.contains(line), "{text}");
    }

    #[test]
    fn plugins_in_a_table() {
        let hello = PluginPage {
            name: "hello".into(),
            version: "1.20.0".into(),
            summary: "Says hello".into(),
            interfaces: vec!["about".into(), "observer".into()],
            ..PluginPage::default()
        };
        insta::assert_snapshot!(table(&[hello, slurm()]), @r"
        NAME   VERSION  PROVIDES          RIGHTS      SUMMARY
        hello  1.20.0   about, observer   needs none  Says hello
        slurm  0.1.0    about, scheduler  changed     Runs jobs on Slurm\u{1b}[31m
        ");
        insta::assert_snapshot!(table(&[]), @"no plugins found");
        let unlocked = PluginPage {
            locked: Some(Locked::No),
            ..slurm()
        };
        assert!(table(&[unlocked]).contains("  1 of 3  "));
    }
}

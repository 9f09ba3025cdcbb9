//! How plugins are shown: as a table, and one in full. What there is to show comes from `plugin`.

use std::fmt::Write as _;

use super::{
    args::values::RightKind,
    screen::{Style, printable},
};

/// A plugin, as far as it is shown.
#[derive(Clone, Debug, Default)]
pub(super) struct PluginPage {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) summary: String,
    pub(super) path: String,
    /// SHA-256, in hexadecimal digits.
    pub(super) digest: String,
    /// Its size in bytes.
    pub(super) size: u64,
    /// The interfaces that it exports.
    pub(super) interfaces: Vec<String>,
    /// The hooks that it subscribes to.
    pub(super) hooks: Vec<String>,
    pub(super) rights: Vec<RightLine>,
    pub(super) options: Vec<OptionLine>,
    pub(super) priority: i32,
}

/// A right that a plugin asks for.
#[derive(Clone, Debug)]
pub(super) struct RightLine {
    pub(super) kind: RightKind,
    /// The program, folder, host or variable; empty for `script`.
    pub(super) value: String,
    pub(super) granted: bool,
}

/// An option that a plugin understands.
#[derive(Clone, Debug)]
pub(super) struct OptionLine {
    pub(super) name: String,
    pub(super) summary: String,
    pub(super) default: Option<String>,
    pub(super) repeatable: bool,
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
    let granted = plugin.rights.iter().filter(|right| right.granted).count();
    let rights = match (granted, plugin.rights.len()) {
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

fn rights(plugin: &PluginPage) -> String {
    if plugin.rights.is_empty() {
        return "\nrights: it asks for none\n".to_owned();
    }
    let mut text = "\nrights that it asks for:\n".to_owned();
    for right in &plugin.rights {
        let mark = if right.granted { "granted" } else { "denied" };
        let _infallible = writeln!(text, "  {mark:<8} {}", meaning(right));
    }
    let name = one_line(&plugin.name);
    let _infallible = writeln!(text, "to grant all of them:   --allow {name}");
    let each: Vec<_> = RightKind::ALL.into_iter().filter_map(|kind| flag(plugin, kind)).collect();
    let _infallible = writeln!(text, "to grant exactly these: {}", each.join(" "));
    text
}

/// What a right means for whoever grants it.
fn meaning(right: &RightLine) -> String {
    let value = one_line(&right.value);
    match right.kind {
        RightKind::Run => format!("run     start {value} with any arguments: as powerful as that program"),
        RightKind::Read => format!("read    read files below {value}"),
        RightKind::Write => format!("write   read, write, create and remove files below {value}"),
        RightKind::Net => format!("net     connect to {value}"),
        RightKind::Env => format!("env     read the environment variable {value}"),
        RightKind::Script => {
            "script  put bash into job scripts: full power on the machine that runs the jobs".to_owned()
        }
    }
}

/// The flag that grants all rights of one kind, quoted for a shell.
fn flag(plugin: &PluginPage, kind: RightKind) -> Option<String> {
    let of_kind = plugin.rights.iter().filter(|right| right.kind == kind);
    let values: Vec<_> = of_kind.map(|right| one_line(&right.value)).collect();
    let what = match (kind, values.as_slice()) {
        (_, []) => return None,
        (RightKind::Script, _) => "script".to_owned(),
        (kind, values) => format!("{}={}", kind.name(), values.join(",")),
    };
    let word = format!("{}:{what}", one_line(&plugin.name));
    let word = shlex::try_quote(&word).map_or_else(|_| word.clone(), std::borrow::Cow::into_owned);
    Some(format!("--allow {word}"))
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
    printable(text).replace('\n', "\\n").replace('\t', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slurm() -> PluginPage {
        let run = |value: &str, granted| RightLine {
            kind: RightKind::Run,
            value: value.into(),
            granted,
        };
        PluginPage {
            name: "slurm".into(),
            version: "0.1.0".into(),
            summary: "Runs jobs on Slurm\u{1b}[31m".into(),
            path: "/p/slurm.wasm".into(),
            digest: "ab12".into(),
            size: 123_456,
            interfaces: vec!["about".into(), "scheduler".into()],
            hooks: Vec::new(),
            rights: vec![
                run("sbatch", true),
                run("squeue", false),
                RightLine {
                    kind: RightKind::Script,
                    value: String::new(),
                    granted: false,
                },
            ],
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
        insta::assert_snapshot!(anstream::adapter::strip_str(&page(&slurm())).to_string(), @"");
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
    fn plugins_in_a_table() {
        let hello = PluginPage {
            name: "hello".into(),
            version: "1.20.0".into(),
            summary: "Says hello".into(),
            interfaces: vec!["about".into(), "observer".into()],
            ..PluginPage::default()
        };
        insta::assert_snapshot!(table(&[hello, slurm()]), @"");
        insta::assert_snapshot!(table(&[]), @"no plugins found");
    }

    #[test]
    fn flags_survive_a_shell() {
        let mut plugin = slurm();
        plugin.rights = vec![RightLine {
            kind: RightKind::Read,
            value: "/a b".into(),
            granted: false,
        }];
        assert_eq!(flag(&plugin, RightKind::Read).unwrap(), "--allow 'slurm:read=/a b'");
    }
}

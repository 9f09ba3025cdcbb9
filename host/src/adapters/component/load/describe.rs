//! Who a plugin says it is, after everything it says was checked.

use std::{collections::HashSet, num::NonZeroU32, time::Duration};

use crate::adapters::component::{
    contract::{Interface, Interfaces, bindings::about},
    error::Problem,
    instance::limits::LimitOverrides,
    rights::{Right, is_name},
};
use crate::{
    model::{
        access::{Reach, plain_path},
        hook::{Hook, HookSet},
    },
    ports::scheduler::Preferences,
};

/// One option that a plugin understands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionInfo {
    /// Lower-case words joined by `-`.
    pub name: String,
    /// One line for the user.
    pub summary: String,
    /// What holds when it is not given.
    pub default: Option<String>,
    /// Whether it may be given more than once.
    pub repeatable: bool,
}

/// What a plugin says about itself.
#[derive(Clone, Debug)]
pub struct Description {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// One line for the user.
    pub summary: String,
    /// Everything that it may ever want to do.
    pub rights: Vec<Right>,
    /// Where it wants to be called.
    pub hooks: HookSet,
    /// The options it understands.
    pub options: Vec<OptionInfo>,
    /// Limits that it needs.
    pub limits: LimitOverrides,
    /// Higher comes first.
    pub priority: i32,
    /// How it wants to be called, if it brings a scheduler.
    pub preferences: Preferences,
    /// What it can do for jobs whose workdir is in a store, if it brings a scheduler.
    pub reach: Reach,
}

/// The most entries of any list, and the most bytes of any text, in a description.
const MOST_ENTRIES: usize = 512;
const MOST_TEXT: usize = 1024;

/// Checks the answer of `about.describe`.
pub(super) fn checked(said: about::Description, interfaces: Interfaces) -> Result<Description, Problem> {
    let bad = |what: String| Problem::BadDescription { what };
    if !is_name(&said.name) {
        return Err(bad(format!(
            "the name `{}`; a name is 1 to 32 of a-z, 0-9, `-`, `_`, starting with a letter",
            said.name.escape_debug().take(100).collect::<String>()
        )));
    }
    if said.name == "local" {
        return Err(bad(
            "the name `local`, which is taken by the native scheduler".to_owned()
        ));
    }
    for (field, length) in [
        ("rights", said.rights.len()),
        ("hooks", said.hooks.len()),
        ("options", said.options.len()),
        ("attributes", said.attributes.len()),
    ] {
        if length > MOST_ENTRIES {
            return Err(bad(format!("{length} {field}, where {MOST_ENTRIES} are the most")));
        }
    }
    let hooks = said.hooks.iter().copied().map(hook).collect();
    check_hooks(&said.name, hooks, interfaces)?;
    Ok(Description {
        version: text("version", said.version)?,
        summary: text("summary", said.summary)?,
        rights: said.rights.into_iter().map(right).collect::<Result<_, _>>()?,
        hooks,
        options: options(said.options)?,
        limits: LimitOverrides {
            memory_mib: said.limits.memory_mib,
            call: said.limits.call_ms.map(|ms| Duration::from_millis(ms.into())),
            instances: said.limits.instances,
            ..LimitOverrides::default()
        },
        priority: said.priority,
        preferences: preferences(&said.attributes)?,
        reach: reach(&said.attributes)?,
        name: said.name,
    })
}

/// The longest pause between two questions that a plugin can ask for.
const LONGEST_PAUSE_MS: u32 = 600_000;

/// What the attributes say. Those that nobody knows yet say nothing.
fn preferences(attributes: &[(String, String)]) -> Result<Preferences, Problem> {
    let mut preferences = Preferences::default();
    for (name, value) in attributes {
        match name.as_str() {
            "jobs-per-submit" => preferences.jobs_per_submit = Some(number(name, value, u32::MAX)?),
            "poll-ms" => {
                let pause = number(name, value, LONGEST_PAUSE_MS)?;
                preferences.poll_pause = Duration::from_millis(pause.get().into());
            }
            "zero-is-final" => preferences.zero_is_final = value == "true",
            _ => {}
        }
    }
    Ok(preferences)
}

/// What they say about workdirs in stores.
fn reach(attributes: &[(String, String)]) -> Result<Reach, Problem> {
    let mut reach = Reach::default();
    for (name, value) in attributes {
        match name.as_str() {
            "carries" => reach.carries = value == "true",
            "mounts-workdir-at" => {
                let what = || {
                    format!(
                        "`{}` for the attribute `{name}`, which is an absolute path",
                        value.escape_debug()
                    )
                };
                let path = plain_path(value).ok_or_else(|| Problem::BadDescription { what: what() })?;
                reach.mounts_at = Some(path);
            }
            _ => {}
        }
    }
    Ok(reach)
}

fn number(name: &str, value: &str, most: u32) -> Result<NonZeroU32, Problem> {
    let number = value.parse().ok().filter(|number: &NonZeroU32| number.get() <= most);
    number.ok_or_else(|| {
        let shown: String = value.escape_debug().take(100).collect();
        let what = format!("`{shown}` for the attribute `{name}`, which is a number from 1 to {most}");
        Problem::BadDescription { what }
    })
}

/// One line without surprises for a terminal.
fn text(field: &str, text: String) -> Result<String, Problem> {
    if text.len() > MOST_TEXT || text.chars().any(char::is_control) {
        let what = format!("a {field} that has control characters, or more than {MOST_TEXT} bytes");
        return Err(Problem::BadDescription { what });
    }
    Ok(text)
}

fn right(asked: about::Right) -> Result<Right, Problem> {
    let (kind, value) = match asked {
        about::Right::Run(command) => ("run", command),
        about::Right::Read(folder) => ("read", folder),
        about::Right::Write(folder) => ("write", folder),
        about::Right::Net(host) => ("net", host),
        about::Right::Env(name) => ("env", name),
        about::Right::Script => return Ok(Right::Script),
    };
    let value = text(kind, value)?;
    Right::new(kind, &value).map_err(Problem::BadRight)
}

fn options(said: Vec<about::OptionInfo>) -> Result<Vec<OptionInfo>, Problem> {
    let mut seen = HashSet::new();
    let mut options = Vec::with_capacity(said.len());
    for option in said {
        let name = option.name;
        let shaped = name.len() <= 64
            && name.starts_with(|first: char| first.is_ascii_lowercase())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if !shaped {
            let shown: String = name.escape_debug().take(100).collect();
            let what = format!("the option `{shown}`; option names are lower-case words joined by `-`");
            return Err(Problem::BadDescription { what });
        }
        if !seen.insert(name.clone()) {
            return Err(Problem::BadDescription {
                what: format!("the option `{name}` twice"),
            });
        }
        options.push(OptionInfo {
            name,
            summary: text("summary of an option", option.summary)?,
            default: option
                .default
                .map(|default| text("default of an option", default))
                .transpose()?,
            repeatable: option.repeatable,
        });
    }
    Ok(options)
}

/// The interfaces through which a hook is called.
pub(super) const fn interfaces_of(hook: Hook) -> &'static [Interface] {
    match hook {
        Hook::Shutdown => &[Interface::Observer, Interface::Gatekeeper],
        Hook::JobSubmitting | Hook::JobKilling => &[Interface::Gatekeeper],
        Hook::JobcmdInit | Hook::JobcmdPrep | Hook::JobcmdEnd => &[Interface::Snippets],
        _ => &[Interface::Observer],
    }
}

/// The hooks of a plugin that are called through one interface.
pub(crate) fn hooks_through(hooks: HookSet, interfaces: Interfaces, through: Interface) -> HookSet {
    let called = |hook: &Hook| interfaces.contains(through) && interfaces_of(*hook).contains(&through);
    hooks.iter().filter(called).collect()
}

fn check_hooks(plugin: &str, hooks: HookSet, interfaces: Interfaces) -> Result<(), Problem> {
    for hook in hooks.iter() {
        let through = interfaces_of(hook);
        if !through.iter().any(|interface| interfaces.contains(*interface)) {
            let interface = through.first().copied().unwrap_or(Interface::Observer);
            return Err(Problem::HookWithoutInterface { hook, interface });
        }
    }
    for interface in interfaces.iter().filter(|interface| *interface != Interface::Scheduler) {
        if hooks_through(hooks, interfaces, interface) == HookSet::default() {
            tracing::warn!(
                plugin,
                "exports {interface} but subscribes to none of its hooks, so it is never called there"
            );
        }
    }
    Ok(())
}

const fn hook(hook: about::Hook) -> Hook {
    match hook {
        about::Hook::Init => Hook::Init,
        about::Hook::Shutdown => Hook::Shutdown,
        about::Hook::JobInit => Hook::JobInit,
        about::Hook::JobQueued => Hook::JobQueued,
        about::Hook::JobSubmitting => Hook::JobSubmitting,
        about::Hook::JobSubmitted => Hook::JobSubmitted,
        about::Hook::JobStarted => Hook::JobStarted,
        about::Hook::JobPolling => Hook::JobPolling,
        about::Hook::JobKilling => Hook::JobKilling,
        about::Hook::JobKilled => Hook::JobKilled,
        about::Hook::JobFailed => Hook::JobFailed,
        about::Hook::JobSucceeded => Hook::JobSucceeded,
        about::Hook::JobcmdInit => Hook::JobcmdInit,
        about::Hook::JobcmdPrep => Hook::JobcmdPrep,
        about::Hook::JobcmdEnd => Hook::JobcmdEnd,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said() -> about::Description {
        about::Description {
            name: "p".into(),
            version: "1".into(),
            summary: "s".into(),
            rights: vec![about::Right::Run("sbatch".into())],
            hooks: vec![about::Hook::Shutdown],
            options: vec![option("a-b")],
            limits: about::Limits {
                memory_mib: None,
                call_ms: Some(7),
                instances: None,
            },
            priority: 3,
            attributes: vec![],
        }
    }

    fn option(name: &str) -> about::OptionInfo {
        about::OptionInfo {
            name: name.into(),
            summary: "s".into(),
            default: None,
            repeatable: false,
        }
    }

    fn with(interface: Interface) -> Interfaces {
        Interfaces::default().with(interface)
    }

    fn problem(change: impl FnOnce(&mut about::Description)) -> String {
        let mut said = said();
        change(&mut said);
        checked(said, with(Interface::Observer)).unwrap_err().to_string()
    }

    #[test]
    fn a_good_description_passes() {
        let description = checked(said(), with(Interface::Gatekeeper)).unwrap();
        assert_eq!(description.limits.call, Some(Duration::from_millis(7)));
        assert_eq!(description.hooks.iter().collect::<Vec<_>>(), [Hook::Shutdown]);
    }

    #[test]
    fn names_are_checked() {
        assert!(problem(|said| said.name = "local".into()).contains("native scheduler"));
        assert!(problem(|said| said.name = "Bad\u{1b}".into()).contains("Bad\\u{1b}"));
        assert!(problem(|said| said.name = "a".repeat(33)).contains("1 to 32"));
        assert!(problem(|said| said.options.push(option("a-b"))).contains("`a-b` twice"));
        assert!(problem(|said| said.options.push(option("a_b"))).contains("lower-case words"));
    }

    #[test]
    fn texts_and_rights_are_checked() {
        assert!(problem(|said| said.summary = "a\nb".into()).contains("control characters"));
        assert!(problem(|said| said.version = "a".repeat(2000)).contains("1024 bytes"));
        assert!(problem(|said| said.rights.push(about::Right::Run("/bin/sh".into()))).contains("looked for on PATH"));
        assert!(problem(|said| said.rights.push(about::Right::Env(String::new()))).contains("needs values"));
        assert!(problem(|said| said.rights = vec![about::Right::Script; 600]).contains("600 rights"));
    }

    #[test]
    fn a_hook_needs_its_interface() {
        let error = problem(|said| said.hooks.push(about::Hook::JobcmdPrep));
        insta::assert_snapshot!(error, @"it subscribes to on_jobcmd_prep but does not export `xqute:plugin/snippets`; this is a mistake in the plugin");
    }
}

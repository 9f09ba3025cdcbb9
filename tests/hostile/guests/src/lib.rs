//! What hostile plugins share. Each of them is one file in `examples/`, tries one thing, and is named after it; the tests
//! beside this folder say what comes of it. All are called `hostile`, as their package is.
//!
//! Those whose names start with `wasi_` need files, sockets or the environment, and are built with WASI.

use xqute_plugin::{Description, Hook, Limits, kv};

/// A plugin that gives this bash to each job, in the place that the hook names.
#[macro_export]
macro_rules! gives_bash {
    ($hook:ident, $code:expr) => {
        struct Hostile;

        #[::xqute_plugin::export]
        impl ::xqute_plugin::Plugin for Hostile {}

        #[::xqute_plugin::export]
        impl ::xqute_plugin::Snippets for Hostile {
            fn $hook(_: &::xqute_plugin::Job) -> Option<String> {
                Some(String::from($code))
            }
        }
    };
}

/// A plugin that does this whenever a job has succeeded.
#[macro_export]
macro_rules! on_each_success {
    ($done:expr) => {
        struct Hostile;

        #[::xqute_plugin::export]
        impl ::xqute_plugin::Plugin for Hostile {}

        #[::xqute_plugin::export]
        impl ::xqute_plugin::Observer for Hostile {
            fn on_job_succeeded(_: &::xqute_plugin::JobFact) {
                $done
            }
        }
    };
}

/// A plugin that describes itself like this, and does nothing whenever a job has succeeded.
#[macro_export]
macro_rules! describes_itself {
    ($description:expr) => {
        struct Hostile;

        impl ::xqute_plugin::bindings::about::exports::xqute::plugin::about::Guest for Hostile {
            fn describe() -> ::xqute_plugin::Description {
                $description
            }
        }

        impl ::xqute_plugin::bindings::observer::exports::xqute::plugin::observer::Guest for Hostile {
            fn observe(_: Vec<::xqute_plugin::Fact>) {}
        }

        ::xqute_plugin::bindings::about::export!(Hostile with_types_in ::xqute_plugin::bindings::about);
        ::xqute_plugin::bindings::observer::export!(Hostile with_types_in ::xqute_plugin::bindings::observer);
    };
}

/// A scheduler that runs nothing: it answers like this to `submit` and `poll`, and finds nothing.
#[macro_export]
macro_rules! schedules {
    ($submit:expr, $poll:expr) => {
        struct Hostile;

        #[::xqute_plugin::export]
        impl ::xqute_plugin::Plugin for Hostile {}

        #[::xqute_plugin::export]
        impl ::xqute_plugin::Scheduler for Hostile {
            fn submit(jobs: &[::xqute_plugin::Job]) -> Vec<Result<String, ::xqute_plugin::Error>> {
                $submit(jobs)
            }
            fn poll(
                jobs: &[::xqute_plugin::JobRef],
            ) -> Result<Vec<::xqute_plugin::Observation>, ::xqute_plugin::Error> {
                $poll(jobs)
            }
            fn cancel(jobs: &[::xqute_plugin::JobRef]) -> Vec<Result<(), ::xqute_plugin::Error>> {
                jobs.iter().map(|_| Ok(())).collect()
            }
        }
    };
}

/// A plugin that may give bash, subscribes to `jobcmd_init` alone, and gives these scripts to so many jobs.
#[macro_export]
macro_rules! gives_scripts {
    ($scripts:expr) => {
        struct Hostile;

        impl ::xqute_plugin::bindings::about::exports::xqute::plugin::about::Guest for Hostile {
            fn describe() -> ::xqute_plugin::Description {
                ::xqute_plugin::Description {
                    rights: vec![::xqute_plugin::Right::Script],
                    ..$crate::description(&[::xqute_plugin::Hook::JobcmdInit])
                }
            }
        }

        impl ::xqute_plugin::bindings::snippets::exports::xqute::plugin::snippets::Guest for Hostile {
            fn provide(jobs: Vec<::xqute_plugin::Job>) -> Vec<::xqute_plugin::Script> {
                $scripts(jobs.len())
            }
        }

        ::xqute_plugin::bindings::about::export!(Hostile with_types_in ::xqute_plugin::bindings::about);
        ::xqute_plugin::bindings::snippets::export!(Hostile with_types_in ::xqute_plugin::bindings::snippets);
    };
}

/// A plugin that is asked about each submission, and gives these verdicts.
#[macro_export]
macro_rules! gives_verdicts {
    ($verdicts:expr) => {
        struct Hostile;

        impl ::xqute_plugin::bindings::about::exports::xqute::plugin::about::Guest for Hostile {
            fn describe() -> ::xqute_plugin::Description {
                $crate::description(&[::xqute_plugin::Hook::JobSubmitting])
            }
        }

        impl ::xqute_plugin::bindings::gatekeeper::exports::xqute::plugin::gatekeeper::Guest for Hostile {
            fn decide(_: Vec<::xqute_plugin::Question>) -> Vec<::xqute_plugin::Verdict> {
                $verdicts
            }
        }

        ::xqute_plugin::bindings::about::export!(Hostile with_types_in ::xqute_plugin::bindings::about);
        ::xqute_plugin::bindings::gatekeeper::export!(Hostile with_types_in ::xqute_plugin::bindings::gatekeeper);
    };
}

/// A plugin that asks for this right to the folder `granted`, and does this with each path that it is told to try.
#[macro_export]
macro_rules! tries_paths {
    ($right:ident, $done:expr) => {
        struct Hostile;

        #[::xqute_plugin::export]
        impl ::xqute_plugin::Plugin for Hostile {
            fn about(about: ::xqute_plugin::About) -> ::xqute_plugin::About {
                about
                    .list_option("try", "what to try")
                    .asks_for(::xqute_plugin::Right::$right("granted".to_owned()))
            }
        }

        #[::xqute_plugin::export]
        impl ::xqute_plugin::Observer for Hostile {
            fn on_init() {
                use ::xqute_plugin::Lookup as _;
                for path in ::xqute_plugin::run::options().values("try") {
                    $done(path);
                }
            }
        }
    };
}

/// A plugin that was granted nothing, does this with the address that it is told, and logs what comes of it.
#[macro_export]
macro_rules! tries_address {
    ($done:expr) => {
        struct Hostile;

        #[::xqute_plugin::export]
        impl ::xqute_plugin::Plugin for Hostile {
            fn about(about: ::xqute_plugin::About) -> ::xqute_plugin::About {
                about.option("address", "where to")
            }
        }

        #[::xqute_plugin::export]
        impl ::xqute_plugin::Observer for Hostile {
            fn on_init() {
                use ::xqute_plugin::Lookup as _;
                let options = ::xqute_plugin::run::options();
                let address = options.value("address").unwrap_or_default();
                ::xqute_plugin::log::warn!("found {:?}", $done(address));
            }
        }
    };
}

/// Whether this is one of the first times that the plugin asks.
pub fn is_early() -> bool {
    const ASKED: &str = "asked";
    let before = kv::get(ASKED).and_then(|bytes| bytes.first().copied());
    let times = before.unwrap_or_default().saturating_add(1);
    let _fits = kv::set(ASKED, [times]);
    times < 5
}

/// A harmless description with these hooks.
pub fn description(hooks: &[Hook]) -> Description {
    Description {
        name: "hostile".to_owned(),
        version: "1".to_owned(),
        summary: "Looks harmless".to_owned(),
        rights: Vec::new(),
        hooks: hooks.to_vec(),
        options: Vec::new(),
        limits: Limits {
            memory_mib: None,
            call_ms: None,
            instances: None,
        },
        priority: 0,
        attributes: Vec::new(),
    }
}

//! Looks at environment variables and arguments that nobody gave it.

use std::env;

use xqute_plugin::prelude::*;

xqute_hostile::on_each_success!({
    let all: Vec<_> = env::vars().collect();
    log::warn!(
        "sees {all:?} {:?} {:?}",
        env::args().collect::<Vec<_>>(),
        env::current_dir()
    );
});

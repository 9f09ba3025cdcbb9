//! Hands forty megabytes to the log at once.

use xqute_plugin::prelude::*;

xqute_hostile::on_each_success!({
    log::info!("{}", "x".repeat(40 << 20));
});

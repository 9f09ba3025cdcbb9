//! Logs without end.

use xqute_plugin::prelude::*;

xqute_hostile::on_each_success!({
    loop {
        log::info!("{}", "la".repeat(4000));
    }
});

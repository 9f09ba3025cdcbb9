//! Asks the host for the time, again and again, so that most of its time is spent in the host.

use xqute_plugin::prelude::*;

xqute_hostile::on_each_success!({
    loop {
        clock::now();
    }
});

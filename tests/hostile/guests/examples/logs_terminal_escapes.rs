//! Writes to the log what would clear the terminal.

use xqute_plugin::prelude::*;

xqute_hostile::on_each_success!(log::error!("\u{1b}[2J\u{1b}]0;owned\u{7}\r\nerror: all is lost\0"));

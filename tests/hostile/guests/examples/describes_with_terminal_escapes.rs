//! Has a summary that would clear the terminal.

use xqute_hostile::description;
use xqute_plugin::{Description, Hook};

xqute_hostile::describes_itself!(Description {
    summary: "\u{1b}[2J\nerror: owned".to_owned(),
    ..description(&[Hook::JobSucceeded])
});

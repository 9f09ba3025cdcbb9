//! Has a name that would clear the terminal.

use xqute_hostile::description;
use xqute_plugin::{Description, Hook};

xqute_hostile::describes_itself!(Description {
    name: "\u{1b}[2Jfine".to_owned(),
    ..description(&[Hook::JobSucceeded])
});

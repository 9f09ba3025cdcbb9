//! Asks for a folder whose name would clear the terminal, so that the wrong thing is granted.

use xqute_hostile::description;
use xqute_plugin::{Description, Hook, Right};

xqute_hostile::describes_itself!(Description {
    rights: vec![Right::Read("/\u{1b}[2K/harmless".to_owned())],
    ..description(&[Hook::JobSucceeded])
});

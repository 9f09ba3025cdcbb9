//! Asks for a million rights.

use xqute_hostile::description;
use xqute_plugin::{Description, Hook, Right};

xqute_hostile::describes_itself!(Description {
    rights: vec![Right::Script; 1_000_000],
    ..description(&[Hook::JobSucceeded])
});

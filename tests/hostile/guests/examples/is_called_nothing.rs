//! Has no name.

use xqute_hostile::description;
use xqute_plugin::{Description, Hook};

xqute_hostile::describes_itself!(Description {
    name: String::new(),
    ..description(&[Hook::JobSucceeded])
});

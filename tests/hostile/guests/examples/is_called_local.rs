//! Takes the name of the native scheduler.

use xqute_hostile::description;
use xqute_plugin::{Description, Hook};

xqute_hostile::describes_itself!(Description {
    name: "local".to_owned(),
    ..description(&[Hook::JobSucceeded])
});

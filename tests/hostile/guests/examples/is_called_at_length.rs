//! Has a name of a megabyte.

use xqute_hostile::description;
use xqute_plugin::{Description, Hook};

xqute_hostile::describes_itself!(Description {
    name: "a".repeat(1 << 20),
    ..description(&[Hook::JobSucceeded])
});

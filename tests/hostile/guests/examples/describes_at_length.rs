//! Has a summary of forty megabytes.

use xqute_hostile::description;
use xqute_plugin::{Description, Hook};

xqute_hostile::describes_itself!(Description {
    summary: "x".repeat(40 << 20),
    ..description(&[Hook::JobSucceeded])
});

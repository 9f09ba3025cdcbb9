//! Subscribes to a million hooks.

use xqute_hostile::description;
use xqute_plugin::Hook;

xqute_hostile::describes_itself!(description(&vec![Hook::JobSucceeded; 1_000_000]));

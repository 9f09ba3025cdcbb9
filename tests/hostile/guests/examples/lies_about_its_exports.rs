//! Subscribes to hooks of an interface that it does not export.

use xqute_hostile::description;
use xqute_plugin::Hook;

xqute_hostile::describes_itself!(description(&[Hook::JobSucceeded, Hook::JobcmdInit]));

//! Crashes when it is asked who it is.

xqute_hostile::describes_itself!(std::process::abort());

//! Ends its own process when it is asked who it is.

xqute_hostile::describes_itself!(std::process::exit(0));

//! Puts a trap of its own in the place of the one that records the end, and ends the script.

xqute_hostile::gives_bash!(on_jobcmd_init, "trap 'touch trapped' EXIT; exit 0");

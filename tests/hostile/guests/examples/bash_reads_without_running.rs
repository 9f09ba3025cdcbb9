//! Lets bash read the rest of the script without running it.

xqute_hostile::gives_bash!(on_jobcmd_init, "set -n");

//! Sets the exit code before the command has one.

xqute_hostile::gives_bash!(on_jobcmd_init, "xqute_rc=0 rc=0");

//! Sets the exit code before the command has one, for ever.

xqute_hostile::gives_bash!(on_jobcmd_init, "readonly xqute_rc=0 rc=0");

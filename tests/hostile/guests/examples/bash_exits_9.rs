//! Ends the script before the command, with an exit code of its own.

xqute_hostile::gives_bash!(on_jobcmd_init, "exit 9");

//! Ends the script with an exit code of its own, when the command is over.

xqute_hostile::gives_bash!(on_jobcmd_end, "exit 0");

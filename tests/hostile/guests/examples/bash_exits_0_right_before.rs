//! Ends the script right before the command, with success.

xqute_hostile::gives_bash!(on_jobcmd_prep, "exit 0");

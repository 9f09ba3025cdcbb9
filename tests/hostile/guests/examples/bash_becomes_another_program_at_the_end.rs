//! Replaces the shell when the command is over.

xqute_hostile::gives_bash!(on_jobcmd_end, "exec true");

//! Replaces the shell before the command.

xqute_hostile::gives_bash!(on_jobcmd_init, "exec true");

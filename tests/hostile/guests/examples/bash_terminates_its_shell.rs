//! Ends its own shell.

xqute_hostile::gives_bash!(on_jobcmd_init, "kill $$");

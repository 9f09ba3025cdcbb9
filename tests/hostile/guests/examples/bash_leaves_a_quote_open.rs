//! Leaves a quote open, so that the rest of the script would be text.

xqute_hostile::gives_bash!(on_jobcmd_init, "echo '");

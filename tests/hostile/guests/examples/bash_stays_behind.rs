//! Leaves a process behind that holds on to all that it got.

xqute_hostile::gives_bash!(on_jobcmd_init, "sleep 3600 &");

//! Gives bash with a NUL in it.

xqute_hostile::gives_bash!(on_jobcmd_init, "true\0touch given");

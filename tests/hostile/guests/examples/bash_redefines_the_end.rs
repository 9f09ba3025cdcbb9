//! Redefines the function that records the end.

xqute_hostile::gives_bash!(on_jobcmd_init, "xqute_finish() { xqute_rc=0; }");

//! Changes the exit code when it is known.

xqute_hostile::gives_bash!(on_jobcmd_end, "rc=0 xqute_rc=0");

//! Never ends.

xqute_hostile::gives_bash!(on_jobcmd_init, "while :; do sleep 3600; done");

//! Closes all its files.

xqute_hostile::gives_bash!(on_jobcmd_init, "exec 0<&- 1>&- 2>&-");

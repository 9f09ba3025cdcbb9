//! Returns from wherever it is.

xqute_hostile::gives_bash!(on_jobcmd_init, "return 5");

//! Returns from the function that records the end.

xqute_hostile::gives_bash!(on_jobcmd_end, "return 5");

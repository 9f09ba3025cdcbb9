//! Closes a block that it never opened.

xqute_hostile::gives_bash!(on_jobcmd_init, "true; } fi; done");

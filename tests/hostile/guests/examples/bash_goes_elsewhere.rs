//! Starts the job in another folder.

xqute_hostile::gives_bash!(on_jobcmd_init, "cd /");

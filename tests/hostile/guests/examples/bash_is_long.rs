//! Gives one byte more than a snippet may have.

xqute_hostile::gives_bash!(on_jobcmd_init, "#".repeat(64 * 1024 + 1));

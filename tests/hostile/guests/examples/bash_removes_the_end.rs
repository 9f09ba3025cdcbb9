//! Removes the function that records the end, and all that it could.

xqute_hostile::gives_bash!(on_jobcmd_init, "unset -f xqute_finish; unset -v cmd rc xqute_rc");

//! Leaves a block and a function open.

xqute_hostile::gives_bash!(on_jobcmd_init, "f() { if true; then");

//! Makes every failure and unset variable the end of the script.

xqute_hostile::gives_bash!(on_jobcmd_init, "set -eu");

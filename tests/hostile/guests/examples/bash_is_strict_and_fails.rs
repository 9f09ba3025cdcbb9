//! Makes every failure the end of the script, and fails.

xqute_hostile::gives_bash!(on_jobcmd_init, "set -e; false");

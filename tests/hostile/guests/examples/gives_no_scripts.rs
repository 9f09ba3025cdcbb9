//! Is asked for bash, and gives none to anybody.

xqute_hostile::gives_scripts!(|_| Vec::new());

//! Makes the tests of one backend. Each file in `backends/` says `suite! { BACKEND; CAPABILITY, ... }`, and has the tests
//! of all backends and those of its capabilities; the list is written once and is also what the code asks.

/// The tests of a backend, in the module where this stands.
macro_rules! suite {
    ($backend:expr; $($capability:ident $(($with:expr))?),* $(,)?) => {
        /// The backend of this module.
        pub(crate) static BACKEND: crate::backend::Backend = crate::backend::Backend {
            can: &[$(crate::backend::Capability::$capability $(($with))?),*],
            ..$backend
        };
        static MEDLEY: crate::medley::Once = crate::medley::Once::new();

        seen!(ends: exit_codes_come_back, a_signal_that_ends_the_command_comes_back);
        seen!(output: every_byte_comes_back, a_megabyte_comes_back);
        seen!(surroundings: arguments_arrive_as_they_are, a_job_has_its_variables, a_job_starts_where_it_is_told_to,
            nothing_is_on_standard_input);
        seen!(strategies: what_fails_is_tried_again);
        alone!(strategies: a_failure_halts_the_others);
        alone!(scripts: bash_of_users_and_plugins_runs_in_order);
        alone!(dry_run: nothing_is_started_in_a_dry_run);
        alone!(many: each_of_many_jobs_runs_once);
        alone!(limits: a_job_that_runs_too_long_is_ended);
        alone!(cancelling: one_of_many_jobs_is_cancelled, an_interrupt_ends_one_run_and_not_another);
        alone!(lost: a_job_that_is_taken_away_ends_and_others_go_on);
        alone!(crashes: what_runs_is_adopted_after_a_crash, a_crash_while_jobs_are_submitted_loses_none);
        $(suite!(@ $capability);)*
    };

    (@ AnyName) => {
        seen!(surroundings: odd_names_are_no_trouble);
    };
    (@ TellsSignals) => {};
    (@ Refuses) => {
        seen!(refusals: a_job_that_is_refused_fails_alone);
    };
    (@ TimeLimit) => {
        alone!(limits: the_backends_time_limit_is_told);
    };
    (@ MemoryLimit) => {
        alone!(limits: too_much_memory_is_told);
    };
    (@ Requeues) => {
        alone!(moved: a_job_that_is_started_again_stays_the_same_attempt);
    };
    (@ Preempts) => {
        alone!(moved: a_job_that_is_preempted_is_tried_again);
    };
    (@ Outage) => {
        undisturbed!(outage: an_outage_is_waited_out);
    };
}

/// Tests that look at the medley.
macro_rules! seen {
    ($subject:ident: $($case:ident),*) => {$(
        #[test]
        fn $case() {
            if let Some(medley) = MEDLEY.get(&BACKEND, stringify!($case)) {
                crate::cases::$subject::$case(medley);
            }
        }
    )*};
}

/// Tests that have runs of their own, beside others at the same backend.
macro_rules! alone {
    ($subject:ident: $($case:ident),*) => {$(
        #[test]
        fn $case() {
            if let Some(bench) = crate::bench::Bench::beside_others(&BACKEND, stringify!($case)) {
                crate::cases::$subject::$case(&bench);
            }
        }
    )*};
}

/// Tests that nobody else at the same backend could stand.
macro_rules! undisturbed {
    ($subject:ident: $($case:ident),*) => {$(
        #[test]
        fn $case() {
            if let Some(bench) = crate::bench::Bench::undisturbed(&BACKEND, stringify!($case)) {
                crate::cases::$subject::$case(&bench);
            }
        }
    )*};
}

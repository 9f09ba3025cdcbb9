//! Which options of `sbatch` there are: plain data, in the order of the alphabet. What is made of them is in `options`.
//!
//! The list holds the long options of Slurm 22.05 and those that came with later versions; a Slurm that does not know one
//! of these says so when the first job is submitted.

/// What an option wants to have behind its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// `--partition=short`.
    Value,
    /// `--exclusive` or `--exclusive=user`.
    MaybeValue,
    /// `--contiguous`.
    Nothing,
}

/// One option of `sbatch` that users may give.
pub(crate) struct Known {
    pub(crate) name: &'static str,
    pub(crate) takes: Takes,
    pub(crate) summary: &'static str,
}

/// One option of `sbatch` that users may not give, and what to do instead.
pub(crate) struct Refused {
    pub(crate) name: &'static str,
    pub(crate) instead: &'static str,
}

const fn value(name: &'static str, summary: &'static str) -> Known {
    Known {
        name,
        takes: Takes::Value,
        summary,
    }
}

const fn maybe(name: &'static str, summary: &'static str) -> Known {
    Known {
        name,
        takes: Takes::MaybeValue,
        summary,
    }
}

const fn flag(name: &'static str, summary: &'static str) -> Known {
    Known {
        name,
        takes: Takes::Nothing,
        summary,
    }
}

const fn refused(name: &'static str, instead: &'static str) -> Refused {
    Refused { name, instead }
}

pub(crate) const KNOWN: &[Known] = &[
    value("account", "charge the jobs to this account"),
    value("acctg-freq", "how often accounting data is gathered"),
    value("batch", "node features that the first node must have"),
    value("bb", "burst buffer specification"),
    value("bbf", "file with a burst buffer specification"),
    value("begin", "do not start before this time"),
    value("cluster-constraint", "features of the clusters of a federation"),
    value(
        "comment",
        "a comment of your own; xqute adds a word by which it finds the job again",
    ),
    value("constraint", "node features that are needed"),
    value("container", "path to an OCI container bundle"),
    value("container-id", "OCI container id"),
    flag("contiguous", "demand a contiguous range of nodes"),
    value("core-spec", "cores that are reserved for the system"),
    value("cores-per-socket", "cores per socket that are needed"),
    value("cpu-freq", "processor frequency and governor"),
    value("cpus-per-gpu", "processors for each GPU"),
    value("cpus-per-task", "processors for each task"),
    value("deadline", "drop a job that cannot end before this time"),
    value("delay-boot", "minutes to wait before nodes are rebooted for a feature"),
    value("dependency", "start only when this holds, as TYPE:JOBID"),
    value("distribution", "how tasks are spread over nodes"),
    value("exclude", "nodes that must not be used"),
    maybe(
        "exclusive",
        "do not share nodes with other jobs, or only as the value says",
    ),
    value("export", "environment variables that jobs see: ALL, NONE or names"),
    value("extra", "arbitrary text for the site's scheduling plugins"),
    value(
        "extra-node-info",
        "sockets, cores and threads that are needed, as S:C:T",
    ),
    maybe("get-user-env", "load the user's login environment"),
    value("gpu-bind", "how tasks are bound to GPUs"),
    value("gpu-freq", "frequency of GPUs"),
    value("gpus", "GPUs for the job"),
    value("gpus-per-node", "GPUs on each node"),
    value("gpus-per-socket", "GPUs for each socket"),
    value("gpus-per-task", "GPUs for each task"),
    value("gres", "generic resources that are needed"),
    value("gres-flags", "how generic resources are handled"),
    value("hint", "how tasks are bound, as a hint"),
    flag("hold", "submit jobs in held state; release them with scontrol"),
    flag("ignore-pbs", "ignore #PBS and #BSUB lines"),
    value(
        "kill-on-invalid-dep",
        "whether a job whose dependency cannot hold any more is ended: yes or no",
    ),
    value("licenses", "licenses that are needed"),
    value("mail-type", "when Slurm sends mail: BEGIN, END, FAIL, ALL and others"),
    value("mail-user", "who gets the mail"),
    value("mcs-label", "security label"),
    value("mem", "memory for each node, as 4G"),
    value("mem-bind", "how tasks are bound to memory"),
    value("mem-per-cpu", "memory for each processor"),
    value("mem-per-gpu", "memory for each GPU"),
    value("mincpus", "least number of processors on each node"),
    value("network", "network type and features"),
    maybe("nice", "lower the priority by this much"),
    maybe("no-kill", "do not end the job when one of its nodes fails"),
    flag("no-requeue", "never start the job again under the same id"),
    value("nodefile", "file with the names of the nodes to use"),
    value("nodelist", "nodes that must be used"),
    value("nodes", "number of nodes, as MIN or MIN-MAX"),
    value("ntasks", "number of tasks"),
    value("ntasks-per-core", "tasks on each core"),
    value("ntasks-per-gpu", "tasks for each GPU"),
    value("ntasks-per-node", "tasks on each node"),
    value("ntasks-per-socket", "tasks on each socket"),
    maybe(
        "oom-kill-step",
        "whether running out of memory ends the whole step: 0 or 1",
    ),
    flag("overcommit", "put more than one task on a processor"),
    flag("oversubscribe", "share resources with other jobs"),
    value("partition", "partition, or several joined by commas"),
    value("power", "power management flags"),
    value("prefer", "node features that are preferred"),
    value("priority", "the job's priority; needs a privilege"),
    value("profile", "which profiling data is gathered"),
    maybe("propagate", "which resource limits are handed on"),
    value("qos", "quality of service"),
    flag("reboot", "reboot the nodes before the job starts"),
    flag("requeue", "allow Slurm to start the job again under the same id"),
    value("reservation", "reservation to use"),
    maybe("resv-ports", "reserve communication ports"),
    value("segment", "segment size for block topologies"),
    value("signal", "signal to send before the time limit, as [B:]SIG@SECONDS"),
    value("sockets-per-node", "sockets on each node"),
    flag("spread-job", "spread the job over as many nodes as possible"),
    flag("stepmgr", "let the job manage its own steps"),
    value("switches", "most leaf switches, as COUNT@MAX-TIME"),
    value("thread-spec", "threads that are reserved for the system"),
    value("threads-per-core", "threads on each core"),
    value("time", "time limit, as MINUTES, H:M:S or D-H:M:S"),
    value("time-min", "least time limit that is acceptable"),
    value("tmp", "temporary disk space on each node"),
    value("tres-bind", "how resources are bound to tasks"),
    value("tres-per-task", "trackable resources for each task"),
    flag("use-min-nodes", "prefer fewer nodes when a range is given"),
    value(
        "wait-all-nodes",
        "whether the job waits until all of its nodes are ready: 0 or 1",
    ),
    value("wckey", "workload characterization key"),
];

pub(crate) const REFUSED: &[Refused] = &[
    refused("array", "feed one job for each task of the array"),
    refused("chdir", "use --cwd, or `cwd` in a job of a .jsonl file"),
    refused(
        "cluster",
        "set SLURM_CLUSTERS in the environment of xqute, so that squeue and scancel see it too",
    ),
    refused(
        "clusters",
        "set SLURM_CLUSTERS in the environment of xqute, so that squeue and scancel see it too",
    ),
    refused(
        "error",
        "the job's stderr is in job.stderr of its directory, Slurm's own messages are in job.slurm",
    ),
    refused("export-file", "use --env, or `env` in a job of a .jsonl file"),
    refused("gid", "run xqute with that group"),
    refused("input", "redirect the input in the job's command"),
    refused("job-name", "use --jobname-prefix, or `name` in a job of a .jsonl file"),
    refused(
        "open-mode",
        "the files in a job's directory are written anew by each attempt",
    ),
    refused(
        "output",
        "the job's stdout is in job.stdout of its directory, Slurm's own messages are in job.slurm",
    ),
    refused("parsable", "it is in use already"),
    refused("test-only", "nothing would be submitted"),
    refused("uid", "run xqute as that user"),
    refused("wait", "xqute waits for all of its jobs"),
    refused("wrap", "give the command as a job"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_given_once() {
        let names: Vec<_> = KNOWN.iter().map(|known| known.name).collect();
        assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
        let refused: Vec<_> = REFUSED.iter().map(|refused| refused.name).collect();
        assert!(refused.is_sorted_by(|a, b| a < b), "{refused:?}");
        assert!(refused.iter().all(|name| !names.contains(name)));
    }

    /// `sbatch --help` of 22.05, as it was captured: whoever leaves an option out should know it.
    #[test]
    fn every_option_of_the_help_text_is_known_or_refused() {
        const LEFT_OUT: [&str; 5] = ["help", "quiet", "usage", "verbose", "version"];
        let help = include_str!("../fixtures/sbatch-help.txt");
        let mut seen = 0;
        for line in help.lines().filter(|line| line.starts_with("  ")) {
            // `  -p, --partition=...` or `      --mem=...`; what is further right is prose.
            let Some((_, rest)) = line.split_once("--").filter(|(before, _)| before.len() <= 6) else {
                continue;
            };
            let name: String = rest
                .chars()
                .take_while(|c| c.is_ascii_lowercase() || *c == '-')
                .collect();
            let listed = KNOWN.iter().any(|known| known.name == name)
                || REFUSED.iter().any(|refused| refused.name == name)
                || LEFT_OUT.contains(&name.as_str());
            assert!(listed, "--{name} is in no list");
            seen += 1;
        }
        assert!(seen > 80, "only {seen} options found in the help text");
    }
}

//! The programs that run containers, and in what they differ. docker and podman keep containers and answer questions about
//! them; apptainer and singularity just run a command.

use xqute_plugin::Error;

/// What the option `bin` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Docker,
    Podman,
    Apptainer,
    Singularity,
}

impl Engine {
    pub(crate) const ALL: [Self; 4] = [Self::Docker, Self::Podman, Self::Apptainer, Self::Singularity];

    /// The program's name, as found on `PATH`.
    pub(crate) fn program(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
            Self::Apptainer => "apptainer",
            Self::Singularity => "singularity",
        }
    }

    /// Whether it keeps containers that have names and can be listed.
    pub(crate) fn keeps_containers(self) -> bool {
        matches!(self, Self::Docker | Self::Podman)
    }

    /// What makes it go on where one of several containers does not exist. podman stops at the first one otherwise, and
    /// `podman rm -f` even calls that a success; docker goes on by itself.
    pub(crate) fn ignore_unknown(self) -> Option<String> {
        (self == Self::Podman).then(|| "--ignore".to_owned())
    }

    /// Reads the option `bin`.
    pub(crate) fn read(text: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|engine| engine.program() == text).ok_or_else(|| {
            Error::InvalidOptions(if text.contains('/') {
                format!(
                    "`bin` is the name of a program, not a path such as `{text}`: put its folder first on PATH and say one \
                     of docker, podman, apptainer, singularity"
                )
            } else {
                format!("`bin` is one of docker, podman, apptainer, singularity, not `{text}`")
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_read_by_name() {
        for engine in Engine::ALL {
            assert_eq!(Engine::read(engine.program()), Ok(engine));
        }
        let refused = |text| Engine::read(text).unwrap_err().message().into_owned();
        assert!(refused("/usr/bin/podman").starts_with("`bin` is the name of a program, not a path"));
        assert_eq!(
            refused("lxc"),
            "`bin` is one of docker, podman, apptainer, singularity, not `lxc`"
        );
    }
}

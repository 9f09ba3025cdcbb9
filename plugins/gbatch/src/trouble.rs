//! What it means when `gcloud` fails: which sentence of what it wrote matters, and whether to ask again.

use xqute_plugin::{Error, Exit, Output};

/// How a call of `gcloud` failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Batch could not be reached, or had no answer. It may or may not have done what it was asked to do: `gcloud` tries
    /// several times before it says this.
    Unreachable(String),
    /// Batch wants to have fewer requests just now.
    Busy,
    /// There is no such thing.
    Missing(String),
    /// There is such a thing already.
    Exists,
    /// Nobody is logged in, or not any more.
    NoAccount(String),
    /// Batch, or `gcloud`, said no.
    Refusal(String),
}

/// What is made of a sentence.
type Judge = fn(String) -> Trouble;

/// What `gcloud` says, whatever the language of its user.
const SIGNS: [(Judge, &[&str]); 5] = [
    (|_| Trouble::Exists, &["ALREADY_EXISTS", "code=409"]),
    (|_| Trouble::Busy, &["RESOURCE_EXHAUSTED", "code=429", "Quota exceeded"]),
    (
        Trouble::NoAccount,
        &[
            "UNAUTHENTICATED",
            "code=401",
            "invalid authentication credentials",
            "gcloud auth login",
            "refreshing your current auth tokens",
            "Reauthentication",
        ],
    ),
    (Trouble::Missing, &["NOT_FOUND", "code=404", "was not found"]),
    (
        Trouble::Unreachable,
        &[
            "UNAVAILABLE",
            "INTERNAL:",
            "network connectivity issues",
            "DEADLINE_EXCEEDED",
            "ABORTED",
            "code=500",
            "code=502",
            "code=503",
            "code=504",
            "ConnectionError",
            "ConnectTimeout",
            "ReadTimeout",
            "Max retries exceeded",
            "SSLError",
            "TransportError",
            "Network is unreachable",
            "Name or service not known",
            "Connection reset",
            "ServerNotFoundError",
            "RemoteDisconnected",
            "Connection aborted",
            "timed out",
        ],
    ),
];

/// Judges a call; none if it did not fail.
pub(crate) fn of(output: &Output) -> Option<Trouble> {
    let stderr = output.stderr_text();
    let said = sentence(&stderr);
    match output.exit {
        Exit::Code(0) => None,
        Exit::Code(_) => {
            // Only in what it calls an error: names of jobs and warnings stand in the other lines.
            let found = SIGNS
                .iter()
                .find(|(_, signs)| signs.iter().any(|sign| has(&said, sign)));
            let judge = found.map_or(Trouble::Refusal as Judge, |(judge, _)| *judge);
            Some(judge(match said.is_empty() {
                true => "it failed and said nothing".to_owned(),
                false => said,
            }))
        }
        Exit::Signal(signal) => Some(Trouble::Unreachable(format!("gcloud was ended by signal {signal}"))),
    }
}

/// Whether a sign is there, and not within a longer word.
fn has(said: &str, sign: &str) -> bool {
    said.match_indices(sign).any(|(place, _)| {
        let before = said.get(..place).and_then(|text| text.chars().next_back());
        !before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

impl Trouble {
    /// What a question that came to this is answered with.
    pub(crate) fn of_question(self) -> Error {
        match self {
            Self::Unreachable(said) => Error::Unavailable(format!("Batch cannot be reached: {said}")),
            Self::Busy => Error::RateLimited(None),
            Self::NoAccount(said) => Error::Unavailable(format!(
                "gcloud has no account that Batch knows; log in with `gcloud auth login`, and this goes on: {said}"
            )),
            Self::Missing(said) | Self::Refusal(said) => Error::Other(format!("Batch refused to answer: {said}")),
            Self::Exists => Error::Other("Batch says that it exists already".to_owned()),
        }
    }
}

/// What `gcloud` calls an error, in one line and without decoration.
fn sentence(stderr: &str) -> String {
    let mut lines = stderr
        .lines()
        .map(str::trim)
        .skip_while(|line| !line.starts_with("ERROR:"));
    let Some(first) = lines.next() else {
        let lines = stderr.lines().map(str::trim).filter(|line| !line.is_empty());
        return lines.collect::<Vec<_>>().join("; ");
    };
    let text = first.trim_start_matches("ERROR:").trim_start();
    // `(gcloud.batch.jobs.submit) `
    let text = match text.strip_prefix('(').and_then(|rest| rest.split_once(") ")) {
        Some((_, text)) => text,
        None => text,
    };
    let text = text
        .split(" This command is ")
        .next()
        .unwrap_or(text)
        .trim_end_matches('.');
    let more = lines.take_while(|line| {
        !line.starts_with("If you would like to report") && !line.starts_with("If you have already")
    });
    let more: Vec<&str> = more.filter(|line| !line.is_empty()).collect();
    if more.is_empty() {
        text.to_owned()
    } else {
        format!("{text}. {}", more.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(stderr: &str) -> Trouble {
        let output = Output {
            exit: Exit::Code(1),
            stdout: b"[]\n".to_vec(),
            stderr: stderr.into(),
        };
        of(&output).unwrap()
    }

    #[test]
    fn real_failures_are_told_apart() {
        assert_eq!(
            failed(include_str!("../fixtures/submit-exists.stderr")),
            Trouble::Exists
        );
        assert_eq!(failed(include_str!("../fixtures/list-429.stderr")), Trouble::Busy);
        for text in [
            include_str!("../fixtures/list-401.stderr"),
            include_str!("../fixtures/list-no-account.stderr"),
        ] {
            assert!(matches!(failed(text), Trouble::NoAccount(_)), "{text}");
        }
        for text in [
            include_str!("../fixtures/list-503.stderr"),
            include_str!("../fixtures/list-down.stderr"),
        ] {
            assert!(matches!(failed(text), Trouble::Unreachable(_)), "{text}");
        }
        for (text, what) in [
            (
                include_str!("../fixtures/list-no-location.stderr"),
                "NOT_FOUND: Location nowhere is not found or access is unauthorized",
            ),
            (
                include_str!("../fixtures/cancel-unknown.stderr"),
                "ResponseError: code=404, message=Resource 'projects/xqute-test/locations/us-central1/jobs/nojob' was not found",
            ),
        ] {
            assert_eq!(failed(text), Trouble::Missing(what.to_owned()));
        }
    }

    #[test]
    fn a_refusal_carries_the_words_of_batch() {
        for (text, said) in [
            (
                include_str!("../fixtures/submit-no-runnable.stderr"),
                "INVALID_ARGUMENT: Task spec must have at least one runnable",
            ),
            (
                include_str!("../fixtures/submit-bad-type.stderr"),
                "gcloud crashed (ValidationError): Expected type (<class 'int'>,) for field maxRetryCount, found many (type <class 'str'>)",
            ),
            (
                include_str!("../fixtures/list-no-project.stderr"),
                "PERMISSION_DENIED: Permission 'batch.jobs.list' denied on 'projects/other/locations/us-central1'",
            ),
            ("", "it failed and said nothing"),
        ] {
            assert_eq!(failed(text), Trouble::Refusal(said.to_owned()));
        }
    }

    #[test]
    fn a_name_is_no_sign() {
        let text = "ERROR: (gcloud.batch.jobs.submit) INVALID_ARGUMENT: no label 'MY_NOT_FOUND' here\n";
        assert!(matches!(failed(text), Trouble::Refusal(_)));
    }

    #[test]
    fn a_killed_client_leaves_doubt_and_success_is_no_trouble() {
        let mut output = Output {
            exit: Exit::Signal(9),
            stdout: Vec::new(),
            stderr: Vec::new(),
        };
        assert!(matches!(of(&output), Some(Trouble::Unreachable(_))));
        output.exit = Exit::Code(0);
        output.stderr = b"Job x was successfully submitted.\n".to_vec();
        assert_eq!(of(&output), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_judged(text in ".*") {
            failed(&text);
        }
    }
}

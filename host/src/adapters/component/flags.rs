//! The flags that grant rights, as a user would type them into a shell.

use super::rights::Right;

/// The flags that grant exactly these rights to a plugin, quoted for a shell. Values of one kind share a flag.
pub fn flags<'a>(plugin: &str, rights: impl IntoIterator<Item = &'a Right>) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for right in rights {
        let word = format!("{plugin}:{right}");
        let shared = match (word.split_once('='), words.last_mut()) {
            (Some((kind, value)), Some(last)) if last.starts_with(&format!("{kind}=")) => {
                last.push(',');
                last.push_str(value);
                true
            }
            _ => false,
        };
        if !shared {
            words.push(word);
        }
    }
    words.iter().map(|word| format!("--allow {}", quoted(word))).collect()
}

/// shlex would quote the comma and the equals sign too.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+@%".contains(c);
    if word.chars().all(plain) {
        return word.to_owned();
    }
    shlex::try_quote(word).map_or_else(|_| word.to_owned(), std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_one_kind_share_a_flag() {
        let run = |program: &str| Right::new("run", program).unwrap();
        let rights = [run("sbatch"), run("squeue"), Right::Script, Right::Env("USER".into())];
        let shown = flags("slurm", &rights).join(" ");
        insta::assert_snapshot!(shown, @"--allow slurm:run=sbatch,squeue --allow slurm:script --allow slurm:env=USER");
        assert!(flags("hello", &[]).is_empty());
    }

    #[test]
    fn patterns_are_quoted() {
        let rights = ["scontrol show *", "squeue"].map(|text| Right::new("run", text).unwrap());
        assert_eq!(flags("slurm", &rights), ["--allow 'slurm:run=scontrol show *,squeue'"]);
    }

    #[test]
    fn flags_survive_a_shell() {
        let rights = [Right::Read("/a b".into()), Right::Read("/c".into())];
        assert_eq!(flags("slurm", &rights), ["--allow 'slurm:read=/a b,/c'"]);
    }
}

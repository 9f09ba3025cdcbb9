//! The name by which Grid Engine shows an array, in letters that it takes. Pure functions.

use xqute_plugin::Job;

/// The name of an array: that of its job, or what the names of its jobs have in common.
pub(crate) fn of(jobs: &[&Job]) -> String {
    let Some((first, others)) = jobs.split_first() else {
        return tame("");
    };
    let same = |other: &&Job| {
        let pairs = first.name.chars().zip(other.name.chars());
        pairs.take_while(|(a, b)| a == b).count()
    };
    let length = others.iter().map(same).min();
    let Some(length) = length.filter(|length| *length < first.name.chars().count()) else {
        return tame(&first.name);
    };
    let common: String = first.name.chars().take(length).collect();
    tame(common.trim_end_matches(|c: char| c.is_ascii_digit() || "-_. ".contains(c)))
}

/// A name in letters that Grid Engine takes, which starts with no digit and is no keyword.
fn tame(name: &str) -> String {
    const LONGEST: usize = 128;
    const KEYWORDS: [&str; 3] = ["none", "all", "template"];
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-+=,%~^".contains(c);
    let name: String = name
        .chars()
        .take(LONGEST)
        .map(|c| if fits(c) { c } else { '_' })
        .collect();
    let bad_start = name.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    let keyword = KEYWORDS.iter().any(|keyword| name.eq_ignore_ascii_case(keyword));
    match name.as_str() {
        "" => "xqute".to_owned(),
        _ if bad_start || keyword => format!("_{name}"),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xqute_plugin::testing::job;

    fn jobs(count: u32) -> Vec<Job> {
        (0..count).map(|index| job(index, "true")).collect()
    }

    #[test]
    fn names_are_tamed() {
        for (given, tamed) in [
            ("train-1", "train-1"),
            ("1st", "_1st"),
            ("-x", "_-x"),
            ("NONE", "_NONE"),
            ("", "xqute"),
            ("a b/c:d@e\\f*?\"'\n\tα", "a_b_c_d_e_f_______"),
        ] {
            assert_eq!(tame(given), tamed);
        }
    }

    #[test]
    fn an_array_is_called_by_what_its_jobs_have_in_common() {
        let named = |names: &[&str]| {
            let mut jobs = jobs(u32::try_from(names.len()).unwrap());
            for (job, name) in jobs.iter_mut().zip(names) {
                (*name).clone_into(&mut job.name);
            }
            of(&jobs.iter().collect::<Vec<_>>())
        };
        assert_eq!(named(&["sge-10"]), "sge-10");
        assert_eq!(named(&["sge-10", "sge-11", "sge-12"]), "sge");
        assert_eq!(named(&["same", "same"]), "same");
        assert_eq!(named(&["left", "right"]), "xqute");
    }
}

//! Checks options that a user gave against those that a plugin describes.

use crate::{
    adapters::component::{error::StartError, load::describe::OptionInfo},
    model::options::Options,
};

/// Names the first option that the plugin does not understand.
pub(crate) fn check(plugin: &str, known: &[OptionInfo], given: &Options) -> Result<(), StartError> {
    let mut seen = Vec::new();
    for (name, _) in given.iter() {
        let Some(info) = known.iter().find(|info| info.name == name) else {
            return Err(StartError::UnknownOption {
                plugin: plugin.to_owned(),
                option: name.to_owned(),
                nearest: nearest(known, name),
            });
        };
        if seen.contains(&name) && !info.repeatable {
            return Err(StartError::OptionTwice {
                plugin: plugin.to_owned(),
                option: name.to_owned(),
            });
        }
        seen.push(name);
    }
    Ok(())
}

fn nearest(known: &[OptionInfo], name: &str) -> Option<String> {
    let ranked = known
        .iter()
        .map(|info| (strsim::jaro_winkler(&info.name, name), &info.name));
    let best = ranked.max_by(|(a, _), (b, _)| a.total_cmp(b));
    best.filter(|(similarity, _)| *similarity > 0.75)
        .map(|(_, name)| name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Vec<OptionInfo> {
        let option = |name: &str, repeatable| OptionInfo {
            name: name.to_owned(),
            summary: String::new(),
            default: None,
            repeatable,
        };
        vec![
            option("partition", false),
            option("license", true),
            option("job-name", false),
        ]
    }

    fn checked(given: &[(&str, &str)]) -> Result<(), String> {
        let given = given.iter().copied().collect();
        check("slurm", &known(), &given).map_err(|error| error.to_string())
    }

    #[test]
    fn a_typo_gets_a_suggestion() {
        insta::assert_snapshot!(checked(&[("partiton", "short")]).unwrap_err(), @"plugin slurm has no option `partiton`, did you mean `partition`?; see `xqute plugin inspect slurm`");
        insta::assert_snapshot!(checked(&[("xyz", "1")]).unwrap_err(), @"plugin slurm has no option `xyz`; see `xqute plugin inspect slurm`");
    }

    #[test]
    fn only_lists_repeat() {
        assert!(checked(&[("license", "a"), ("job_name", "x"), ("license", "b")]).is_ok());
        assert!(
            checked(&[("partition", "a"), ("partition", "b")])
                .unwrap_err()
                .contains("more than once")
        );
    }
}

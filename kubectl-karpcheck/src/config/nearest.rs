//! Which name was meant.

/// The name that is most like this one: the same but for a slip of the keyboard, or one that shares most of its words.
pub fn nearest<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let shared = |name: &str| {
        name.split('-').filter(|word| word.len() > 2 && written.split('-').any(|other| other == *word)).count()
    };
    names
        .into_iter()
        .map(|name| (shared(name), strsim::jaro_winkler(&written.to_lowercase(), &name.to_lowercase()), name))
        // 0.85 is where clap's own suggestions begin to be of use on names of this length; two words are no accident.
        .filter(|(shared, likeness, _)| *shared >= 2 || *likeness > 0.85)
        .max_by(|one, other| one.0.cmp(&other.0).then(one.1.total_cmp(&other.1)))
        .map(|(_, _, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_that_was_meant() {
        let names = ["ebs-key-without-encryption", "queue-aws-managed-key", "queue-not-configured", "queue"];
        assert_eq!(nearest("ebs-key-without-encrypt", names), Some("ebs-key-without-encryption"));
        assert_eq!(nearest("queue-aws-managd-key", names), Some("queue-aws-managed-key"));
        assert_eq!(nearest("Queue", names), Some("queue"));
        assert_eq!(nearest("quue", names), Some("queue"));
        assert_eq!(nearest("tags", names), None);
    }
}

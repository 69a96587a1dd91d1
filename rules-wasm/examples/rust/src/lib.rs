//! A pack of one's own: the rules of a platform team, one file each in `src/rules`, in a folder for their area.

karpcheck_sdk::pack!(name = "platform");

#[cfg(test)]
mod tests {
    use super::RULES;

    #[test]
    fn every_rule_declares_what_it_looks_at() {
        assert_eq!(karpcheck_sdk::testing::undeclared_reads(RULES), Vec::<String>::new());
    }
}

//! A pack of one's own: the rules of a platform team, one file each in `src/rules`, in a folder for their area.

karpcheck_sdk::pack!();

#[cfg(test)]
mod tests {
    use karpcheck_sdk::testing::{Inventory, Told};

    use super::RULES;

    #[test]
    fn every_rule_declares_what_it_looks_at() {
        assert_eq!(karpcheck_sdk::testing::undeclared_reads(RULES), Vec::<String>::new());
    }

    #[test]
    fn the_label_is_what_counts() {
        let mut inventory = Inventory::new();
        let mut pool = |name: &str, labels: &str| {
            let body = format!(r#"{{"spec": {{"template": {{"metadata": {{"labels": {labels}}}}}}}}}"#);
            inventory.add("karpenter.sh/NodePool", name, &body)
        };
        let team = pool("team", r#"{"example.com/team": "payments"}"#);
        let none = pool("none", "{}");
        let unread = pool("unread", r#"{"$unknown": "known after apply"}"#);
        let rule = &RULES[0];
        assert_eq!(inventory.judge(rule, team), Told::Pass);
        let told = inventory.judge(rule, none);
        assert!(
            matches!(&told.messages()[..], [one] if one.contains("none get no label example.com/team")),
            "{told:?}"
        );
        assert!(matches!(inventory.judge(rule, unread), Told::Unknown(_)));
    }
}

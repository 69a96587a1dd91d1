//! Additions of an upgrade that a diff cannot show: event rules, which are resources of their own, and policies that are
//! in no file.

use crate::findings::finding::Finding;
use crate::inventory::Origin;
use crate::report::upgrade::Upgrade;
use crate::report::{rows, text};

/// What is to be done by hand, one line each.
pub(super) fn by_hand(upgrade: &Upgrade<'_>) -> Vec<String> {
    let findings = &upgrade.all.results.findings;
    upgrade
        .not_shown
        .iter()
        .map(|not_shown| {
            let finding = &findings[not_shown.finding];
            let subject = finding.edits.first().map_or(finding.subject, |edit| edit.item);
            text::one_line(&format!("{}: {}", rows::subject(&upgrade.all, subject), not_shown.why))
        })
        .collect()
}

/// The EventBridge rules that queues lack, as resources of CloudFormation: the place of the queue, and the text.
pub(super) fn event_rules(upgrade: &Upgrade<'_>) -> Vec<(String, String)> {
    let mut found = vec![];
    for finding in &upgrade.all.results.findings {
        let (Some(source), Some(kind)) = (property(finding, "source"), property(finding, "detail-type")) else {
            continue;
        };
        let Some(item) = upgrade.all.inventory.item(finding.subject).filter(|item| &*item.kind == "AWS::SQS::Queue")
        else {
            continue;
        };
        let template = matches!(upgrade.all.inventory.document(item.doc()).origin, Origin::File(_));
        let logical = item.aws.as_ref().and_then(|aws| aws.logical.first()).filter(|_| template);
        // An ACK object's address has slashes: there is no template to add to.
        let Some(logical) = logical.filter(|logical| logical.id.chars().all(char::is_alphanumeric)) else { continue };
        let name: String = kind.split(' ').filter(|word| !["EC2", "Instance", "Warning"].contains(word)).collect();
        let name: String = name.chars().filter(|char| char.is_ascii_alphanumeric()).collect();
        let text = format!(
            "  {name}Rule:\n    Type: AWS::Events::Rule\n    Properties:\n      EventPattern:\n        source:\n          - \
             {source}\n        detail-type:\n          - {kind}\n      Targets:\n        - Id: \
             KarpenterInterruptionQueueTarget\n          Arn: !GetAtt {}.Arn\n",
            logical.id
        );
        let place = super::placed(&upgrade.all, finding.subject, "");
        found.push((place, text));
    }
    found
}

fn property<'a>(finding: &'a Finding, name: &str) -> Option<&'a str> {
    finding.properties.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

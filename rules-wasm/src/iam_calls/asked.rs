//! What was asked of IAM before: the releases that a controller may be of have most questions in common, so that a request is put
//! together and decided once for all of them.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::call::{Call, Tags};
use super::resources::Resource;
use super::tags::{Pinned, Rows};
use super::{Actor, Name};
use crate::versions::Version;
use karpcheck_sdk::prelude::*;

/// More answers are not kept: a controller with many classes has as many questions.
const MOST_KEPT: usize = 4_000;

/// All that makes a difference to a request of one controller for one class, before its texts are put together.
#[derive(PartialEq)]
struct Question {
    action: &'static str,
    resource: String,
    fields: Vec<(String, Field)>,
    with: Vec<(&'static str, &'static str)>,
    name: Name,
    beside: Option<(String, Pinned)>,
    sends: (Tags, Rows),
    found: (Tags, Rows),
    /// What else follows from the release.
    beta: bool,
    tags_by_settings: bool,
    /// The release itself, where prices are asked for: their endpoint is another one in several.
    pricing: Option<Version>,
}

#[derive(Default)]
struct Answers {
    /// Who asks: the principal, and the controller.
    of: Option<(Item, Item)>,
    /// By the class.
    known: BTreeMap<Option<Item>, Vec<(Question, Decision)>>,
    count: usize,
}

thread_local! {
    static ANSWERS: RefCell<Answers> = RefCell::default();
}

impl Actor {
    fn question(&self, call: &Call, resource: &Resource, with: &[(&'static str, &'static str)]) -> Question {
        let of_class = call.sends.are_of_class() || call.found.are_of_class();
        Question {
            action: call.action,
            resource: resource.arn.clone(),
            fields: resource.fields.clone(),
            with: with.to_vec(),
            name: self.name.clone(),
            beside: self.beside.clone(),
            sends: (call.sends, self.rows(call.sends)),
            found: (call.found, self.rows(call.found)),
            beta: self.release >= (0, 32, 0),
            tags_by_settings: of_class && self.tags_by_settings(),
            pricing: call.action.starts_with("pricing:").then_some(self.release),
        }
    }

    /// The answer to a call on a resource, which is the one that was given before where the very same was asked.
    pub(super) fn decided(&self, call: &Call, resource: &Resource, with: &[(&'static str, &'static str)]) -> Decision {
        let (of, question) = ((self.principal, self.controller), self.question(call, resource, with));
        let known = ANSWERS.with_borrow_mut(|answers| {
            if answers.of != Some(of) {
                *answers = Answers { of: Some(of), ..Answers::default() };
            }
            let of_class = answers.known.get(&self.class)?;
            of_class.iter().find(|(asked, _)| *asked == question).map(|(_, decision)| decision.clone())
        });
        known.unwrap_or_else(|| {
            let decision = self.on_resource(call, resource, with).decide();
            ANSWERS.with_borrow_mut(|answers| {
                if answers.count < MOST_KEPT {
                    answers.count += 1;
                    answers.known.entry(self.class).or_default().push((question, decision.clone()));
                }
            });
            decision
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam_calls::table::CALLS;
    use karpcheck_sdk::testing::{Inventory, Told};

    /// Puts every question of a controller beside the request that it stands for, release by release.
    fn check(controller: Item) -> Check {
        let releases: Vec<Version> = CALLS.iter().flat_map(|call| [call.since, call.before]).collect();
        let class = controller.linked("@class").next();
        for call in CALLS {
            let resource = Resource { arn: call.on[0].to_owned(), fields: vec![], id: None, gap: None };
            let mut asked: Vec<(Option<Item>, Question, Request)> = vec![];
            for (release, class) in releases.iter().flat_map(|release| [(*release, None), (*release, class)]) {
                let actor = Actor {
                    principal: controller,
                    controller,
                    class,
                    name: Name::Field(controller.field("/ClusterName")),
                    beside: None,
                    release,
                    tags_of: release,
                };
                let question = actor.question(call, &resource, &[]);
                let request = actor.on_resource(call, &resource, &[]);
                match asked.iter().find(|(of, known, _)| *of == class && *known == question) {
                    Some((.., known)) => assert_eq!(*known, request, "{} of {release:?}", call.action),
                    None => asked.push((class, question, request)),
                }
            }
            // Prices are asked for as each release does.
            assert!(asked.len() < releases.len() || call.action.starts_with("pricing:"), "{}", call.action);
        }
        pass()
    }

    #[test]
    fn what_is_one_question_is_one_request() {
        const RULE: Rule = Rule {
            id: "asks",
            subjects: &["Karpcheck::Controller", "karpenter.k8s.aws/EC2NodeClass"],
            check,
            ..Rule::DEFAULT
        };
        let mut inventory = Inventory::new();
        let settings =
            r#"{"ClusterName": "demo", "@region": "cn-north-1", "Settings": {"aws": {"tags": {"team": "shop"}}}}"#;
        let controller = inventory.add("Karpcheck::Controller", "karpenter", settings);
        let class =
            inventory.add("karpenter.k8s.aws/EC2NodeClass", "default", r#"{"spec": {"tags": {"team": "shop"}}}"#);
        inventory.link(controller, "@class", class);
        assert_eq!(inventory.judge(&RULE, controller), Told::Pass);
    }
}

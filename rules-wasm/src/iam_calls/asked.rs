//! What was asked of IAM before: the releases that a controller may be of have most questions in common, so that a request is put
//! together and decided once for all of them. With it what is the same for all questions about a controller.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::call::{Call, Tags};
use super::requests::PreparedContext;
use super::resources::Resource;
use super::tags::{Pinned, Rows};
use super::{Actor, Name, UNNAMED};
use crate::versions::Version;
use karpcheck_sdk::prelude::*;

/// More answers are not kept: a controller with many classes has as many questions.
const MOST_KEPT: usize = 4_000;

/// All that makes a difference to a request of one controller for one class, before its texts are put together.
#[derive(PartialEq)]
struct Question<'a> {
    action: &'static str,
    resource: Cow<'a, str>,
    fields: Cow<'a, [(String, Field)]>,
    name: Cow<'a, Name>,
    says: Said<'a>,
    /// The release itself, where prices are asked for: their endpoint is another one in several.
    pricing: Option<Version>,
}

/// Of that, what makes a difference to its context, but for the cluster's name.
#[derive(PartialEq)]
struct Said<'a> {
    with: Cow<'a, [(&'static str, &'static str)]>,
    beside: Cow<'a, Option<(String, Pinned)>>,
    sends: (Tags, Rows),
    found: (Tags, Rows),
    /// Are there tags that a class may add to, and was a class given?
    of_class: bool,
    tags_by_settings: bool,
    /// What else follows from the release.
    beta: bool,
}

impl Question<'_> {
    fn into_owned(self) -> Question<'static> {
        let Question { action, resource, fields, name, says, pricing } = self;
        Question {
            action,
            resource: Cow::Owned(resource.into_owned()),
            fields: Cow::Owned(fields.into_owned()),
            name: Cow::Owned(name.into_owned()),
            says: says.into_owned(),
            pricing,
        }
    }
}

impl Said<'_> {
    fn into_owned(self) -> Said<'static> {
        Said { with: Cow::Owned(self.with.into_owned()), beside: Cow::Owned(self.beside.into_owned()), ..self }
    }
}

/// Whether the cluster's name is a field, what is said, and the context.
type Contexts = Vec<(bool, Said<'static>, Rc<PreparedContext>)>;

#[derive(Default)]
struct Answers {
    /// Who asks: the principal, and the controller.
    of: Option<(Item, Item)>,
    /// By the class.
    known: BTreeMap<Option<Item>, Vec<(Question<'static>, Decision)>>,
    count: usize,
    /// Of classes that have tags of their own.
    contexts: BTreeMap<Item, Contexts>,
    facts: Facts,
}

/// What is the same for all questions about a controller, as far as it was looked up.
#[derive(Default)]
pub(super) struct Facts {
    /// The names of other clusters that its policies pin.
    pub(super) foreign_pins: Option<Rc<[String]>>,
    pub(super) in_china: Option<bool>,
    /// Do its settings add tags, as releases before 0.33 read them?
    pub(super) tags_written: Option<bool>,
    /// Does a class set tags, or may it?
    has_tags: BTreeMap<Item, Option<bool>>,
}

impl Answers {
    /// Those to an actor's questions; what is about another is forgotten.
    fn to(&mut self, actor: &Actor) -> &mut Self {
        let of = Some((actor.principal, actor.controller));
        if self.of != of {
            *self = Self { of, ..Self::default() };
        }
        self
    }
}

thread_local! {
    static ANSWERS: RefCell<Answers> = RefCell::default();
    /// Without tags of a class it is the same for all controllers and classes.
    static CONTEXTS: RefCell<Contexts> = const { RefCell::new(vec![]) };
}

/// More contexts are not kept: those of one class, or of all without tags.
const MOST_CONTEXTS: usize = 200;

impl Actor {
    /// A fact about the controller, looked up once.
    pub(super) fn fact<T: Clone>(&self, which: impl Fn(&mut Facts) -> &mut Option<T>, find: impl FnOnce() -> T) -> T {
        let known = ANSWERS.with_borrow_mut(|answers| which(&mut answers.to(self).facts).clone());
        known.unwrap_or_else(|| {
            let found = find();
            ANSWERS.with_borrow_mut(|answers| *which(&mut answers.to(self).facts) = Some(found.clone()));
            found
        })
    }

    /// A request's context, put together once.
    pub(super) fn prepared(
        &self,
        sends: Tags,
        found: Tags,
        with: &[(&'static str, &'static str)],
        make: impl FnOnce() -> PreparedContext,
    ) -> Rc<PreparedContext> {
        let named = match &self.name {
            Name::Field(_) => true,
            Name::Text(name) if name == UNNAMED => false,
            // Of each other cluster little is asked.
            Name::Text(_) => return Rc::new(make()),
        };
        let says = self.says(sends, found, with);
        let has_tags = |class: &Item| {
            let class = *class;
            let find = || class.each("/spec/tags").next().is_some();
            says.of_class && self.fact(|facts| facts.has_tags.entry(class).or_default(), find)
        };
        let with_tags = self.class.filter(has_tags);
        let is = |(of, known, _): &&(bool, Said<'static>, _)| *of == named && *known == says;
        let known = |contexts: &Contexts| contexts.iter().find(is).map(|(.., made)| Rc::clone(made));
        let found = match with_tags {
            Some(class) => ANSWERS.with_borrow_mut(|answers| answers.to(self).contexts.get(&class).and_then(known)),
            None => CONTEXTS.with_borrow(known),
        };
        found.unwrap_or_else(|| {
            let made = Rc::new(make());
            let keep = |contexts: &mut Contexts| {
                if contexts.len() < MOST_CONTEXTS {
                    contexts.push((named, says.into_owned(), Rc::clone(&made)));
                }
            };
            match with_tags {
                Some(class) => {
                    ANSWERS.with_borrow_mut(|answers| keep(answers.to(self).contexts.entry(class).or_default()))
                }
                None => CONTEXTS.with_borrow_mut(keep),
            }
            made
        })
    }

    fn says<'a>(&'a self, sends: Tags, found: Tags, with: &'a [(&'static str, &'static str)]) -> Said<'a> {
        let of_class = sends.are_of_class() || found.are_of_class();
        Said {
            with: Cow::Borrowed(with),
            beside: Cow::Borrowed(&self.beside),
            sends: (sends, self.rows(sends)),
            found: (found, self.rows(found)),
            of_class: of_class && self.class.is_some(),
            tags_by_settings: of_class && self.tags_by_settings(),
            beta: self.release >= (0, 32, 0),
        }
    }

    fn question<'a>(
        &'a self,
        call: &Call,
        resource: &'a Resource,
        with: &'a [(&'static str, &'static str)],
    ) -> Question<'a> {
        Question {
            action: call.action,
            resource: Cow::Borrowed(&resource.arn),
            fields: Cow::Borrowed(&resource.fields),
            name: Cow::Borrowed(&self.name),
            says: self.says(call.sends, call.found, with),
            pricing: call.action.starts_with("pricing:").then_some(self.release),
        }
    }

    /// The answer to a call on a resource, which is the one that was given before where the very same was asked.
    pub(super) fn decided(&self, call: &Call, resource: &Resource, with: &[(&'static str, &'static str)]) -> Decision {
        let question = self.question(call, resource, with);
        let known = ANSWERS.with_borrow_mut(|answers| {
            let of_class = answers.to(self).known.get(&self.class)?;
            of_class.iter().find(|(asked, _)| *asked == question).map(|(_, decision)| decision.clone())
        });
        known.unwrap_or_else(|| {
            let decision = self.on_resource(call, resource, with).decide();
            ANSWERS.with_borrow_mut(|answers| {
                let answers = answers.to(self);
                if answers.count < MOST_KEPT {
                    answers.count += 1;
                    answers.known.entry(self.class).or_default().push((question.into_owned(), decision.clone()));
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
            let mut asked: Vec<(Option<Item>, Question<'static>, Request)> = vec![];
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
                    None => asked.push((class, question.into_owned(), request)),
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

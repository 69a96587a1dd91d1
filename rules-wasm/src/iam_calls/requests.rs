//! A call as a question to IAM.

use super::Actor;
use super::Name;
use super::call::{Call, Tags};
use super::resources::Resource;
use karpcheck_sdk::Prepared;
use karpcheck_sdk::prelude::*;

const MOST_TAGS: usize = 50;

/// What requests have in common.
pub(super) struct PreparedContext {
    keys: Prepared,
    /// Those that it needs beside the ones of every request.
    fields: Vec<(String, Field)>,
}

/// The code of what a template cannot say because a field is not there: here, a part of an ARN.
const FIELD_ABSENT: &str = "field-absent";

impl Actor {
    /// The answer to one call on what an ARN of the table stands for: where that is several, the worst.
    pub(crate) fn ask(&self, call: &Call, on: &str) -> Decision {
        let mut all = self.resources(on).into_iter().map(|resource| self.ask_on(call, &resource)).peekable();
        let mut worst = None;
        while let Some(decision) = all.next() {
            if decision.is_denied() || (all.peek().is_none() && worst.is_none()) {
                return decision;
            }
            if decision.access == Access::Unknown {
                worst.get_or_insert(decision);
            }
        }
        worst.unwrap_or_else(|| Decision {
            access: Access::Allowed,
            why: String::new(),
            statements: vec![],
            unknown: None,
        })
    }

    /// The answer to one call on one resource.
    pub(super) fn ask_on(&self, call: &Call, resource: &Resource) -> Decision {
        let mut choices: Vec<Vec<(&'static str, &'static str)>> = vec![vec![]];
        for (key, values) in call.with {
            // EC2 has another name in China.
            let by_partition = *key == "iam:PassedToService" && values.len() > 1;
            let in_china = by_partition && self.is_in_china();
            choices = values
                .iter()
                .filter(|value| !by_partition || value.ends_with(".cn") == in_china)
                .flat_map(|value| choices.iter().map(move |with| [with.as_slice(), &[(*key, *value)]].concat()))
                .collect();
        }
        let mut first = None;
        for with in choices {
            let decision = self.decided(call, resource, &with);
            if decision.access == Access::Allowed {
                return decision;
            }
            first.get_or_insert(decision);
        }
        let decision = first.unwrap_or_else(|| self.decided(call, resource, &[]));
        self.with_gap(decision, resource)
    }

    /// Says what of the resource is not known, where that is why the answer is not.
    fn with_gap(&self, decision: Decision, resource: &Resource) -> Decision {
        match (&decision.unknown, &resource.gap) {
            (Some(unknown), Some((why, settled))) if unknown.code == FIELD_ABSENT => {
                let mut reason = Unknown::not_provided(why.clone()).with_code("id-not-known");
                if let Some(settlement) = settled {
                    reason = reason.settled_by(settlement.clone());
                }
                if let Some(class) = self.class {
                    reason = reason.at(class.place("", ""));
                }
                Decision { unknown: Some(reason), ..decision }
            }
            _ => decision,
        }
    }

    /// Are its resources of the partition aws-cn?
    fn is_in_china(&self) -> bool {
        self.fact(|facts| &mut facts.in_china, || self.has_resources_in_china())
    }

    fn has_resources_in_china(&self) -> bool {
        self.region().is_some_and(|region| region.starts_with("cn-"))
            || self.controller.get("@partition").is("aws-cn")
            || ["AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::Role"]
                .iter()
                .flat_map(|kind| select(kind).known())
                .any(|item| item.get("@partition").is("aws-cn"))
    }

    /// What it depends on is in `asked`, too.
    pub(super) fn on_resource(
        &self,
        call: &Call,
        resource: &Resource,
        with: &[(&'static str, &'static str)],
    ) -> Request {
        let request = self.request(call.action, &resource.arn, call.sends, call.found, with);
        let mut request =
            resource.fields.iter().fold(request, |request, (name, field)| request.field(name.clone(), field.clone()));
        // KP pkg/controllers/nodeclaim/tagging/controller.go: an instance gets this tag once its node has registered.
        if call.action == "ec2:TerminateInstances" && self.release >= (0, 32, 0) {
            let why = "whether an instance has registered, and with that the tag karpenter.sh/nodeclaim, is not known";
            let unknown = Unknown::undecidable(why).with_code("tag-after-registration");
            request = request.with("aws:ResourceTag/karpenter.sh/nodeclaim", Value::Unknown(unknown));
        }
        if call.action.starts_with("pricing:") {
            request.with("aws:RequestedRegion", self.pricing_region())
        } else {
            request
        }
    }

    /// The region that the controller works in: what its own settings say (its cluster's endpoint), else where it is.
    pub(super) fn region(&self) -> Option<String> {
        let known = |field: &str| self.controller.known_text(field).filter(|region| !region.is_empty());
        known("/Region").or_else(|| known("@region"))
    }

    /// The region whose endpoint prices are asked of: KP pkg/providers/pricing/pricing.go (NewAPI).
    fn pricing_region(&self) -> Value {
        let region = match (self.region(), self.controller.get("@region")) {
            (Some(region), _) => region,
            (None, Value::Unknown(unknown)) => return Value::Unknown(unknown),
            _ => return Value::Unknown(Unknown::not_provided("the cluster's region is not known").with_code("region")),
        };
        let of = |prefix: &str| region.starts_with(prefix);
        let endpoint = if of("ap-") {
            "ap-south-1"
        } else if of("cn-") && self.release >= (0, 32, 0) {
            "cn-northwest-1"
        } else if of("cn-") && self.release < (0, 20, 0) {
            "cn-north-1"
        } else if of("cn-") {
            "ap-south-1"
        } else if of("eu-") && self.release >= (0, 31, 0) {
            "eu-central-1"
        } else {
            "us-east-1"
        };
        endpoint.into()
    }

    /// A request with tags that it sends and tags that the resource has.
    pub(crate) fn request(
        &self,
        action: &str,
        on: &str,
        sends: Tags,
        found: Tags,
        with: &[(&'static str, &'static str)],
    ) -> Request {
        let cluster = match &self.name {
            Name::Field(field) => field.clone(),
            Name::Text(_) => self.controller.field("@name"),
        };
        let request = Request::by_item(self.principal, action, self.fill(on))
            .field("cluster", cluster)
            .field("region", self.controller.field("@region"))
            .field("partition", self.controller.field("@partition"))
            .field("account", self.controller.field("@account"))
            .field("uid", self.class.unwrap_or(self.controller).field("/metadata/uid"))
            .field("class", self.class.unwrap_or(self.controller).field("@name"));
        let context = self.prepared(sends, found, with, || self.context(request.clone(), sends, found, with));
        let request =
            context.fields.iter().fold(request, |request, (name, field)| request.field(name.clone(), field.clone()));
        request.with_prepared(&context.keys)
    }

    /// What a request says beside who, what and on what; with the fields that it has, and more.
    fn context(
        &self,
        mut request: Request,
        sends: Tags,
        found: Tags,
        with: &[(&'static str, &'static str)],
    ) -> PreparedContext {
        for (key, value) in with {
            request = request.with_template(*key, self.fill(value));
        }
        if !with.iter().any(|(key, _)| *key == "ec2:CreateAction") {
            request = request.with("ec2:CreateAction", Value::Absent);
        }
        let mut fields = vec![];
        for (tags, prefix) in [(sends, "aws:RequestTag/"), (found, "aws:ResourceTag/")] {
            if tags != Tags::Unknown {
                request = self.tagged(request, tags, prefix, &mut fields);
            }
        }
        PreparedContext { keys: request.prepare(), fields }
    }

    /// Do the controller's settings add tags of their own? From 0.24 to 0.32 they could (`aws.tags`).
    pub(super) fn tags_by_settings(&self) -> bool {
        let written = || matches!(self.setting("tags").value(), Value::Text(_) | Value::Json(_));
        ((0, 24, 0)..(0, 33, 0)).contains(&self.release) && self.fact(|facts| &mut facts.tags_written, written)
    }

    fn tagged(&self, mut request: Request, tags: Tags, prefix: &str, fields: &mut Vec<(String, Field)>) -> Request {
        let sent = prefix == "aws:RequestTag/";
        let own = self.tags(tags);
        for (key, value) in &own {
            request = request.with_template([prefix, key.as_str()].concat(), value.clone());
            if sent {
                request = request.with_template("aws:TagKeys", key.clone());
            }
        }
        let mut rest = Value::Absent;
        let of_class = tags.are_of_class();
        if let (true, Some(class)) = (of_class, self.class) {
            for (number, tag) in class.each("/spec/tags").take(MOST_TAGS).enumerate() {
                let tag = match tag {
                    Ok(tag) => tag,
                    // There may be more tags.
                    Err(unknown) => {
                        rest = Value::Unknown(unknown);
                        continue;
                    }
                };
                let name = tag.name();
                if own.iter().any(|(other, _)| *other == name) {
                    continue;
                }
                let number = number.to_string();
                let (key, value) = ([prefix, " key ", &number].concat(), [prefix, " value ", &number].concat());
                request = request.with_template([prefix, "{", &key, "}"].concat(), ["{", &value, "}"].concat());
                if sent {
                    request = request.with_template("aws:TagKeys", ["{", &key, "}"].concat());
                }
                for (name, field) in [(value, tag.clone()), (key, tag.key())] {
                    request = request.field(name.clone(), field.clone());
                    fields.push((name, field));
                }
            }
        }
        if of_class && rest.is_absent() && self.tags_by_settings() {
            rest =
                Value::Unknown(Unknown::undecidable("which tags the settings add is not looked at").with_code("tags"));
        }
        if of_class && self.class.is_none() {
            rest = Value::Unknown(
                Unknown::not_provided("which tags its classes set is not known, as none was given")
                    .with_code("tags-of-classes-not-known")
                    .settled_by(Settlement::Kind(self.class_kind().into())),
            );
            for key in self.no_class_tags() {
                if own.iter().all(|(other, _)| *other != key) {
                    request = request.with([prefix, &key].concat(), Value::Absent);
                }
            }
            request = request.with([prefix, "kubernetes.io/cluster/*"].concat(), Value::Absent);
        }
        if sent && own.is_empty() {
            request = request.with("aws:TagKeys", Value::Absent);
        }
        request.with([prefix, "*"].concat(), rest)
    }
}

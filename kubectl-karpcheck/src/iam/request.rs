//! A question over an inventory: who, what, on which resource; and the policies that bear on it.
//!
//! ```text
//! Question --(home, facts)--> Request          what the request says, and what follows from it
//!          --(held, target)--> Policies        of the principal, of the resource
//! ```

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use crate::inventory::arn::AccountRegion;
use crate::inventory::pointer;
use crate::inventory::pointer::Step;
use crate::inventory::reason::Iam;
use crate::inventory::{
    Address, Cause, Found, Item, ItemId, Part, Reason, Scope, Symbol, SymbolScope, Ternary, Text, Unknown, Value,
};

use crate::iam::context::{Context, Given};
use crate::iam::decide::{Decision, decide};
use crate::iam::document::{Document, PolicyKind};
use crate::iam::environment::Request;
use crate::iam::identity::{Identity, IdentityKind, Principal};
use crate::iam::policies::{Boundary, Policies};
use crate::iam::trail::{StatementTrail, trail};

mod account_region;
mod facts;
mod organisation;
mod principal_policies;
mod tags;
mod target;

use principal_policies::PrincipalPolicies;

pub(super) const ROLE: &str = "AWS::IAM::Role";
pub(super) const USER: &str = "AWS::IAM::User";
pub(super) const MANAGED_POLICY: &str = "AWS::IAM::ManagedPolicy";
pub(super) const ORGANISATION_POLICY: &str = "AWS::Organizations::Policy";
pub(super) const INLINE_POLICY: &str = "AWS::IAM::Policy";

/// Who asks.
#[derive(Clone, PartialEq, Debug)]
pub enum PrincipalSpec {
    /// A role or user; an item that names the role it acts as; or a policy, as if it were all that its holder has.
    Item(ItemId),
    /// An AWS service: a template of the fields.
    Service(String),
    /// Someone whom an identity provider vouches for, by the provider's ARN or name: a template of the fields. Parts of the ARN
    /// that are left empty are those of the target.
    Federated(String),
    /// By ARN, a template of the fields; parts left empty are those of the target.
    Arn(String),
    /// Anyone of another account.
    Anyone,
}

/// What they ask for.
#[derive(Clone, PartialEq, Debug)]
pub enum Target {
    /// A resource.
    Item(ItemId),
    /// By ARN, a template of the fields, or `*`; parts left empty are those of the principal.
    Arn(String),
}

/// A value of the context.
#[derive(Clone, PartialEq, Debug)]
pub enum Operand {
    /// The request does not have the key.
    Absent,
    /// Nobody can tell.
    Unknown(Reason),
    /// A text.
    Text(String),
    /// A number.
    Number(f64),
    /// True or false.
    Flag(bool),
    /// A template of the fields.
    Template(String),
}

/// A question, as the contract's `request` has it.
#[derive(Clone, PartialEq, Debug)]
pub struct RequestSpec {
    /// Who asks.
    pub principal: PrincipalSpec,
    /// `kms:GenerateDataKey`.
    pub action: String,
    /// What they ask for.
    pub target: Target,
    /// Keys, templates of the fields, and their values. A key that occurs several times has several values; one that
    /// ends in `*` is a family.
    pub context: Vec<(String, Operand)>,
    /// What `{0}`, `{1}`, … stand for.
    pub fields: Vec<(ItemId, String)>,
}

/// The longest text that a template is put together to, in bytes: more than any ARN, tag or key of AWS has.
const LONGEST: usize = 4096;

/// What was read of the policies of one run, in whichever scope: worth keeping as long as its inventory. A scope is known by
/// the number of items before it.
#[derive(Debug, Default)]
pub struct Cache {
    documents: Memo<(ItemId, String), Option<Arc<Document>>>,
    /// By the scope and the principal.
    held: Memo<(u32, ItemId), Arc<PrincipalPolicies>>,
    /// By the scope and the principal.
    askers: Memo<(u32, ItemId), Option<Arc<Asker>>>,
    /// By the scope and the type.
    arns: Memo<(u32, &'static str), Arc<ByArn>>,
}

type Memo<K, V> = Mutex<HashMap<K, V>>;

/// What is known under a key, made if it is not. It is made without the lock, since making one thing may take others.
fn known_or<K: Eq + Hash, V: Clone>(memo: &Memo<K, V>, key: K, make: impl FnOnce() -> V) -> V {
    let lock = || memo.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = lock().get(&key) {
        return known.clone();
    }
    let made = make();
    lock().insert(key, made.clone());
    made
}

/// Items of a type by their ARNs, as these are written.
type ByArn = HashMap<String, Vec<ItemId>>;

/// Answers questions over one scope. Each policy is read once, when first needed.
#[derive(Debug)]
pub struct Evaluator<'a> {
    inventory: &'a Scope,
    cache: Arc<Cache>,
}

impl<'a> Evaluator<'a> {
    /// Over a scope.
    pub fn new(inventory: &'a Scope) -> Self {
        Self::sharing(inventory, &Arc::default())
    }

    /// Over a scope, with what others have read of its policies. The cache must be of the same run.
    pub fn sharing(inventory: &'a Scope, cache: &Arc<Cache>) -> Self {
        Self { inventory, cache: Arc::clone(cache) }
    }

    /// Would AWS allow it?
    pub fn decide(&self, question: &RequestSpec) -> Decision {
        let (request, policies) = self.prepare(question);
        decide(&request, &policies)
    }

    /// How the decision comes about, statement by statement.
    pub fn trail(&self, question: &RequestSpec) -> Vec<StatementTrail> {
        let (request, policies) = self.prepare(question);
        trail(&request, &policies)
    }

    /// The request in full, and all policies that bear on it.
    pub fn prepare(&self, question: &RequestSpec) -> (Request, Policies) {
        let mut policies = Policies::default();
        let service = question.action.split(':').next().unwrap_or_default().to_ascii_lowercase();
        let asker = self.asker(question);
        let target = match &question.target {
            Target::Item(id) => Some(*id),
            Target::Arn(written) => self.resource_by_arn(&self.template(written, &question.fields)),
        };
        let (own_home, target_home) = self.homes(asker.as_deref(), target);
        let principal = match (&question.principal, &asker) {
            (PrincipalSpec::Service(name), _) => Principal::Service(self.template(name, &question.fields)),
            (PrincipalSpec::Federated(provider), _) => {
                Principal::Federated(account_region::complete(&self.template(provider, &question.fields), &target_home))
            }
            (PrincipalSpec::Anyone, _) => Principal::Anyone,
            (PrincipalSpec::Arn(written), None) => {
                let arn = account_region::complete(&self.template(written, &question.fields), &target_home);
                Principal::Identity(Identity::new(arn))
            }
            (_, asker) => {
                let arn =
                    asker.as_ref().map(|asker| account_region::fill(&asker.arn, &own_home)).unwrap_or_else(nobody);
                let mut identity = Identity::new(arn);
                if identity.account.hole().is_some() {
                    identity.account = own_home.account.clone();
                }
                let item = asker.as_ref().and_then(|asker| self.inventory.item(asker.item?));
                if item.is_some_and(|item| &*item.kind == USER) {
                    identity.kind = IdentityKind::User;
                }
                identity.session = asker.as_ref().and_then(|asker| asker.session.clone());
                Principal::Identity(identity)
            }
        };
        let resource = match (&question.target, target) {
            (Target::Item(_), Some(id)) => account_region::fill(&self.arn_of(id), &target_home),
            (Target::Arn(written), _) => account_region::complete(&self.template(written, &question.fields), &own_home),
            (Target::Item(_), None) => nobody(),
        };
        if let Some(asker) = &asker {
            self.own_policies(&asker.held, &service, &own_home, &mut policies);
        } else if let (PrincipalSpec::Arn(_), Principal::Identity(identity)) = (&question.principal, &principal) {
            principal_policies::stranger(identity, &service, &mut policies);
        }
        // Taken apart once, for all that looks at a part of it.
        let parts = super::arn::split(&resource).map(Box::new);
        let asked = target::Asked { action: &question.action, resource: &resource, parts: parts.as_deref() };
        self.target_policies(target, &asked, &target_home, &mut policies);
        if let Principal::Identity(identity) = &principal {
            // Of an ARN that leaves the account out, such as an image's, nobody is the owner; what is AWS's own, such as its
            // managed policies, is no other account's.
            let account =
                parts.as_ref().map(|parts| &parts[4]).filter(|part| !part.is_empty() && part.known() != Some("aws"));
            policies.same_account = match account {
                Some(account) => match identity.account.same(account) {
                    // What nobody stated is taken to be the account that everything else is in.
                    Ternary::Unknown
                        if account_region::unstated(&identity.account) || account_region::unstated(account) =>
                    {
                        policies.notes.push("principal and resource are taken to be of one account".into());
                        Ternary::Yes
                    }
                    answer => answer,
                },
                None => Ternary::Yes,
            };
            self.service_control(identity, &own_home, &mut policies);
            if identity.session.is_some() {
                policies.notes.push("whether a session policy limits it was not seen".into());
            }
            if matches!(policies.boundary, Boundary::Unseen) {
                policies.notes.push("whether a permissions boundary limits it was not seen".into());
            }
        }
        self.resource_control(&principal, &service, &target_home, &mut policies);
        let mut context = Context::of_service(&service);
        for (key, operand) in &question.context {
            let key = self.template(key, &question.fields);
            context.set(key, self.given(operand, &question.fields));
        }
        facts::add(
            &mut context,
            &facts::Facts {
                principal: &principal,
                service: &service,
                own: &own_home,
                target: &target_home,
                resource: parts.as_deref(),
            },
        );
        if let Some(asker) = &asker {
            self.principal_tags(&mut context, asker);
        }
        self.resource_tags(&mut context, target);
        (Request::taken_apart(principal, &question.action, (resource, parts), context), policies)
    }

    /// The context keys that a question itself names, as people read them: `aws:SourceArn = …`.
    pub fn stated(&self, question: &RequestSpec) -> Vec<String> {
        question
            .context
            .iter()
            .map(|(key, operand)| {
                let key = self.template(key, &question.fields);
                match self.given(operand, &question.fields) {
                    Given::Absent => format!("no {key}"),
                    Given::Unknown(reason) => format!("{key} unknown ({reason})"),
                    Given::Values(values) => {
                        let values: Vec<String> = values.iter().map(Text::to_string).collect();
                        format!("{key} = {}", values.join(", "))
                    }
                }
            })
            .collect()
    }

    fn given(&self, operand: &Operand, fields: &[(ItemId, String)]) -> Given {
        match operand {
            Operand::Absent => Given::Absent,
            Operand::Unknown(reason) => Given::Unknown(reason.clone()),
            Operand::Text(text) => Given::one(text.as_str()),
            Operand::Number(number) => Given::one(crate::inventory::node::json_number(*number).to_string()),
            Operand::Flag(flag) => Given::one(if *flag { "true" } else { "false" }),
            Operand::Template(template) => {
                let text = self.template(template, fields);
                match text.hole() {
                    // Nothing of it is known: it may even be absent.
                    Some(symbol) if text.is(&symbol.name) && symbol.scope == SymbolScope::Field => {
                        Given::Unknown(symbol.reason.clone())
                    }
                    _ => Given::one(text),
                }
            }
        }
    }

    /// A template with its fields put in.
    fn template(&self, written: &str, fields: &[(ItemId, String)]) -> Text {
        if !written.contains('{') {
            return Text::from(written);
        }
        let field = |index: usize| fields.get(index).map(|(id, pointer)| self.field(*id, pointer));
        // A template that is one field keeps what the field refers to.
        let whole =
            written.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).and_then(|index| index.parse().ok());
        let too_long = || {
            Text::symbol(Symbol {
                name: format!("(a text of more than {LONGEST} bytes)").into(),
                scope: SymbolScope::Field,
                reason: Reason::new(Cause::Undecidable, Iam::TooLong { bytes: LONGEST }),
            })
        };
        if let Some(text) = whole.and_then(field) {
            return if text.known_len() > LONGEST { too_long() } else { text };
        }
        let mut parts: Vec<Part> = vec![];
        let mut length = 0;
        let mut rest = written;
        while let Some((before, after)) = rest.split_once('{') {
            parts.push(Part::Known(before.into()));
            let end = after.find('}');
            let put = end.and_then(|end| field(after[..end].parse().ok()?).map(|text| (text, end)));
            match put {
                Some((text, end)) => {
                    length += before.len() + text.known_len();
                    if length > LONGEST {
                        return too_long();
                    }
                    parts.extend(text.into_parts());
                    rest = &after[end + 1..];
                }
                None => {
                    parts.push(Part::Known("{".into()));
                    rest = after;
                }
            }
        }
        parts.push(Part::Known(rest.into()));
        Text::from_parts(parts)
    }

    /// A field's text, with its symbols. What is unknown or absent is a hole of its own.
    fn field(&self, id: ItemId, pointer: &str) -> Text {
        let hole = |reason| {
            Text::symbol(Symbol {
                name: format!("(field {}{pointer})", id.0).into(),
                scope: SymbolScope::Field,
                reason,
            })
        };
        let Some(item) = self.inventory.item(id) else {
            return hole(Reason::new(Cause::NotProvided, Iam::NoItem));
        };
        let absent = || {
            hole(Reason::new(Cause::NotProvided, Iam::NoField { item: (&*item.name).into(), pointer: pointer.into() }))
        };
        if let Some(fact) = pointer.strip_prefix('@') {
            // What acts as a role lives where the role or its policies do.
            if acts_as_role(item) {
                let home = self.homes(self.asker_item(id).as_deref(), None).0;
                match fact {
                    "account" => return home.account,
                    "region" => return home.region,
                    "partition" => return home.partition,
                    _ => {}
                }
            }
            let aws = item.aws.as_deref();
            let node = match fact {
                "arn" => return self.arn_of(id),
                "account" => aws.and_then(|aws| aws.account.as_ref()),
                "region" => aws.and_then(|aws| aws.region.as_ref()),
                "partition" => aws.and_then(|aws| aws.partition.as_ref()),
                "name" => return Text::from(&*item.name),
                _ => None,
            };
            return match node.map(|node| &node.value) {
                Some(Value::Text(text)) => text.clone(),
                Some(Value::Unknown(reason)) => hole((**reason).clone()),
                _ => absent(),
            };
        }
        let segments = pointer::segments(pointer).unwrap_or_default();
        match pointer::follow(&item.body, &segments) {
            Step::Absent => absent(),
            Step::Unknown(reason, ..) => hole(reason),
            Step::Key(key, _) => key.clone(),
            Step::Node(node) => match &node.value {
                Value::Text(text) => text.clone(),
                Value::Number(number) => Text::from(crate::inventory::node::json_number(*number).to_string()),
                Value::Flag(flag) => Text::from(if *flag { "true" } else { "false" }),
                Value::Unknown(reason) => hole((**reason).clone()),
                Value::Null => absent(),
                Value::List(_) | Value::Map(_) => hole(Reason::new(
                    Cause::Undecidable,
                    Iam::NotText { item: (&*item.name).into(), pointer: pointer.into() },
                )),
            },
        }
    }

    /// An item's ARN, which also says which resource of a template it is.
    fn arn_of(&self, id: ItemId) -> Text {
        let Some(item) = self.inventory.item(id) else { return nobody() };
        let arn = item.aws.as_deref().and_then(|aws| aws.arn.as_ref()).map(|node| &node.value);
        let text = match arn {
            Some(Value::Text(text)) => text.clone(),
            // AWS makes up a key's id. That it is a key of its home is known all the same.
            _ if &*item.kind == target::KEY => target::arn_of_key(id, item),
            // So it is with a rule's name: that it is a rule rules out the bucket that a policy may be pinned to.
            _ if &*item.kind == target::EVENT_RULE => target::arn_of_event_rule(id, item),
            Some(Value::Unknown(reason)) => Text::symbol(Symbol {
                name: format!("(the ARN of item {})", id.0).into(),
                scope: SymbolScope::Run,
                reason: (**reason).clone(),
            }),
            _ => Text::symbol(Symbol {
                name: format!("(the ARN of item {})", id.0).into(),
                scope: SymbolScope::Run,
                reason: Reason::new(Cause::NotProvided, Iam::Arn { item: (&*item.name).into() }),
            }),
        };
        referring(text, item)
    }

    /// The principal as an item, and what it holds.
    fn asker(&self, question: &RequestSpec) -> Option<Arc<Asker>> {
        let id = match &question.principal {
            PrincipalSpec::Item(id) => *id,
            PrincipalSpec::Arn(written) => {
                let wanted = self.template(written, &question.fields);
                let exact = self.by_arn(ROLE, &wanted).or_else(|| self.by_arn(USER, &wanted));
                let Some(id) = exact else {
                    let role = self.role_of_session(&wanted)?;
                    let asker = self.asker_item(role)?;
                    return Some(Arc::new(Asker { session: Some(wanted), ..(*asker).clone() }));
                };
                id
            }
            PrincipalSpec::Service(_) | PrincipalSpec::Federated(_) | PrincipalSpec::Anyone => return None,
        };
        self.asker_item(id)
    }

    /// The first item of a type that has this ARN.
    fn by_arn(&self, kind: &'static str, arn: &Text) -> Option<ItemId> {
        let own = |id: ItemId| match self.inventory.item(id)?.aws.as_deref()?.arn.as_ref().map(|node| &node.value) {
            Some(Value::Text(own)) => Some(own),
            _ => None,
        };
        let index = known_or(&self.cache.arns, (self.inventory.before, kind), || {
            let mut made = ByArn::new();
            for id in self.inventory.of_kind(kind) {
                if let Some(own) = own(id) {
                    made.entry(own.to_string()).or_default().push(id);
                }
            }
            Arc::new(made)
        });
        // Symbols of one name may be two all the same.
        let same = |id: &ItemId| own(*id).is_some_and(|own| own.same(arn) == Ternary::Yes);
        index.get(&arn.to_string())?.iter().copied().find(same)
    }

    /// The one role whose session an ARN names. An account has no two roles of one name, whatever their paths.
    fn role_of_session(&self, arn: &Text) -> Option<ItemId> {
        let asked = Identity::new(arn.clone());
        asked.session.as_ref()?;
        let is_it = |id: &ItemId| {
            let role = Identity::new(self.arn_of(*id));
            role.name() == asked.name() && role.account.same(&asked.account) != Ternary::No
        };
        let mut found = self.inventory.of_kind(ROLE).into_iter().filter(is_it);
        found.next().filter(|_| found.next().is_none())
    }

    /// An item as a principal.
    fn asker_item(&self, id: ItemId) -> Option<Arc<Asker>> {
        known_or(&self.cache.askers, (self.inventory.before, id), || self.new_asker(id).map(Arc::new))
    }

    fn new_asker(&self, id: ItemId) -> Option<Asker> {
        let item = self.inventory.item(id)?;
        match &*item.kind {
            ROLE | USER => Some(Asker::new(Some(id), Some(id), self.arn_of(id), self.held(id))),
            _ if acts_as_role(item) => {
                let role = self.inventory.related(id, "/Role").unwrap_or_default().pop();
                match role.map(|link| link.item) {
                    Some(Found::Known(role)) => Some(Asker {
                        acts: Some(id),
                        ..Asker::new(Some(role), Some(role), self.arn_of(role), self.held(role))
                    }),
                    _ => {
                        let arn = match self.inventory.node(id, "/Role").map(|node| &node.value) {
                            Some(Value::Text(text)) => text.clone(),
                            _ => self.field(id, "/Role"),
                        };
                        Some(Asker { acts: Some(id), ..Asker::new(None, None, arn, self.without_role(id)) })
                    }
                }
            }
            _ => Some(Asker::new(None, Some(id), holder(item), self.held(id))),
        }
    }

    fn homes(&self, asker: Option<&Asker>, target: Option<ItemId>) -> (AccountRegion, AccountRegion) {
        let target = account_region::Known::of_item(target.and_then(|id| self.inventory.item(id)));
        let own = match asker {
            Some(asker) => account_region::Known::of_arn(&asker.arn)
                .or(account_region::Known::of_item(asker.lives.and_then(|id| self.inventory.item(id))))
                .or(account_region::Known::said_by(asker.acts.and_then(|id| self.inventory.item(id))))
                .or(asker.held.home.clone()),
            None => account_region::Known::default(),
        };
        let own_home = own.clone().or(target.clone());
        (own_home.home(), target.or(own).home())
    }

    fn document(&self, id: ItemId, pointer: &str, kind: PolicyKind) -> Option<Arc<Document>> {
        known_or(&self.cache.documents, (id, pointer.to_owned()), || {
            let node = self.inventory.node(id, pointer).filter(|node| !node.is_null())?;
            Some(Arc::new(Document::new(node, kind)))
        })
    }
}

/// Does it name a role that it acts as? Then it is no resource of AWS itself.
fn acts_as_role(item: &Item) -> bool {
    item.aws.is_none() && item.body.member("Role").is_some()
}

/// A principal of the inventory.
#[derive(Clone, Debug)]
struct Asker {
    /// The role or user itself.
    item: Option<ItemId>,
    /// The item that says where it lives.
    lives: Option<ItemId>,
    arn: Text,
    held: Arc<PrincipalPolicies>,
    /// The ARN of the very session, where that was asked for.
    session: Option<Text>,
    /// The item that acts as the role: a controller.
    acts: Option<ItemId>,
}

impl Asker {
    fn new(item: Option<ItemId>, lives: Option<ItemId>, arn: Text, held: Arc<PrincipalPolicies>) -> Self {
        Self { item, lives, arn, held, session: None, acts: None }
    }
}

/// Says which resource of a template or cluster an ARN is of.
fn referring(text: Text, item: &Item) -> Text {
    match item.aws.as_deref().and_then(|aws| aws.logical.first()) {
        Some(logical) => {
            text.referring(Address { scope: logical.scope, id: Arc::clone(&logical.id), attribute: "Arn".into() })
        }
        None => text,
    }
}

/// The ARN of whoever holds a policy.
fn holder(item: &Item) -> Text {
    Text::symbol(Symbol {
        name: format!("(any holder of {})", item.name).into(),
        scope: SymbolScope::Run,
        reason: Reason::new(Cause::NotProvided, Iam::Holder { policy: (&*item.name).into() }),
    })
}

fn nobody() -> Text {
    Text::symbol(Symbol {
        name: "(an unknown ARN)".into(),
        scope: SymbolScope::Run,
        reason: Reason::new(Cause::NotProvided, Iam::AnyArn),
    })
}

/// Something that nobody gave.
fn not_given(gap: Iam, place: Option<(ItemId, String)>) -> Unknown {
    Unknown { reason: Reason::new(Cause::NotProvided, gap), place }
}

//! A question over an inventory: who, what, on which resource; and the policies that bear on it.
//!
//! ```text
//! Question --(home, facts)--> Request          what the request says, and what follows from it
//!          --(held, target)--> Policies        of the principal, of the resource
//! ```

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::inventory::arn::AccountRegion;
use crate::inventory::reason::Iam;
use crate::inventory::{
    Address, Cause, Found, Item, ItemId, Reason, Scope, Symbol, SymbolScope, Ternary, Text, Unknown, Value,
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
mod templates;

use principal_policies::PrincipalPolicies;
use templates::Fields;

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
        let fields = &Fields::new(&question.fields);
        let service = question.action.split(':').next().unwrap_or_default().to_ascii_lowercase();
        let asker = self.asker(question, fields);
        let (target, arn) = match &question.target {
            Target::Item(id) => (Some(*id), None),
            Target::Arn(written) => {
                let arn = self.template(written, fields);
                (self.resource_by_arn(&arn), Some(arn))
            }
        };
        let (own_home, target_home) = self.homes(asker.as_deref(), target);
        let principal = match (&question.principal, &asker) {
            (PrincipalSpec::Service(name), _) => Principal::Service(self.template(name, fields)),
            (PrincipalSpec::Federated(provider), _) => {
                Principal::Federated(account_region::complete(&self.template(provider, fields), &target_home))
            }
            (PrincipalSpec::Anyone, _) => Principal::Anyone,
            (PrincipalSpec::Arn(written), None) => {
                let arn = account_region::complete(&self.template(written, fields), &target_home);
                Principal::Identity(Identity::new(arn))
            }
            (_, asker) => Principal::Identity(match (asker, target) {
                (Some(asker), None) => asker.identity.get_or_init(|| self.identity(Some(asker), &own_home)).clone(),
                // What is not known of its home is taken from the target's.
                (asker, _) => self.identity(asker.as_deref(), &own_home),
            }),
        };
        // Taken apart once, for all that looks at a part of it.
        let apart = |resource: Text| (super::arn::split(&resource), resource);
        let (parts, resource) = match (&arn, target) {
            (Some(arn), _) => account_region::taken_apart(arn, &own_home),
            (None, Some(id)) => apart(account_region::fill(&self.arn_of(id), &target_home)),
            (None, None) => apart(nobody()),
        };
        let parts = parts.map(Box::new);
        if let Some(asker) = &asker {
            self.own_policies(&asker.held, &service, &own_home, &mut policies);
        } else if let (PrincipalSpec::Arn(_), Principal::Identity(identity)) = (&question.principal, &principal) {
            principal_policies::stranger(identity, &service, &mut policies);
        }
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
            let key = self.template(key, fields);
            context.set(key, self.given(operand, fields));
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

    /// Who asks, living somewhere.
    fn identity(&self, asker: Option<&Asker>, home: &AccountRegion) -> Identity {
        let mut identity = Identity::new(asker.map_or_else(nobody, |asker| account_region::fill(&asker.arn, home)));
        if identity.account.hole().is_some() {
            identity.account = home.account.clone();
        }
        let item = asker.and_then(|asker| self.inventory.item(asker.item?));
        if item.is_some_and(|item| &*item.kind == USER) {
            identity.kind = IdentityKind::User;
        }
        identity.session = asker.and_then(|asker| asker.session.clone());
        identity
    }

    /// The context keys that a question itself names, as people read them: `aws:SourceArn = …`.
    pub fn stated(&self, question: &RequestSpec) -> Vec<String> {
        let fields = &Fields::new(&question.fields);
        question
            .context
            .iter()
            .map(|(key, operand)| {
                let key = self.template(key, fields);
                match self.given(operand, fields) {
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
    fn asker(&self, question: &RequestSpec, fields: &Fields<'_>) -> Option<Arc<Asker>> {
        let id = match &question.principal {
            PrincipalSpec::Item(id) => *id,
            PrincipalSpec::Arn(written) => {
                let wanted = self.template(written, fields);
                let exact = self.by_arn(ROLE, &wanted).or_else(|| self.by_arn(USER, &wanted));
                let Some(id) = exact else {
                    let role = self.role_of_session(&wanted)?;
                    let asker = self.asker_item(role)?;
                    let identity = OnceLock::new();
                    return Some(Arc::new(Asker { session: Some(wanted), identity, ..(*asker).clone() }));
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
        let of_asker = |asker: &Asker| {
            account_region::Known::of_arn(&asker.arn)
                .or(account_region::Known::of_item(asker.lives.and_then(|id| self.inventory.item(id))))
                .or(account_region::Known::said_by(asker.acts.and_then(|id| self.inventory.item(id))))
                .or(asker.held.home.clone())
        };
        let own = match asker {
            Some(asker) => asker.home.get_or_init(|| of_asker(asker)).clone(),
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
    /// Where it lives, as far as it says itself. Worked out once: each of its requests asks for it several times.
    home: OnceLock<account_region::Known>,
    /// Who it is, where its requests are for no item.
    identity: OnceLock<Identity>,
}

impl Asker {
    fn new(item: Option<ItemId>, lives: Option<ItemId>, arn: Text, held: Arc<PrincipalPolicies>) -> Self {
        Self { item, lives, arn, held, session: None, acts: None, home: OnceLock::new(), identity: OnceLock::new() }
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

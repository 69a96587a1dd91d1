//! What `count` and `for_each` make of a block.

use std::rc::Rc;

use hcl_edit::structure::Block;

use super::{Env, Evaluator, Instance, ModuleInstance};
use crate::inventory::reason::Terraform;
use crate::inventory::{Cause, List, Map, Node, Reason, Value};
use crate::sources::terraform::hcl::code::In;
use crate::sources::terraform::hcl::functions::number;

/// Instances of one block.
pub(super) const MAX_INSTANCES: usize = 1_000;
pub(super) struct Instances {
    pub(super) all: Vec<Instance>,
    /// Can it be told which ones there are?
    pub(super) certain: bool,
}

impl<'a> Evaluator<'a> {
    pub(super) fn instances(&self, module: &Rc<ModuleInstance<'a>>, block: In<'a, Block>) -> Instances {
        let env = Env::new(module, block.source);
        let certain = |all| Instances { all, certain: true };
        let one = |suffix: &str, key: Option<Node>, vars: Vec<(String, Node)>| Instance {
            suffix: suffix.to_owned(),
            key,
            vars: Rc::new(vars),
        };
        let before = self.assume.replace(true);
        let made = (|| {
            if let Some(count) = block.it.body.get_attribute("count") {
                let node = self.eval(&env, &count.value);
                let at = node.at;
                return match node.value {
                    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "capped")]
                    Value::Number(count) => certain(
                        (0..(count as usize).min(MAX_INSTANCES))
                            .map(|index| {
                                let key = number(index, at);
                                one(&format!("[{index}]"), Some(key.clone()), vec![("count.index".into(), key)])
                            })
                            .collect(),
                    ),
                    _ => {
                        let key = number(0, at);
                        let vars = vec![("count.index".into(), key.clone())];
                        Instances { all: vec![one("[0]", Some(key), vars)], certain: false }
                    }
                };
            }
            let Some(each) = block.it.body.get_attribute("for_each") else {
                return certain(vec![one("", None, vec![])]);
            };
            let node = self.eval(&env, &each.value);
            let at = node.at;
            let entries: Option<Vec<(Node, Node)>> = match &node.value {
                Value::List(List { items, more }) if more.is_none() || !items.is_empty() => {
                    Some(items.iter().map(|item| (item.clone(), item.clone())).collect())
                }
                Value::Map(Map { entries, more }) if more.is_none() || !entries.is_empty() => {
                    Some(entries.iter().map(|(key, node)| (Node::text(key.clone(), node.at), node.clone())).collect())
                }
                Value::Null => Some(vec![]),
                _ => None,
            };
            let open = || {
                let reason = node.first_unknown().map_or_else(
                    || Reason::new(Cause::Symbolic, Terraform::Instances),
                    |(reason, _)| reason.as_cause(Cause::Symbolic),
                );
                let unknown = Node::because(reason, at);
                let vars = vec![("each.key".into(), unknown.clone()), ("each.value".into(), unknown)];
                one("[each]", None, vars)
            };
            let more = match &node.value {
                Value::List(list) => list.more.is_some(),
                Value::Map(map) => map.more.is_some(),
                _ => false,
            };
            match entries {
                Some(entries) => {
                    let mut all: Vec<Instance> = entries
                        .into_iter()
                        .take(MAX_INSTANCES)
                        .map(|(key, value)| {
                            let vars = vec![("each.key".into(), key.clone()), ("each.value".into(), value)];
                            one(&format!("[{}]", key.to_json()), Some(key), vars)
                        })
                        .collect();
                    if more {
                        all.push(open());
                    }
                    Instances { all, certain: !more }
                }
                None => Instances { all: vec![open()], certain: false },
            }
        })();
        self.assume.set(before);
        made
    }
}

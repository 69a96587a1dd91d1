//! Edits for what is denied: a value more in the statement that comes nearest, else a statement as Karpenter's template has it.

use super::call::Tags;
use super::{Denied, statement_at, statement_of};
use karpcheck_sdk::prelude::*;

/// Where a statement may be mended, in the order in which it is looked for.
const IAM: &[&str] = &["AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::Role"];

/// Adds the smallest change that lets what is denied pass, where it is mechanical.
pub(crate) fn with_edits(mut finding: Finding, denied: &[&Denied]) -> Finding {
    let mut values: Vec<(Field, Vec<String>)> = vec![];
    let mut rest: Vec<&Denied> = vec![];
    for one in denied {
        finding = finding.property("call", one.call.action).property("source", one.call.source);
        // What is forbidden stays so, whatever is allowed beside it.
        if one.decision.access == Access::ExplicitDeny {
            continue;
        }
        match nearest(one) {
            Some((field, new)) => match values.iter_mut().find(|(of, _)| *of == field) {
                // Two calls may lack the same value.
                Some((_, known)) => {
                    for value in new {
                        if !known.contains(&value) {
                            known.push(value);
                        }
                    }
                }
                None => values.push((field, new)),
            },
            None => rest.push(one),
        }
    }
    for (field, new) in values {
        finding = match field.known_text() {
            Some(only) => {
                let list: Vec<String> = std::iter::once(only).chain(new).collect();
                finding.edit(field, Value::Json(texts(&list)))
            }
            None => new.into_iter().fold(finding, |finding, value| finding.edit(field.child("-"), value)),
        };
    }
    // What has the same resources and conditions is one statement.
    let mut statements: Vec<(Field, String, Vec<String>)> = vec![];
    for one in rest {
        let (Some(list), Some(scope)) = (home(one), scope(one)) else { continue };
        let action = one.call.action.to_owned();
        match statements.iter_mut().find(|(of, of_scope, _)| *of == list && *of_scope == scope) {
            Some((.., actions)) => actions.push(action),
            None => statements.push((list, scope, vec![action])),
        }
    }
    for (list, scope, actions) in statements {
        let statement = format!("{{\"Effect\":\"Allow\",\"Action\":{},{scope}}}", texts(&actions));
        finding = finding.edit(list.child("-"), Value::Json(statement));
    }
    finding
}

/// May it be read? A decision only names the items of its statements.
pub(super) fn is_given(item: Item) -> bool {
    IAM.iter().flat_map(|kind| select(kind).known()).any(|policy| policy == item)
}

/// The list in the nearest statement that lacks something, and what it lacks; none where more than that keeps it from
/// applying.
fn nearest(denied: &Denied) -> Option<(Field, Vec<String>)> {
    let statement = statement_of(&denied.decision).filter(|statement| is_given(statement.item()))?;
    let mut own = denied.decision.statements.iter().filter(|place| statement_at(place) == statement);
    let (place, None) = (own.next()?, own.next()) else { return None };
    let element = place.item.field(place.pointer.as_str());
    let values: Vec<String> = match element.name().as_str() {
        "Resource" if !denied.call.action.starts_with("ec2:") || denied.kinds.iter().any(String::is_empty) => {
            return None;
        }
        // Where ids are named, more of them are, and not everything.
        "Resource" if denied.kinds.len() == 1 && !denied.ids.is_empty() => {
            denied.ids.iter().map(|id| format!("arn:*:ec2:*:*:{}/{id}", denied.kinds[0])).collect()
        }
        "Resource" => denied.kinds.iter().map(|kind| format!("arn:*:ec2:*:*:{kind}/*")).collect(),
        "aws:TagKeys" if element.parent().name().contains("ForAllValues") => {
            let wanted: &[&str] = match denied.call.sends {
                Tags::ClusterName => &["eks:eks-cluster-name"],
                Tags::Names => &["Name", "karpenter.sh/nodeclaim"],
                Tags::Linked => &["karpenter.sh/managed-by", "karpenter.sh/provisioner-name"],
                _ => &[],
            };
            let lacks = |key: &&&str| !element.each().known().any(|field| field.is(key));
            wanted.iter().filter(lacks).map(|key| (*key).to_owned()).collect()
        }
        "Action" => vec![denied.call.action.to_owned()],
        _ => vec![],
    };
    (!element.is_absent() && !values.is_empty()).then_some((element, values))
}

/// The list where a new statement goes: beside the nearest one, else beside the one that lets the controller launch.
fn home(denied: &Denied) -> Option<Field> {
    let beside = |statement: &Field| {
        let list = statement.parent();
        (list.name() == "Statement" && statement.index().is_some()).then_some(list)
    };
    let near = statement_of(&denied.decision).filter(|statement| is_given(statement.item()));
    if let Some(list) = near.as_ref().and_then(beside) {
        return Some(list);
    }
    let launches = |item: Item| {
        ["/PolicyDocument/Statement/*", "/Policies/*/PolicyDocument/Statement/*"].iter().find_map(|statements| {
            let actions = ["/Action", "/Action/*"].map(|action| item.find(&format!("{statements}{action}")));
            let launch = actions.into_iter().flat_map(Fields::known).find(|field| field.is("ec2:CreateFleet"))?;
            beside(&statement_at(&launch.place("")))
        })
    };
    IAM.iter().flat_map(|kind| select(kind).known()).find_map(launches)
}

/// Resource and conditions of a statement that allows no more than the template's does, as members of JSON. None where a name
/// is needed that is not known to the letter.
fn scope(denied: &Denied) -> Option<String> {
    let mut resources: Vec<String> = vec![];
    for on in &denied.on {
        let resource = match on.strip_prefix("arn::").and_then(|rest| rest.split_once(":::")) {
            None => (*on).to_owned(),
            Some(("iam", rest)) if rest.starts_with("instance-profile/") => "arn:*:iam::*:instance-profile/*".into(),
            Some(("ec2", rest)) => format!("arn:*:ec2:*:*:{}/*", rest.split('/').next()?),
            Some(("ssm", _)) => "arn:*:ssm:*::parameter/aws/service/*".into(),
            Some(("eks", _)) => format!("arn:*:eks:*:*:cluster/{}", denied.name.as_deref()?),
            Some(_) => return None,
        };
        if !resources.contains(&resource) {
            resources.push(resource);
        }
    }
    let conditions = conditions(denied)?;
    let mut text = format!("\"Resource\":{}", texts(&resources));
    if !conditions.is_empty() {
        let mut operators: Vec<&str> = conditions.iter().map(|(operator, ..)| *operator).collect();
        operators.dedup();
        let written: Vec<String> = operators
            .into_iter()
            .map(|operator| {
                let keys = conditions.iter().filter(|(of, ..)| *of == operator);
                let keys: Vec<String> = keys.map(|(_, key, values)| format!("{key:?}:{}", texts(values))).collect();
                format!("{operator:?}:{{{}}}", keys.join(","))
            })
            .collect();
        text.push_str(&format!(",\"Condition\":{{{}}}", written.join(",")));
    }
    Some(text)
}

/// Operator, key and values, sorted by operator.
fn conditions(denied: &Denied) -> Option<Vec<(&'static str, String, Vec<String>)>> {
    let call = denied.call;
    // A profile that does not exist has no tags: a condition on them would turn "not found" into "denied".
    if call.action == "iam:GetInstanceProfile" {
        return Some(vec![]);
    }
    let (pool, old) = if denied.tags_of < (0, 32, 0) {
        ("karpenter.sh/provisioner-name", true)
    } else {
        ("karpenter.sh/nodepool", denied.tags_of < (1, 0, 0))
    };
    let mut all: Vec<(&'static str, String, Vec<String>)> = vec![];
    for (tags, prefix) in [(call.sends, "aws:RequestTag/"), (call.found, "aws:ResourceTag/")] {
        let kept_by = match tags {
            Tags::Launch | Tags::Template | Tags::Beta => pool,
            Tags::Alpha => "karpenter.sh/provisioner-name",
            Tags::Linked => {
                all.push(("StringEquals", format!("{prefix}karpenter.sh/managed-by"), vec![denied.name.clone()?]));
                all.push(("StringLike", format!("{prefix}karpenter.sh/provisioner-name"), vec!["*".into()]));
                continue;
            }
            Tags::Profile => "karpenter.k8s.aws/ec2nodeclass",
            Tags::Names | Tags::ClusterName => {
                let mut keys = vec!["karpenter.sh/nodeclaim".to_owned(), "Name".to_owned()];
                if !old {
                    keys.insert(0, "eks:eks-cluster-name".into());
                    let key = format!("{prefix}eks:eks-cluster-name");
                    all.push(("StringEqualsIfExists", key, vec![denied.name.clone()?]));
                }
                all.push(("ForAllValues:StringEquals", "aws:TagKeys".into(), keys));
                continue;
            }
            Tags::None | Tags::Unknown => continue,
        };
        let name = denied.name.clone()?;
        all.push(("StringEquals", format!("{prefix}kubernetes.io/cluster/{name}"), vec!["owned".into()]));
        if !old && prefix == "aws:RequestTag/" {
            all.push(("StringEquals", format!("{prefix}eks:eks-cluster-name"), vec![name]));
        }
        all.push(("StringLike", format!("{prefix}{kept_by}"), vec!["*".into()]));
    }
    for (key, values) in call.with {
        // What is made of several facts is only read.
        if !values.iter().any(|value| value.contains('{')) {
            all.push(("StringEquals", (*key).to_owned(), values.iter().map(|value| (*value).to_owned()).collect()));
        }
    }
    all.sort_by_key(|(operator, ..)| *operator);
    Some(all)
}

/// A list in JSON, or its only element.
fn texts(list: &[String]) -> String {
    match list {
        [only] => format!("{only:?}"),
        list => format!("[{}]", list.iter().map(|text| format!("{text:?}")).collect::<Vec<_>>().join(",")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_json() {
        assert_eq!(texts(&["a".into()]), "\"a\"");
        assert_eq!(texts(&["a".into(), "b".into()]), "[\"a\",\"b\"]");
    }
}

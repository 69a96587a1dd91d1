//! Crossplane's Compositions: the objects that one makes for each instance, and what its patches leave open of them.

use crate::inventory::reason::Objects;
use crate::inventory::{Builder, Cause, Map, Node, Reason, Symbol, Text, Value};
use crate::schema::kinds::GatherScope;
use crate::sources::objects;
use crate::sources::objects::Carried;

/// Functions that change nothing of what the others compose: those that add objects of their own, and those that only look.
const HARMLESS: &[&str] = &["patch-and-transform", "go-templating", "auto-ready", "sequencer", "environment-configs"];

/// The objects that a composition makes, by its resources or by the functions of its pipeline.
pub(super) fn objects(builder: &mut Builder, composition: &Node, gather_scope: &GatherScope) -> Carried {
    let scope = builder.template();
    let spec = |name: &str| composition.at_path(&["spec", name]);
    let mut carried = Carried::default();
    if let Some(resources) = spec("resources") {
        let sets = spec("patchSets").map(Node::elements).unwrap_or_default();
        carried.objects.extend(bases(resources, sets));
    }
    let steps = spec("pipeline").map(Node::elements).unwrap_or_default();
    let harmless = |step: &Node| {
        let name = step.str_at(&["functionRef", "name"]).unwrap_or_default();
        HARMLESS.iter().any(|harmless| name.contains(harmless))
    };
    let others = !steps.iter().all(harmless);
    for input in steps.iter().filter_map(|step| step.member("input")) {
        let mut found = match input.member("resources").filter(|_| input.str_at(&["kind"]) == Some("Resources")) {
            Some(resources) => {
                let sets = input.member("patchSets").map(Node::elements).unwrap_or_default();
                Carried { objects: bases(resources, sets), broken: vec![] }
            }
            None => objects::carried(input, gather_scope),
        };
        if others {
            let reason = Reason::new(Cause::Symbolic, Objects::Functions);
            found.objects.iter_mut().for_each(|object| objects::open(object, &reason));
        }
        carried.objects.append(&mut found.objects);
        carried.broken.append(&mut found.broken);
    }
    // What has no name of its own gets one with each instance.
    for (number, object) in carried.objects.iter_mut().enumerate() {
        let at = object.at;
        let Value::Map(map) = &mut object.value else { continue };
        if map.get("metadata").is_none() {
            map.set("metadata", Node::new(Value::Map(Map::default()), at));
        }
        let Some(Value::Map(metadata)) = map.get_mut("metadata").map(|metadata| &mut metadata.value) else { continue };
        if metadata.get("name").is_none() {
            let symbol = Symbol::new(format!("${{composed-{number}}}"), scope, Objects::Composed);
            metadata.set("name", Node::text(Text::symbol(symbol), at));
        }
    }
    carried
}

/// The bases of some resources, with what their patches set unknown.
fn bases(resources: &Node, sets: &[Node]) -> Vec<Node> {
    let based = |resource: &Node| {
        let mut object = resource.member("base")?.clone();
        let own = resource.member("patches").map(Node::elements).unwrap_or_default();
        for patch in own {
            match patch.str_at(&["patchSetName"]) {
                Some(name) => {
                    let set = sets.iter().find(|set| set.str_at(&["name"]) == Some(name));
                    let patches = set.and_then(|set| set.member("patches")).map(Node::elements).unwrap_or_default();
                    patches.iter().for_each(|patch| leave_open(&mut object, patch));
                }
                None => leave_open(&mut object, patch),
            }
        }
        Some(object)
    };
    resources.elements().iter().filter_map(based).collect()
}

/// Makes unknown what a patch of the composed object sets.
fn leave_open(object: &mut Node, patch: &Node) {
    let kind = patch.str_at(&["type"]).unwrap_or("FromCompositeFieldPath");
    if kind.starts_with("To") || kind.starts_with("CombineTo") {
        return;
    }
    let Some(path) = patch.str_at(&["toFieldPath"]).or_else(|| patch.str_at(&["fromFieldPath"])) else { return };
    let unknown = Node::unknown(Cause::Symbolic, Objects::Composed, patch.at);
    set(object, &steps(path), unknown);
}

/// The steps of a field path: `spec.tags[0]["a.b"]` is `spec`, `tags`, `0`, `a.b`.
fn steps(path: &str) -> Vec<String> {
    let mut steps = vec![String::new()];
    let mut inside = false;
    for char in path.chars() {
        match char {
            '.' if !inside => steps.push(String::new()),
            '[' if !inside => {
                inside = true;
                steps.push(String::new());
            }
            ']' if inside => inside = false,
            '"' | '\'' if inside => {}
            char => steps.last_mut().into_iter().for_each(|step| step.push(char)),
        }
    }
    steps.retain(|step| !step.is_empty());
    steps
}

/// Sets what stands under a path; in a list that is too short, the list.
fn set(node: &mut Node, steps: &[String], value: Node) {
    let Some((first, rest)) = steps.split_first() else {
        *node = value;
        return;
    };
    match &mut node.value {
        Value::Map(map) => {
            if map.get(first).is_none() {
                map.set(first.as_str(), Node::new(Value::Map(Map::default()), value.at));
            }
            if let Some(inner) = map.get_mut(first) {
                set(inner, rest, value);
            }
        }
        Value::List(list) => match first.parse::<usize>().ok().and_then(|number| list.items.get_mut(number)) {
            Some(inner) => set(inner, rest, value),
            None => *node = value,
        },
        Value::Null | Value::Flag(_) | Value::Number(_) | Value::Text(_) | Value::Unknown(_) => *node = value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_paths_have_names_and_numbers() {
        assert_eq!(steps(r#"spec.forProvider.tags[0]["a.b/c"].x"#), ["spec", "forProvider", "tags", "0", "a.b/c", "x"]);
        assert_eq!(steps("metadata.labels[a.b]"), ["metadata", "labels", "a.b"]);
    }
}

//! Fields of one vocabulary as the properties of another: each source has tables that say which of its fields a property
//! of the schema is. Here they are renamed and nothing else; the inventory makes of the values what the schema says.

use crate::inventory::{List, Map, Node, Text, Value};
use crate::schema::aws;
use crate::schema::aws::Kind;

/// A field, and the property that it becomes: paths of names with `/` between. An empty path is the value itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    field: &'static str,
    property: &'static str,
    shape: Shape,
}

/// What stands in a field.
#[derive(Clone, Copy, Debug)]
enum Shape {
    /// A value of the property's kind.
    Value,
    /// An object, or a list of objects, with fields of its own.
    Block(Rows),
    /// A map by name, which is a list of objects: the members that the name and the value become.
    ByName(&'static str, &'static str),
}

impl Row {
    /// The field, if it is this property.
    pub(super) fn is(&self, property: &str) -> Option<&'static str> {
        (self.property == property).then_some(self.field)
    }
}

/// Later rows of a property count where they have a value.
pub(super) type Rows = &'static [Row];

/// The fields that are properties, as pointers: `*` stands for the place in a list, and what a value holds is a part of it.
pub(super) fn pointers(rows: Rows, spelling: Spelling) -> Vec<String> {
    let mut all = vec![];
    for row in rows {
        let field = spelling.of(row.field);
        match row.shape {
            Shape::Value | Shape::ByName(..) => all.push(format!("/{field}")),
            Shape::Block(inner) => {
                for inner in pointers(inner, spelling) {
                    all.push(format!("/{field}{inner}"));
                    all.push(format!("/{field}/*{inner}"));
                }
            }
        }
    }
    all
}

/// A field that is a property.
pub(super) const fn row(field: &'static str, property: &'static str) -> Row {
    Row { field, property, shape: Shape::Value }
}

/// A field with fields of its own.
pub(super) const fn block(field: &'static str, property: &'static str, inner: Rows) -> Row {
    Row { field, property, shape: Shape::Block(inner) }
}

/// A field with values by name.
pub(super) const fn by_name(
    field: &'static str,
    property: &'static str,
    name: &'static str,
    value: &'static str,
) -> Row {
    Row { field, property, shape: Shape::ByName(name, value) }
}

/// How the names of the fields are spelled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Spelling {
    /// As the table has them.
    Exact,
    /// `kms_master_key_id` is written `kmsMasterKeyId`.
    Camel,
}

impl Spelling {
    /// A name or a path of the table as it is written.
    pub(super) fn of(self, field: &str) -> String {
        match self {
            Self::Exact => field.to_owned(),
            Self::Camel => camel(field),
        }
    }
}

/// How a document refers to others, other than by their names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum References {
    /// Not at all.
    None,
    /// Fields that hold `{from: {name}}` (ACK).
    From,
    /// Fields beside the property's own that end in `Ref`, `Refs` or `Selector` (Crossplane).
    Beside,
}

/// A reference as a document has it.
pub(super) struct Reference<'a> {
    /// The type of the resource that it refers to; none where the property is no reference by the schema.
    pub(super) kind: Option<&'static str>,
    /// The attribute that it stands for.
    pub(super) attribute: &'static str,
    /// What is written.
    pub(super) value: &'a Node,
    /// The name of the field.
    pub(super) field: &'static str,
    /// Does it choose by labels?
    pub(super) selects: bool,
}

/// Maps the fields of one document.
pub(super) struct Mapper<'a> {
    /// How its fields are spelled.
    pub(super) spelling: Spelling,
    /// How it refers to others.
    pub(super) references: References,
    /// What a reference stands for: a text that refers. None where it refers to nothing.
    pub(super) refer: &'a dyn Fn(&Reference<'_>) -> Option<Node>,
    /// Is a field that is not there absent, rather than not said?
    pub(super) says_all: bool,
}

/// A document whose fields are called as in the table and refer to others by name only.
pub(super) const PLAIN: Mapper<'static> =
    Mapper { spelling: Spelling::Exact, references: References::None, refer: &|_| None, says_all: false };

impl Mapper<'_> {
    /// The properties of a resource of a type, or of what another kind holds.
    pub(super) fn properties(&self, rows: &[Row], kind: Kind, from: &Node) -> Map {
        let mut map = Map::default();
        for row in rows {
            match self.property(row, kind, from) {
                Some(node) => put(&mut map, row.property, node),
                None if self.says_all && map.get(row.property).is_none() => {
                    put(&mut map, row.property, Node::new(Value::Null, from.at));
                }
                None => {}
            }
        }
        // Fields that may be there and are not known to be leave properties that may be there.
        if let Some(more) = from.as_map().and_then(|map| map.more.as_ref()) {
            map.more = Some(more.clone());
        }
        map
    }

    /// A part of a resource: an object by its rows, or the only field's value.
    pub(super) fn value(&self, rows: &[Row], kind: Kind, from: &Node) -> Option<Node> {
        match rows {
            [only] if only.property.is_empty() => self.property(only, kind, from),
            _ => Some(Node::new(Value::Map(self.properties(rows, kind, from)), from.at)),
        }
    }

    fn property(&self, row: &Row, outer: Kind, from: &Node) -> Option<Node> {
        let kind = match row.property {
            "" => Some(outer),
            path => path.split('/').try_fold(outer, aws::inner),
        };
        let mut path = row.field.split('/').map(|name| self.spelled(name));
        let last = path.next_back()?;
        let mut parent = from;
        for name in path {
            parent = match step(parent, &name) {
                Some(next) => next,
                // A placeholder where the parent belongs leaves the property unknown.
                None => return opaque(parent),
            };
        }
        let parent = single(parent);
        let own = parent.member(&last);
        let written = own.filter(|field| !field.is_blank());
        let refers = kind.and_then(Kind::refers);
        if let (References::Beside, Some((to, attribute))) = (self.references, refers) {
            let is_list = matches!(kind, Some(Kind::List(_)));
            if let Some(node) = self.beside(row.field, (parent, &last), written, (to, attribute), is_list) {
                return Some(node);
            }
        }
        match written {
            Some(field) => self.shaped(row, kind, field, refers),
            None if own.is_none() => opaque(parent),
            None => None,
        }
    }

    /// A name as the document spells it.
    pub(super) fn spelled(&self, name: &str) -> String {
        self.spelling.of(name)
    }

    /// A field that is written as a reference beside it. What a controller resolved stands in the field itself.
    fn beside(
        &self,
        field: &'static str,
        (parent, name): (&Node, &str),
        own: Option<&Node>,
        (kind, attribute): (&'static str, &'static str),
        is_list: bool,
    ) -> Option<Node> {
        let one = |suffix: &str, selects: bool| {
            let value = parent.member(&format!("{name}{suffix}"))?;
            (self.refer)(&Reference { kind: Some(kind), attribute, value, field, selects })
        };
        if let Some(reference) = one("Ref", false).or_else(|| one("Selector", true).filter(|_| !is_list)) {
            return Some(match own {
                Some(own) => known_and_referring(own, &reference),
                None => reference,
            });
        }
        if own.is_some() || !is_list {
            return None;
        }
        let refs = parent.member(&format!("{name}Refs"));
        let selector = parent.member(&format!("{name}Selector"));
        let at = refs.or(selector)?.at;
        let all = refs.map(Node::elements).unwrap_or_default().iter().map(|value| (value, false));
        let items: Vec<Node> = all
            .chain(selector.map(|value| (value, true)))
            .filter_map(|(value, selects)| {
                (self.refer)(&Reference { kind: Some(kind), attribute, value, field, selects })
            })
            .collect();
        Some(Node::new(Value::List(List { items, more: None }), at))
    }

    fn shaped(
        &self,
        row: &Row,
        kind: Option<Kind>,
        field: &Node,
        refers: Option<(&'static str, &'static str)>,
    ) -> Option<Node> {
        match row.shape {
            Shape::Value if self.references == References::From => self.from(row, field, refers),
            Shape::Value => Some(field.clone()),
            Shape::Block(rows) => {
                let inner = kind.unwrap_or(Kind::Map);
                Some(match &field.value {
                    Value::List(list) => {
                        let items = list.items.iter().map(|element| self.element(rows, inner, element)).collect();
                        Node::new(Value::List(List { items, more: list.more.clone() }), field.at)
                    }
                    _ => self.element(rows, inner, field),
                })
            }
            Shape::ByName(name, value) => {
                let Value::Map(map) = &field.value else { return Some(field.clone()) };
                let object = |(key, node): &(Text, Node)| {
                    let entries = [(name.into(), Node::text(key.clone(), node.at)), (value.into(), node.clone())];
                    Node::new(Value::Map(entries.into_iter().collect()), node.at)
                };
                let items = map.entries.iter().map(object).collect();
                Some(Node::new(Value::List(List { items, more: map.more.clone() }), field.at))
            }
        }
    }

    fn element(&self, rows: Rows, kind: Kind, element: &Node) -> Node {
        match &element.value {
            Value::Map(_) => Node::new(Value::Map(self.properties(rows, kind, element)), element.at),
            _ => element.clone(),
        }
    }

    /// `{from: {name}}`, or a list of such.
    fn from(&self, row: &Row, field: &Node, refers: Option<(&'static str, &'static str)>) -> Option<Node> {
        let name = row.field.rsplit('/').next().unwrap_or_default();
        if !(name.ends_with("Ref") || name.ends_with("Refs")) {
            return Some(field.clone());
        }
        let attribute =
            refers.map_or_else(|| row.property.rsplit('/').next().unwrap_or_default(), |(_, attribute)| attribute);
        let one = |value| {
            let reference =
                Reference { kind: refers.map(|(kind, _)| kind), attribute, value, field: row.field, selects: false };
            (self.refer)(&reference)
        };
        match &field.value {
            Value::List(list) => {
                let items = list.items.iter().filter_map(one).collect();
                Some(Node::new(Value::List(List { items, more: list.more.clone() }), field.at))
            }
            _ => one(field),
        }
    }

    /// The fields of a document that no row takes, by their paths from it.
    pub(super) fn unmapped(&self, rows: Rows, from: &Node, found: &mut dyn FnMut(String)) {
        self.leftover(rows, from, ("", ""), found);
    }

    /// `taken` is the path from the rows' beginning, `shown` that from the document's.
    fn leftover(&self, rows: Rows, from: &Node, (taken, shown): (&str, &str), found: &mut dyn FnMut(String)) {
        let Value::Map(map) = &from.value else {
            from.elements().iter().for_each(|element| self.leftover(rows, element, (taken, shown), found));
            return;
        };
        for (key, node) in map.entries.iter().filter(|(_, node)| !is_nothing(node)) {
            let name = key.to_string();
            let (path, written) = (join(taken, &name), join(shown, &name));
            let spelled = |row: &Row| row.field.split('/').map(|name| self.spelled(name)).collect::<Vec<_>>().join("/");
            let mut inside = false;
            let mut mapped = false;
            for row in rows {
                let own = spelled(row);
                if own == path {
                    mapped = true;
                    if let Shape::Block(inner) = row.shape {
                        self.leftover(inner, node, ("", &written), found);
                    }
                } else if own.starts_with(&format!("{path}/")) {
                    inside = true;
                } else if self.references == References::Beside
                    && path.strip_prefix(&own).is_some_and(|rest| ["Ref", "Refs", "Selector"].contains(&rest))
                {
                    mapped = true;
                }
            }
            match (mapped, inside) {
                (true, _) => {}
                (false, true) => self.leftover(rows, node, (&path, &written), found),
                (false, false) => found(written),
            }
        }
    }
}

/// What a document calls a property: the way to its field. None for a property that no row has, or that is written in another
/// shape.
pub(super) fn written(rows: &[Row], spelling: Spelling, path: &[String]) -> Option<Vec<String>> {
    let mapper = Mapper { spelling, ..PLAIN };
    rows.iter().find_map(|row| {
        let property: Vec<&str> = row.property.split('/').filter(|name| !name.is_empty()).collect();
        let rest = path
            .strip_prefix(property.as_slice().iter().map(|name| (*name).to_owned()).collect::<Vec<_>>().as_slice())?;
        let last = row.field.rsplit('/').next().unwrap_or_default();
        // What only AWS says is no field to be set, and a reference is written otherwise.
        if row.field.starts_with("status/") || last.ends_with("Ref") || last.ends_with("Refs") || property.is_empty() {
            return None;
        }
        let mut field: Vec<String> = row.field.split('/').map(|name| mapper.spelled(name)).collect();
        match row.shape {
            Shape::Value => field.extend(rest.iter().cloned()),
            Shape::ByName(..) => return None,
            Shape::Block(inner) => {
                let (index, rest) = match rest.split_first() {
                    Some((index, rest)) if index.parse::<usize>().is_ok() => (Some(index.clone()), rest),
                    _ => (None, rest),
                };
                field.extend(index);
                field.extend(written(inner, spelling, rest)?);
            }
        }
        Some(field)
    })
}

fn join(before: &str, name: &str) -> String {
    if before.is_empty() { name.to_owned() } else { format!("{before}/{name}") }
}

fn is_nothing(node: &Node) -> bool {
    match &node.value {
        Value::Null => true,
        Value::Text(text) => text.is_empty(),
        Value::List(list) => list.items.is_empty() && list.more.is_none(),
        Value::Map(map) => map.entries.is_empty() && map.more.is_none(),
        Value::Flag(_) | Value::Number(_) | Value::Unknown(_) => false,
    }
}

/// A block that may occur once is an object in one version and a list of one in another.
fn single(node: &Node) -> &Node {
    match node.elements() {
        [only] if only.as_map().is_some() => only,
        _ => node,
    }
}

fn step<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    single(node).member(name).filter(|next| !next.is_null())
}

/// Something unknown where an object belongs makes what is asked of it unknown.
fn opaque(node: &Node) -> Option<Node> {
    match &node.value {
        Value::Unknown(_) => Some(node.clone()),
        Value::Text(_) => {
            let (reason, at) = node.first_unknown()?;
            Some(Node::new(Value::Unknown(Box::new(reason)), at))
        }
        // A block that there may be.
        Value::List(List { items, more: Some(more) }) if items.is_empty() => {
            Some(Node::new(Value::Unknown(more.clone()), node.at))
        }
        _ => None,
    }
}

/// A text as it is written, which refers to what the reference beside it refers to.
fn known_and_referring(own: &Node, reference: &Node) -> Node {
    match (&own.value, &reference.value) {
        (Value::Text(text), Value::Text(reference)) => match reference.refers() {
            Some(address) => Node::text(text.clone().referring(address.clone()), own.at),
            None => own.clone(),
        },
        _ => own.clone(),
    }
}

/// Sets a property, which may be one of an object inside.
pub(super) fn put(map: &mut Map, property: &str, node: Node) {
    match property.split_once('/') {
        None => map.set(property, node),
        Some((outer, inner)) => {
            if !matches!(map.get(outer), Some(Node { value: Value::Map(_), .. })) {
                map.set(outer, Node::new(Value::Map(Map::default()), node.at));
            }
            if let Some(Value::Map(map)) = map.get_mut(outer).map(|outer| &mut outer.value) {
                put(map, inner, node);
            }
        }
    }
}

/// `kms_master_key_id` as `kmsMasterKeyId`.
pub(super) fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let mut spelled = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut chars = word.chars();
        spelled.extend(chars.next().map(|first| first.to_ascii_uppercase()));
        spelled.push_str(chars.as_str());
    }
    spelled
}

/// `kmsMasterKeyId` as `kms_master_key_id`.
pub(super) fn snake(name: &str) -> String {
    let mut spelled = String::new();
    for char in name.chars() {
        if char.is_ascii_uppercase() && !spelled.is_empty() {
            spelled.push('_');
        }
        spelled.push(char.to_ascii_lowercase());
    }
    spelled
}

/// Shows that the properties of a table are in the schema.
#[cfg(test)]
pub(super) fn check(rows: Rows, kind: Kind, whose: &str) {
    for row in rows {
        let path: &[&str] = &row.property.split('/').filter(|name| !name.is_empty()).collect::<Vec<_>>();
        let Some(inner) = path.iter().try_fold(kind, |kind, name| aws::inner(kind, name)) else {
            panic!("{} of {whose} is not in the schema", row.property);
        };
        match row.shape {
            Shape::Value => {}
            Shape::Block(rows) => check(rows, inner, whose),
            Shape::ByName(name, value) => {
                assert!(aws::inner(inner, name).is_some() && aws::inner(inner, value).is_some(), "{whose}: {name}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{At, DocId};

    fn yaml(text: &str) -> Node {
        crate::formats::yaml::read(text, DocId(0)).next().expect("a document").node.expect("sound")
    }

    const CAMEL: Mapper<'static> = Mapper { spelling: Spelling::Camel, ..PLAIN };

    #[test]
    fn arguments_are_spelled_as_crossplane_does() {
        for (snake, spelled) in [
            ("kms_master_key_id", "kmsMasterKeyId"),
            ("name", "name"),
            ("sqs_managed_sse_enabled", "sqsManagedSseEnabled"),
        ] {
            assert_eq!(camel(snake), spelled);
        }
    }

    #[test]
    fn a_path_leads_through_an_object_or_a_list_of_one() {
        const ROWS: Rows = &[row("server_side_encryption/enabled", "SSESpecification/SSEEnabled")];
        for block in ["{serverSideEncryption: {enabled: true}}", "{serverSideEncryption: [{enabled: true}]}"] {
            let map = CAMEL.properties(ROWS, Kind::Map, &yaml(block));
            let enabled =
                Node::new(Value::Map(map), At::default()).at_path(&["SSESpecification", "SSEEnabled"]).cloned();
            assert!(matches!(enabled.map(|node| node.value), Some(Value::Flag(true))), "{block}");
        }
    }

    #[test]
    fn a_property_has_the_name_that_its_document_has_for_it() {
        const ROWS: Rows = &[
            row("status/queue_url", "QueueUrl"),
            row("server_side/enabled", "SSESpecification/SSEEnabled"),
            block("rules", "Rules", &[row("rule_id", "Id")]),
            row("key_ref", "Key"),
            row("policy", "Policy"),
        ];
        let name = |path: &str| {
            let path: Vec<String> = path.split('/').map(str::to_owned).collect();
            written(ROWS, Spelling::Camel, &path).map(|path| path.join("/"))
        };
        assert_eq!(name("SSESpecification/SSEEnabled").as_deref(), Some("serverSide/enabled"));
        assert_eq!(name("Rules/0/Id").as_deref(), Some("rules/0/ruleId"));
        assert_eq!(name("Policy/Statement/-").as_deref(), Some("policy/Statement/-"));
        for unnamed in ["QueueUrl", "Rules/-", "Other", "SSESpecification"] {
            assert_eq!(name(unnamed), None, "{unnamed}");
        }
    }

    #[test]
    fn what_no_row_takes_is_listed() {
        const ROWS: Rows =
            &[row("name", "Name"), row("outer/taken", "Taken"), block("rules", "Rules", &[row("id", "Id")])];
        let node = yaml(
            "{name: a, nameX: b, outer: {taken: 1, left: 2, none: null}, rules: [{id: 1}, {id: 2, more: {a: b}}]}",
        );
        let mut found = vec![];
        CAMEL.unmapped(ROWS, &node, &mut |path| found.push(path));
        assert_eq!(found, ["nameX", "outer/left", "rules/more"]);
    }
}

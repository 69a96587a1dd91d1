//! Modules whose facts karpcheck knows by itself, written as Terraform would have them: a call of one is then read like that
//! of any other module.

use std::collections::HashMap;
use std::path::PathBuf;

use hcl_edit::structure::Block;

use crate::inventory::reason::Terraform;
use crate::inventory::{At, Cause, DocId, Node, Value};
use crate::karpenter::terraform_modules;
use crate::karpenter::terraform_modules::{
    Argument, Document, Event, Given, Holds, Made, Module, Statement, Versions, Words,
};
use crate::sources::terraform::hcl::code::{Code, Decided, Source};

/// An input of every known module that is unknown: what depends on it differs among the versions that a call leaves open.
const VERSION: &str = "var.module_version";

/// The known modules that calls mean, each with the versions that a call leaves open.
#[derive(Default)]
pub(super) struct Sources(HashMap<Call, (Source, Vec<Decided>)>);

type Call = (&'static str, &'static str, Versions);

/// Their code.
pub(super) struct Known<'k>(HashMap<Call, Code<'k>>);

fn called(block: &Block) -> Option<(&'static Module, Versions, &str)> {
    let argument = |name: &str| block.body.get_attribute(name).and_then(|attribute| attribute.value.as_str());
    let inputs: Vec<&str> = block.body.attributes().map(|attribute| attribute.key.as_str()).collect();
    let (source, version) = (argument("source")?, argument("version"));
    let (module, open) = terraform_modules::find(source, version, &inputs)?;
    Some((module, open, version.unwrap_or(source)))
}

impl Sources {
    /// Those that are called anywhere in these folders.
    pub(super) fn of(codes: &[Code<'_>]) -> Self {
        let mut sources = Self::default();
        for block in codes.iter().flat_map(|code| code.modules.values()) {
            if let Some((module, open, constraint)) = called(block.it) {
                sources.0.entry((module.registry, module.folder, open)).or_insert_with(|| {
                    (Writer { open, text: String::new() }.source(module), given(module, open, constraint))
                });
            }
        }
        sources
    }
}

impl<'k> Known<'k> {
    pub(super) fn new(sources: &'k Sources) -> Self {
        let code = |(call, (source, given)): (&Call, &'k (Source, Vec<Decided>))| {
            let mut code = Code::new(PathBuf::new(), &[source]).0;
            code.known = Some(given.clone());
            (*call, code)
        };
        Self(sources.0.iter().map(code).collect())
    }

    /// The code that a call means.
    pub(super) fn find(&self, block: &Block) -> Option<&Code<'k>> {
        let (module, open, _) = called(block)?;
        self.0.get(&(module.registry, module.folder, open))
    }
}

/// What the versions decide about the inputs.
fn given(module: &Module, open: Versions, constraint: &str) -> Vec<Decided> {
    let unknown = || {
        let gap = Terraform::ModuleVersion { constraint: constraint.into() };
        Node::unknown(Cause::Symbolic, gap, At::default())
    };
    let decided =
        |input: &str, value: Node, only_if_given: bool| Decided { input: input.to_owned(), value, only_if_given };
    let mut given = vec![decided(VERSION.trim_start_matches("var."), unknown(), false)];
    for (versions, input, value) in module.fixed {
        match versions.hold(open) {
            Holds::Yes => given.push(decided(input, Node::new(Value::Flag(*value), At::default()), false)),
            Holds::Perhaps => {
                let default = one_of(open, module.inputs, input);
                given.push(decided(input, unknown(), default == Some(if *value { "true" } else { "false" })));
            }
            Holds::No => {}
        }
    }
    given
}

/// The value of an argument that may be another one in each version; none where it cannot be told.
fn one_of(open: Versions, all: &[Argument], name: &str) -> Option<&'static str> {
    let mut found = None;
    for argument in all.iter().filter(|argument| argument.name == name) {
        match argument.versions.hold(open) {
            Holds::Yes => found = Some(argument.value),
            Holds::Perhaps => return None,
            Holds::No => {}
        }
    }
    found
}

/// Writes what holds in some versions.
struct Writer {
    open: Versions,
    text: String,
}

impl Writer {
    fn source(mut self, module: &Module) -> Source {
        self.module(module);
        Source::parse(DocId(0), self.text).unwrap_or_else(|_| Source::empty(DocId(0)))
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn module(&mut self, module: &Module) {
        for data in ["aws_region", "aws_partition", "aws_caller_identity"] {
            let region = if data == "aws_region" { "region = try(var.region, null)" } else { "" };
            self.line(&format!("data \"{data}\" \"current\" {{ {region} }}"));
        }
        for input in distinct(module.inputs) {
            let default = one_of(self.open, module.inputs, input).map(|value| format!("default = {value}"));
            self.line(&format!("variable \"{input}\" {{ {} }}", default.unwrap_or_default()));
        }
        self.line("locals {");
        for (name, value) in [
            ("partition", "data.aws_partition.current.partition"),
            ("dns_suffix", "data.aws_partition.current.dns_suffix"),
            ("account_id", "data.aws_caller_identity.current.account_id"),
            ("region", "data.aws_region.current.name"),
        ] {
            self.line(&format!("{name} = {value}"));
        }
        for local in distinct(module.locals) {
            if let Some(value) = one_of(self.open, module.locals, local) {
                self.line(&format!("{local} = {value}"));
            }
        }
        let events: Vec<String> = module.events.iter().filter_map(|event| self.event(event)).collect();
        self.line(&format!("events = merge({})\n}}", events.join(", ")));
        module.documents.iter().for_each(|document| self.document(document));
        module.makes.iter().for_each(|made| self.made(made));
        for (name, value) in module.outputs {
            self.line(&format!("output \"{name}\" {{\nvalue = {value}\n}}"));
        }
    }

    /// What is there only in some versions, under a condition.
    fn under(&self, versions: Versions, when: &str) -> Option<String> {
        let when = if when.is_empty() { "true" } else { when };
        match versions.hold(self.open) {
            Holds::Yes => Some(when.to_owned()),
            Holds::Perhaps if when == "true" => Some(VERSION.to_owned()),
            Holds::Perhaps => Some(format!("{when} && {VERSION}")),
            Holds::No => None,
        }
    }

    fn event(&self, event: &Event) -> Option<String> {
        let Event { versions, key, name, source, detail_type } = *event;
        let when = self.under(versions, "")?;
        let pattern = format!("{{ source = [\"{source}\"], detail-type = [\"{detail_type}\"] }}");
        let one = format!("{{ {key} = {{ name = \"{name}\", event_pattern = {pattern} }} }}");
        Some(if when == "true" { one } else { format!("{when} ? {one} : {{}}") })
    }

    fn document(&mut self, document: &Document) {
        self.line(&format!("data \"aws_iam_policy_document\" \"{}\" {{", document.name));
        for argument in document.arguments {
            self.argument(argument);
        }
        for (when, statements) in document.statements {
            statements.iter().for_each(|statement| self.statement(when, statement));
        }
        for given in document.given {
            let input = given.input;
            if let Some(when) = self.under(given.versions, &format!("var.{input} != null")) {
                self.given_statements(given, &format!("{when} ? var.{input} : []"));
            }
        }
        self.line("}");
    }

    /// A statement, and beside it what only some of the versions have in it: under a condition that cannot be told.
    fn statement(&mut self, group: &str, statement: &Statement) {
        let when = match (group, statement.when) {
            (group, "") => group.to_owned(),
            ("true", when) => when.to_owned(),
            (group, when) => format!("{group} && {when}"),
        };
        let (actions, resources) = (self.parted(statement.actions), self.parted(statement.resources));
        match statement.versions.hold(self.open) {
            Holds::No => {}
            Holds::Perhaps => {
                self.one_statement(
                    statement,
                    &when,
                    &self.words(statement.actions),
                    &self.words(statement.resources),
                    false,
                );
            }
            Holds::Yes => {
                self.one_statement(statement, &when, &actions.0, &resources.0, true);
                if let Some(actions) = actions.1 {
                    self.one_statement(statement, &when, &actions, &self.words(statement.resources), false);
                }
                if let Some(resources) = resources.1 {
                    self.one_statement(statement, &when, &self.words(statement.actions), &resources, false);
                }
            }
        }
    }

    fn one_statement(&mut self, statement: &Statement, when: &str, actions: &str, resources: &str, sure: bool) {
        let each = if statement.each.is_empty() { "[1]" } else { statement.each };
        self.line(&format!("dynamic \"statement\" {{\nfor_each = {when} ? {each} : []\ncontent {{"));
        // Of two statements of one sid the later one counts.
        if !statement.sid.is_empty() && sure {
            self.line(&format!("sid = \"{}\"", statement.sid));
        }
        self.line(&format!("effect = \"{}\"\nactions = {actions}", statement.effect));
        if !matches!(statement.resources, Words::These([])) {
            self.line(&format!("resources = {resources}"));
        }
        if let Some((kind, words)) = statement.principals {
            let words = self.words(words);
            self.line(&format!("principals {{\ntype = \"{kind}\"\nidentifiers = {words}\n}}"));
        }
        for condition in statement.conditions {
            let values = self.words(condition.values);
            let (test, key) = (condition.test, condition.key);
            self.line(&format!("condition {{\ntest = \"{test}\"\nvariable = \"{key}\"\nvalues = {values}\n}}"));
        }
        if !sure {
            self.line(&format!("condition {{\ntest = {VERSION}\n}}"));
        }
        self.line("}\n}");
    }

    /// The texts that are there in all versions, and those that are there in some of them.
    fn parted(&self, words: Words) -> (String, Option<String>) {
        let Words::These(all) = words else {
            return (if let Words::Of(expression) = words { expression.to_owned() } else { String::new() }, None);
        };
        let of = |wanted: Holds| -> Vec<String> {
            let held = all.iter().filter(|word| word.versions.hold(self.open) == wanted);
            held.map(|word| format!("\"{}\"", word.text)).collect()
        };
        let list = |texts: Vec<String>| format!("[{}]", texts.join(", "));
        let perhaps = of(Holds::Perhaps);
        (list(of(Holds::Yes)), (!perhaps.is_empty()).then(|| list(perhaps)))
    }

    /// A list of strings, which is open where versions differ.
    fn words(&self, words: Words) -> String {
        match (words, self.parted(words)) {
            (Words::Of(expression), _) => expression.to_owned(),
            (Words::These(_), (sure, None)) => format!("distinct({sure})"),
            (Words::These(_), (sure, Some(perhaps))) => {
                format!("distinct(concat({sure}, {VERSION} ? {perhaps} : []))")
            }
        }
    }

    /// Statements that the caller writes.
    fn given_statements(&mut self, given: &Given, each: &str) {
        self.line(&format!("dynamic \"statement\" {{\nfor_each = {each}\ncontent {{"));
        self.line(&format!("sid = {}", given.sid));
        for name in ["effect", "actions", "not_actions", "resources", "not_resources"] {
            self.line(&format!("{name} = try(statement.value.{name}, null)"));
        }
        let nested = [
            ("principals", "principals", &["type", "identifiers"][..]),
            ("not_principals", "not_principals", &["type", "identifiers"]),
            ("condition", given.conditions, &["test", "variable", "values"]),
        ];
        for (block, field, arguments) in nested {
            self.line(&format!("dynamic \"{block}\" {{\nfor_each = try(statement.value.{field}, [])\ncontent {{"));
            for argument in arguments {
                self.line(&format!("{argument} = {block}.value.{argument}"));
            }
            self.line("}\n}");
        }
        self.line("}\n}");
    }

    fn argument(&mut self, argument: &Argument) {
        let value = argument.value.replace("document.", "data.aws_iam_policy_document.");
        let value = if argument.value.starts_with("document.") { format!("{value}.json") } else { value };
        match argument.versions.hold(self.open) {
            Holds::Yes => self.line(&format!("{} = {value}", argument.name)),
            Holds::Perhaps => self.line(&format!("{} = {VERSION} ? {value} : null", argument.name)),
            Holds::No => {}
        }
    }

    fn made(&mut self, made: &Made) {
        let Some(when) = self.under(made.versions, made.when) else { return };
        self.line(&format!("resource \"{}\" \"{}\" {{", made.kind, made.name));
        match made.each {
            Some(each) => self.line(&format!("for_each = {{ for k, v in {each} : k => v if {when} }}")),
            None => self.line(&format!("count = {when} ? 1 : 0")),
        }
        made.arguments.iter().for_each(|argument| self.argument(argument));
        self.line("}");
    }
}

/// The names of arguments, each once.
fn distinct(all: &[Argument]) -> Vec<&'static str> {
    let mut names: Vec<&str> = vec![];
    for argument in all {
        if !names.contains(&argument.name) {
            names.push(argument.name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_known_is_written_as_terraform_has_it() {
        for module in terraform_modules::MODULES {
            for open in [
                module.versions,
                Versions { until: (module.versions.from.0, module.versions.from.1, 1), ..module.versions },
            ] {
                let mut writer = Writer { open, text: String::new() };
                writer.module(module);
                if let Err((what, at)) = Source::parse(DocId(0), writer.text.clone()) {
                    let line = writer.text.lines().nth(at.line as usize - 1).unwrap_or_default();
                    panic!("{what} in {line}");
                }
            }
        }
    }
}

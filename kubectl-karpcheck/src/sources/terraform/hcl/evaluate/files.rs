//! What expressions take from files: `file`, `templatefile`, `fileset`, and the data sources that do the same.

use std::path::PathBuf;
use std::rc::Rc;

use hcl_edit::expr::Expression;
use hcl_edit::structure::Block;

use super::{Env, Evaluator};
use crate::inventory::reason::Terraform;
use crate::inventory::{At, List, Map, Node, Part, Text, Value};
use crate::sources::terraform::hcl::functions::failed;

impl<'a> Evaluator<'a> {
    /// A function that reads files. None for any other, and where the file cannot be told or read.
    pub(super) fn file_function(&self, env: &Env<'a>, name: &str, args: &[Node], at: At) -> Option<Node> {
        match (name, args) {
            ("file" | "templatefile", [path, ..])
                if self.trying.get() && self.files.exists(&self.path(env, path)?) == Some(false) =>
            {
                Some(failed(Terraform::NoFile { path: path.to_json().to_string().into() }, at))
            }
            ("file", [path]) => {
                let (doc, text) = self.files.read(&self.path(env, path)?)?;
                Some(Node::text(text, At { doc, line: 1, column: 1 }))
            }
            ("fileexists", [path]) => {
                let exists = self.files.exists(&self.path(env, path)?)?;
                Some(Node::new(Value::Flag(exists), at))
            }
            ("templatefile", [path, vars]) => self.rendered(env, path, vars),
            ("fileset", [folder, pattern]) => {
                let names = self.files.matching(&self.path(env, folder)?, pattern.as_str()?)?;
                let items = names.into_iter().map(|name| Node::text(name, at)).collect();
                Some(Node::new(Value::List(List { items, more: None }), at))
            }
            _ => None,
        }
    }

    /// An attribute of a data source that reads files.
    pub(super) fn file_data(
        &self,
        env: &Env<'a>,
        block: &'a Block,
        kind: &str,
        attribute: &str,
        at: At,
    ) -> Option<Node> {
        let argument = |name: &str| Some(self.eval(env, &block.body.get_attribute(name)?.value));
        let vars = || argument("vars").unwrap_or_else(|| Node::new(Value::Map(Map::default()), at));
        match (kind, attribute) {
            ("local_file" | "local_sensitive_file", "content") => {
                self.file_function(env, "file", &[argument("filename")?], at)
            }
            ("template_file", "rendered") => match &block.body.get_attribute("template")?.value {
                Expression::FuncCall(call) if call.name.name.as_str() == "file" => {
                    let path = self.eval(env, call.args.iter().next()?);
                    self.rendered(env, &path, &vars())
                }
                _ => None,
            },
            ("kubectl_file_documents", "documents" | "manifests") => {
                let content = argument("content")?;
                Some(collected(documents(&content), attribute, at))
            }
            ("kubectl_path_documents", "documents" | "manifests") => {
                let mut all = vec![];
                for path in self.listed(env, &argument("pattern")?)? {
                    let path = Node::text(path, at);
                    let text = self.rendered(env, &path, &vars())?;
                    all.extend(documents(&text));
                }
                Some(collected(all, attribute, at))
            }
            ("kubectl_filename_list", "matches") => {
                let names = self.listed(env, &argument("pattern")?)?;
                let items = names.into_iter().map(|name| Node::text(name, at)).collect();
                Some(Node::new(Value::List(List { items, more: None }), at))
            }
            _ => None,
        }
    }

    /// Where a file is: what is relative is so to the folder that Terraform runs in, which is the root's.
    fn path(&self, env: &Env<'a>, path: &Node) -> Option<PathBuf> {
        let module = env.module.root();
        // Functions of a language around give whole paths.
        let whole = |path: &&str| path.starts_with('/') && module.around.is_none();
        let path = path.as_str().filter(|path| !whole(path) && !path.starts_with('~') && !path.is_empty())?;
        let root = &module.code.folder;
        Some(if path == "." { root.clone() } else { root.join(path.trim_start_matches("./")) })
    }

    /// The files of a pattern with its folder before it.
    fn listed(&self, env: &Env<'a>, pattern: &Node) -> Option<Vec<String>> {
        let pattern = pattern.as_str()?;
        let wild = pattern.find(['*', '?', '{'])?;
        let (folder, pattern) = pattern.split_at(pattern[..wild].rfind('/').map_or(0, |slash| slash + 1));
        let within = if folder.is_empty() { "." } else { folder };
        let names = self.files.matching(&self.path(env, &Node::text(within, At::default()))?, pattern)?;
        Some(names.into_iter().map(|name| format!("{folder}{name}")).collect())
    }

    /// A file as a template, with these variables and no others.
    fn rendered(&self, env: &Env<'a>, path: &Node, vars: &Node) -> Option<Node> {
        let template = self.files.template(&self.path(env, path)?)?;
        let Value::Map(vars) = &vars.value else { return None };
        let vars = vars.entries.iter().map(|(name, node)| (name.to_string(), node.clone())).collect();
        let inner = Env { module: Rc::clone(&env.module), source: &template.source, vars: Rc::new(vars) };
        let at = At { doc: template.source.doc, line: 1, column: 1 };
        // What it renders is evaluated as deep as its call stands.
        if !self.descend() {
            return None;
        }
        let node = self.template(&inner, &template.template, 0, at);
        self.ascend();
        Some(Node::new(node.value, at))
    }
}

/// The documents of a text in YAML, each where it begins.
fn documents(node: &Node) -> Vec<Node> {
    let Value::Text(text) = &node.value else { return vec![node.clone()] };
    let mut all: Vec<(u32, Vec<Part>)> = vec![(node.at.line, vec![])];
    let mut line = node.at.line;
    for part in text.clone().into_parts() {
        match part {
            Part::Known(known) => {
                for piece in known.split_inclusive('\n') {
                    line += u32::from(piece.ends_with('\n'));
                    if piece.trim_end() == "---" {
                        all.push((line, vec![]));
                    } else if let Some((_, parts)) = all.last_mut() {
                        parts.push(Part::Known(piece.into()));
                    }
                }
            }
            hole @ Part::Hole(_) => all.last_mut().into_iter().for_each(|(_, parts)| parts.push(hole.clone())),
        }
    }
    all.into_iter()
        .map(|(line, parts)| Node::text(Text::from_parts(parts), At { line, ..node.at }))
        .filter(|node| node.as_str().is_none_or(|text| !text.trim().is_empty()))
        .collect()
}

/// Documents as a list, or by number as the values of an object.
fn collected(documents: Vec<Node>, attribute: &str, at: At) -> Node {
    if attribute == "documents" {
        return Node::new(Value::List(List { items: documents, more: None }), at);
    }
    let mut map = Map::default();
    for (number, document) in documents.into_iter().enumerate() {
        map.set(number.to_string(), document);
    }
    Node::new(Value::Map(map), at)
}

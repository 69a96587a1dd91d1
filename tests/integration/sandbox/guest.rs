//! Makes components of the guests in tests/components.
//!
//! A guest is the inside of a core module: what it does in `check`. The prelude (tests/components/prelude.wat) imports the
//! inventory and lays out verdicts; comments at the guest's head list its rules:
//!
//! ```text
//! ;; rule: id=some-id subjects=core/Pod,core/Node reads=… if-allowed=… severity=error karpenter=>=1 texts=hostile (or page)
//! ;; describe: own      it exports `describe` itself; $pack is the description's address, $nothing that of one without rules
//! ;; pack: name=guest version=1.0.0
//! ;; realloc: own       it exports `cabi_realloc` itself
//! ;; whole              the file is all there is, the prelude is left out
//! ```
//!
//! Without a `pack` line the pack is called like the file. Without a `rule` line there is one rule, called the same, about queues, with warnings at worst.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// What a pipeline's runner and a terminal would take for commands.
const HOSTILE: &str = "A title\n::error::x ##[error]x ##vso[task.complete]x \u{1b}[31m \u{9b}2J \u{202e} \u{200b} end";
/// What a page would take for markup.
const MARKUP: &str = "<b>x</b> <script>x</script> ![a](https://example.com/p.png) [a](javascript:x)";
/// Where the list of rules lies in the guest's memory. Its own data lies between 2048 and this.
const RULES: usize = 8192;

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The binary of a guest.
pub(crate) fn component(name: &str) -> Vec<u8> {
    let components = top().join("tests/components");
    let read = |name: &str| std::fs::read_to_string(components.join(name).with_extension("wat")).unwrap();
    let text = read(name);
    let heads: Vec<&str> = text.lines().map_while(|line| line.strip_prefix(";;")).map(str::trim).collect();
    if heads.contains(&"whole") {
        return wat::parse_str(&text).unwrap();
    }
    let mut rules: Vec<Rule> = heads.iter().filter_map(|head| head.strip_prefix("rule:")).map(Rule::parse).collect();
    if rules.is_empty() {
        rules.push(Rule { id: name.replace('_', "-"), ..Rule::default() });
    }
    let pack: HashMap<&str, &str> = heads
        .iter()
        .filter_map(|head| head.strip_prefix("pack:"))
        .flat_map(|line| line.split_whitespace().filter_map(|word| word.split_once('=')))
        .collect();
    let named = |part, default| pack.get(part).copied().unwrap_or(default);
    let (described, nothing, blob) = lay_out(named("name", &name.replace('_', "-")), named("version", "1.0.0"), &rules);
    let data: String = blob.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let describe = if heads.contains(&"describe: own") {
        String::new()
    } else {
        format!("(func (export \"karpcheck:rules/rules@0.1.0#describe\") (result i32) (i32.const {described}))")
    };
    let module = format!(
        "(module {}\n(data (i32.const {RULES}) \"{data}\")\n(global $pack i32 (i32.const {described}))\n(global $nothing i32 (i32.const {nothing}))\n{describe}\n{text})",
        if heads.contains(&"realloc: own") { without_realloc(&read("prelude")) } else { read("prelude") }
    );
    let mut module = wat::parse_str(&module).unwrap_or_else(|error| panic!("{name}.wat: {error}"));
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(top().join("wit")).unwrap();
    let world = resolve.select_world(&[package], Some("pack")).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    let encoder = ComponentEncoder::default();
    encoder.module(&module).unwrap().validate(true).encode().unwrap_or_else(|error| panic!("{name}.wat: {error:?}"))
}

/// The prelude without its function of this name.
fn without_realloc(prelude: &str) -> String {
    let begin = prelude.find("(func (export \"cabi_realloc\")").unwrap();
    let end = begin + prelude[begin..].find("\n\n").unwrap();
    [&prelude[..begin], &prelude[end..]].concat()
}

struct Rule {
    id: String,
    subjects: Vec<String>,
    reads: Vec<String>,
    if_allowed: Vec<String>,
    severity: u8,
    karpenter: String,
    texts: [&'static str; 2],
}

impl Default for Rule {
    fn default() -> Self {
        let subjects = vec!["AWS::SQS::Queue".into()];
        Self {
            id: String::new(),
            subjects,
            reads: vec![],
            if_allowed: vec![],
            severity: 1,
            karpenter: String::new(),
            texts: ["Made for a test", "A page.\n"],
        }
    }
}

impl Rule {
    fn parse(line: &str) -> Self {
        let mut rule = Self::default();
        for word in line.split_whitespace() {
            let (name, value) = word.split_once('=').unwrap();
            let list = || value.split(',').map(String::from).collect();
            match name {
                "id" => rule.id = value.into(),
                "subjects" => rule.subjects = list(),
                "reads" => rule.reads = list(),
                "if-allowed" => rule.if_allowed = list(),
                "karpenter" => rule.karpenter = value.into(),
                "texts" => rule.texts = [if value == "hostile" { HOSTILE } else { MARKUP }; 2],
                "severity" => {
                    rule.severity = ["error", "warning", "info"].iter().position(|is| *is == value).unwrap() as u8
                }
                name => panic!("{name} is no part of a rule"),
            }
        }
        rule
    }
}

/// The description in the canonical ABI: its address, that of the same without rules, and the bytes from [`RULES`] on.
fn lay_out(name: &str, version: &str, rules: &[Rule]) -> (usize, usize, Vec<u8>) {
    let mut blob = Blob(vec![]);
    let records: Vec<u8> = rules
        .iter()
        .flat_map(|rule| {
            let mut record = vec![];
            let [title, page] = rule.texts;
            for text in [&*rule.id, "queue", title, page] {
                record.extend(blob.text(text));
            }
            record.extend([rule.severity, 1, 0, 0]);
            for kinds in [&rule.subjects, &rule.reads, &rule.if_allowed] {
                let texts: Vec<u8> = kinds.iter().flat_map(|kind| blob.text(kind)).collect();
                record.extend(blob.list(&texts, kinds.len()));
            }
            record.extend(blob.text(&rule.karpenter));
            record.extend([0; 16]);
            record
        })
        .collect();
    let (name, version) = (blob.text(name), blob.text(version));
    let rules = blob.list(&records, rules.len());
    let mut description = |rules: &[u8]| blob.put(&[&name, &version, rules, &[0; 8]].concat());
    let (described, nothing) = (description(&rules), description(&[0; 8]));
    (described, nothing, blob.0)
}

struct Blob(Vec<u8>);

impl Blob {
    fn put(&mut self, bytes: &[u8]) -> usize {
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        let at = RULES + self.0.len();
        self.0.extend(bytes);
        at
    }

    fn list(&mut self, bytes: &[u8], length: usize) -> Vec<u8> {
        let at = self.put(bytes);
        [at as u32, length as u32].iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    fn text(&mut self, text: &str) -> Vec<u8> {
        self.list(text.as_bytes(), text.len())
    }
}

/// A component with so many functions to compile, which is no pack.
pub(crate) fn functions(count: u32) -> Vec<u8> {
    const STEP: &[u8] = &[0x20, 1, 0x20, 0, 0x20, 1, 0x41, 7, 0x6c, 0x77, 0x6a, 0x21, 1];
    let body = [&[1, 1, 0x7f], STEP.repeat(100).as_slice(), &[0x20, 1, 0x0b]].concat();
    let body = [leb(body.len()), body].concat();
    let section = |id: u8, content: Vec<u8>| [vec![id], leb(content.len()), content].concat();
    let vector = |one: &[u8]| [leb(count as usize), one.repeat(count as usize)].concat();
    let module = [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, vec![1, 0x60, 1, 0x7f, 1, 0x7f]),
        section(3, vector(&[0])),
        section(10, vector(&body)),
    ]
    .concat();
    let rest = r#"(component (instance $e) (export "karpcheck:rules/rules@0.1.0" (instance $e)))"#;
    let rest = wat::parse_str(rest).unwrap();
    let (header, rest) = rest.split_at(8);
    [header.to_vec(), section(1, module), rest.to_vec()].concat()
}

pub(crate) fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = vec![];
    loop {
        let byte = (number & 0x7f) as u8;
        number >>= 7;
        bytes.push(if number > 0 { byte | 0x80 } else { byte });
        if number == 0 {
            return bytes;
        }
    }
}

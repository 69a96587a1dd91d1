//! The formats as programs read them that are not ours: Python's jsonschema, its XML and HTML parsers, and a renderer of
//! CommonMark.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value as Json;

use crate::skipped::skipped;

/// What Python says of a text; none where it, or a module that it needs, is not there.
fn python(script: &str, args: &[&str], input: &str) -> Option<String> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    // Where the tests of AWS made an environment, it has the modules.
    let made =
        Path::new(env!("CARGO_BIN_EXE_kubectl-karpcheck")).ancestors().nth(2).unwrap().join("aws-venv/bin/python3");
    let mut command = Command::new(if made.exists() { made } else { "python3".into() });
    command.args(["-I", "-c", script]).args(args).current_dir(root);
    let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let Ok(mut child) = started else {
        skipped("there is no python3");
        return None;
    };
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let ended = child.wait_with_output().unwrap();
    let complaint = String::from_utf8_lossy(&ended.stderr).into_owned();
    if complaint.contains("ModuleNotFoundError") {
        skipped(&format!("python3 lacks a module: {complaint}"));
        return None;
    }
    assert!(ended.status.success(), "{complaint}");
    Some(String::from_utf8(ended.stdout).unwrap())
}

/// Holds documents to a JSON schema of the repository.
pub(crate) fn holds(schema: &str, documents: &[Json]) {
    const SCRIPT: &str = "
import json, sys
from jsonschema.validators import validator_for
schema = json.load(open(sys.argv[1]))
kind = validator_for(schema)
kind.check_schema(schema)
validator = kind(schema, format_checker=kind.FORMAT_CHECKER)
for document in json.load(sys.stdin):
    for error in validator.iter_errors(document):
        print('/'.join(map(str, error.absolute_path)), error.message[:300])
";
    if let Some(faults) = python(SCRIPT, &[schema], &Json::from(documents.to_vec()).to_string()) {
        assert_eq!(faults, "", "{schema}");
    }
}

/// How many tests an XML parser finds in JUnit's format, when the numbers of each suite are right.
pub(crate) fn junit(text: &str) -> Option<usize> {
    const SCRIPT: &str = "
import sys
from xml.etree import ElementTree
root = ElementTree.fromstring(sys.stdin.buffer.read())
assert root.tag == 'testsuites', root.tag
for suite in root:
    cases = suite.findall('testcase')
    assert int(suite.get('tests')) == len(cases)
    for name, tag in (('failures', 'failure'), ('errors', 'error'), ('skipped', 'skipped')):
        assert int(suite.get(name)) == len(suite.findall('testcase/' + tag)), (name, suite.attrib)
    for case in cases:
        assert case.get('name') and case.get('classname') and len(case) <= 1
print(len(root.findall('testsuite/testcase')))
";
    python(SCRIPT, &[], text).map(|count| count.trim().parse().unwrap())
}

/// Every element of a page that must be closed is, in the right order, and every id is used once.
pub(crate) fn html(text: &str) {
    const SCRIPT: &str = "
import sys
from html.parser import HTMLParser
class Reader(HTMLParser):
    open, ids = [], set()
    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if 'id' in attributes:
            assert attributes['id'] not in self.ids, attributes
            self.ids.add(attributes['id'])
        for name in attributes:
            assert not name.startswith('on'), attributes
        if tag not in ('meta', 'br', 'wbr', 'input', 'rect', 'path'):
            self.open.append(tag)
    def handle_startendtag(self, tag, attributes):
        pass
    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, (tag, self.open, self.getpos())
reader = Reader()
reader.feed(sys.stdin.buffer.read().decode())
assert not reader.open, reader.open
";
    python(SCRIPT, &[], text);
}

/// Markdown as a page.
pub(crate) fn common_mark(text: &str) -> String {
    let mut page = String::new();
    let parser = pulldown_cmark::Parser::new_ext(text, pulldown_cmark::Options::ENABLE_TABLES);
    pulldown_cmark::html::push_html(&mut page, parser);
    page
}

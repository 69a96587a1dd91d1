//! A log of the Karpenter controller, as `kubectl logs` prints it: one JSON object a line, or the console format of Karpenter
//! up to 0.32 (`TIME<tab>LEVEL<tab>LOGGER<tab>MESSAGE<tab>{FIELDS}`). Whatever stands before a JSON line (`--prefix`,
//! `--timestamps`) is passed over, and so is every line of another form: a crash, a warning of client-go.
//!
//! Only what tells of a line is kept, and only of the last lines: a log may be as long as its disk.

use serde_json::Value as Json;

use crate::inventory::{At, Builder, DocId, Draft, List, Map, Node, Problem, SourceKind, Value};
use crate::sources::reader::{Content, Context, Document, Reader};

/// The kind of a log.
pub(super) const LOG: &str = "Karpcheck::Log";
/// Lines of a log that are kept, the last ones: some 10 MB of memory, and half a day of a busy controller.
const MOST_LINES: usize = 20_000;
/// Lines in which one of a log must be, so that a text is taken for one.
const LOOKED_AT: usize = 50;
/// Longer lines are no log's.
const LONGEST: usize = 64 << 10;
/// Characters of a message or an error that are kept.
const KEPT: usize = 2_000;

/// One line, taken apart.
struct Line {
    time: String,
    level: String,
    logger: String,
    message: String,
    fields: Json,
}

/// Logs of the controller.
pub(super) struct Logs;

impl Reader for Logs {
    fn detects(&self, document: &Document<'_>) -> bool {
        matches!(&document.content, Content::Text(text) if is_log(text))
    }

    fn read(&mut self, document: Document<'_>, context: &mut Context<'_>) -> u64 {
        let Content::Text(text) = document.content else { return 0 };
        if !context.gather_scope.declares(LOG) {
            context.builder.skip(1);
            return 1;
        }
        let path = &*document.path;
        let name = path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy());
        add(context.builder, text, &name, document.doc);
        1
    }
}

fn is_log(text: &str) -> bool {
    text.lines().filter(|line| !line.trim().is_empty()).take(LOOKED_AT).any(|line| parse(line).is_some())
}

fn add(builder: &mut Builder, text: &str, name: &str, doc: DocId) {
    let total = text.lines().count();
    let mut lines: Vec<Node> = vec![];
    for (number, line) in (1..).zip(text.lines()).skip(total.saturating_sub(MOST_LINES)) {
        if let Some(line) = parse(line) {
            lines.push(node(&line, At { doc, line: number, column: 1 }));
        }
    }
    if total > MOST_LINES {
        let what = format!("of this log the last {MOST_LINES} of {total} lines were read: give the part that matters");
        builder.problem(Problem::note(what, Some(At::whole(doc))));
    }
    let at = At::whole(doc);
    let mut body = Map::default();
    #[expect(clippy::cast_precision_loss, reason = "at most some ten thousand")]
    let count = lines.len() as f64;
    body.set("Count", Node::new(Value::Number(count), at));
    body.set("Lines", Node::new(Value::List(lines.into_iter().collect::<List>()), at));
    builder.add(Draft::new(LOG, name, Node::new(Value::Map(body), at), SourceKind::Live));
}

fn parse(line: &str) -> Option<Line> {
    if line.len() > LONGEST {
        return None;
    }
    console(line).or_else(|| json(line))
}

fn json(line: &str) -> Option<Line> {
    let start = line.find("{\"")?;
    let fields: Json = serde_json::from_str(line[start..].trim_end()).ok()?;
    let text = |name: &str| fields.get(name).and_then(Json::as_str).map(str::to_owned);
    let (level, message, time) = (text("level")?, text("message")?, text("time")?);
    let logger = text("logger").unwrap_or_default();
    // Other programs write such lines, too: Karpenter names itself `controller` or `webhook`, and its commit.
    let ours = logger.starts_with("controller") || logger.starts_with("webhook") || fields.get("commit").is_some();
    ours.then_some(Line { time, level, logger, message, fields })
}

fn console(line: &str) -> Option<Line> {
    let mut parts = line.split('\t');
    let (time, level, logger) = (parts.next()?, parts.next()?, parts.next()?);
    let dated = time.len() >= 20 && time.contains('T') && time.starts_with(|char: char| char.is_ascii_digit());
    if !dated || !matches!(level, "DEBUG" | "INFO" | "WARN" | "ERROR" | "FATAL" | "PANIC") {
        return None;
    }
    if !logger.starts_with("controller") && !logger.starts_with("webhook") {
        return None;
    }
    let mut message = parts.next()?;
    // With development logging the place in the source comes first.
    if message.contains(".go:") && !message.contains(' ') {
        message = parts.next()?;
    }
    let fields = parts.next().and_then(|fields| serde_json::from_str(fields.trim_end()).ok()).unwrap_or(Json::Null);
    Some(Line {
        time: time.to_owned(),
        level: level.to_owned(),
        logger: logger.to_owned(),
        message: message.to_owned(),
        fields,
    })
}

fn node(line: &Line, at: At) -> Node {
    let mut map = Map::default();
    let mut set = |name: &str, text: Option<&str>| {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            let cut: String = text.chars().take(KEPT).collect();
            map.set(name, Node::text(cut, at));
        }
    };
    let field = |names: &[&str]| {
        names.iter().find_map(|name| {
            let value = line.fields.get(name)?;
            value.as_str().or_else(|| value.get("name")?.as_str())
        })
    };
    set("Time", Some(&line.time));
    set("Level", Some(&line.level));
    set("Logger", Some(&line.logger));
    set("Message", Some(&line.message));
    set("Error", field(&["error"]));
    // An object, in older releases a text, up to 0.31 of a machine.
    set("NodeClaim", field(&["NodeClaim", "nodeclaim", "machine"]));
    set("ProviderId", field(&["provider-id"]));
    set("MessageKind", field(&["messageKind"]));
    Node::new(Value::Map(map), at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::Stated;
    use crate::karpenter;

    fn lines(text: &str) -> Node {
        let mut builder = Builder::new(Stated::default());
        let doc = builder.document(crate::inventory::Origin::File("karpenter.log".into()));
        add(&mut builder, text, "karpenter.log", doc);
        let inventory = karpenter::inventory(builder);
        let (_, item) = inventory.items().find(|(_, item)| &*item.kind == LOG).unwrap();
        item.body.member("Lines").unwrap().clone()
    }

    #[test]
    fn lines_are_read_in_both_forms_and_behind_prefixes() {
        let text = "\
Found 2 pods, using pod/karpenter-7d9
[pod/karpenter-7d9/controller] 2024-11-08T18:02:20.3Z {\"level\":\"DEBUG\",\"time\":\"2024-11-08T18:02:20.220Z\",\"logger\":\"controller\",\"message\":\"deleted launch template\",\"NodeClaim\":{\"name\":\"default-a\"}}
panic: something else
2023-03-01T12:00:00.000Z\tERROR\tcontroller.provisioner\tlaunching node\t{\"commit\": \"abc\", \"error\": \"UnauthorizedOperation\", \"machine\": \"default-b\"}
";
        assert!(is_log(text));
        let lines = lines(text);
        let told: Vec<[Option<&str>; 3]> = lines
            .elements()
            .iter()
            .map(|line| [line.str_at(&["Message"]), line.str_at(&["NodeClaim"]), line.str_at(&["Error"])])
            .collect();
        assert_eq!(
            told,
            [
                [Some("deleted launch template"), Some("default-a"), None],
                [Some("launching node"), Some("default-b"), Some("UnauthorizedOperation")]
            ]
        );
        assert_eq!(lines.elements()[1].at.line, 4);
    }

    #[test]
    fn what_others_write_is_no_log_of_karpenters() {
        for text in [
            "",
            "apiVersion: v1\nkind: List\n",
            "{\"level\":\"info\",\"ts\":\"2024-11-08T18:02:20Z\",\"msg\":\"desired resource state has changed\"}",
            "{\"level\":\"info\",\"time\":\"2024-11-08T18:02:20Z\",\"message\":\"hello\",\"app\":\"shop\"}",
            "2023-03-01T12:00:00.000Z\tINFO\tmain\thello",
        ] {
            assert!(!is_log(text), "{text}");
        }
    }
}

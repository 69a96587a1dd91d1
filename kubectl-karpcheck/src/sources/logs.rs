//! A log of the Karpenter controller, as `kubectl logs` prints it: one JSON object a line, or the console format that could be
//! chosen up to 0.37 (`TIME<tab>LEVEL<tab>LOGGER<tab>MESSAGE<tab>{FIELDS}`; copied from a terminal, the tabs are spaces).
//! Whatever stands before a line (`--prefix`, `--timestamps`, the format of a container's runtime) is passed over, a line
//! wrapped in the JSON of a log collector is unwrapped, and a crash of Go (`panic: MESSAGE`, then the goroutines) is a line of
//! its own. Every line of another form is passed over: a warning of client-go, a goroutine's stack.
//!
//! Only what tells of a line is kept, and only of the last lines: a log may be as long as its disk.

use std::borrow::Cow;
use std::path::Path;

use serde_json::Value as Json;

use crate::inventory::problem::FileProblem;
use crate::inventory::{At, Builder, ClusterId, DocId, Draft, List, Map, Node, Problem, SourceKind, Value};
use crate::schema::kinds::GatherScope;
use crate::sources::reader::{Content, Context, Document, Reader};

/// The kind of a log.
pub(super) const LOG: &str = "Karpcheck::Log";
/// Lines of a log that are kept, the last ones: some 10 MB of memory, and half a day of a busy controller.
const MOST_LINES: usize = 20_000;
/// Lines in which one of a log must be, so that a text is taken for one.
const LOOKED_AT: usize = 50;
/// Lines within which a crash must show that it is Karpenter's.
const CRASH: usize = 400;
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
        match &document.content {
            Content::Text(text) => is_log(text) || is_cut_crash(document, text),
            // One line that was copied through a formatter of JSON.
            Content::Node { node, .. } => text_of(node).is_some_and(|text| parse(&text).is_some()),
            Content::Release(_) => false,
        }
    }

    fn read(&mut self, document: Document<'_>, context: &mut Context<'_>) -> u64 {
        let text = match &document.content {
            Content::Text(text) => Cow::Borrowed(*text),
            Content::Node { node, .. } => Cow::Owned(text_of(node).unwrap_or_default()),
            Content::Release(_) => return 0,
        };
        if !context.gather_scope.declares(LOG) {
            context.builder.skip(1);
            return 1;
        }
        let path = &*document.path;
        let name = path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy());
        add(context.builder, &text, &name, document.doc);
        1
    }
}

/// Is this a log of Karpenter's controller, or the beginning of one?
pub(super) fn is_log(text: &str) -> bool {
    text.lines().filter(|line| !line.trim().is_empty()).take(LOOKED_AT).any(|line| parse(line).is_some())
        || is_crash(text)
}

/// The text members of an object as a line of a log, if it may be one.
fn text_of(node: &Node) -> Option<String> {
    let Value::Map(map) = &node.value else { return None };
    map.get("message").and_then(Node::as_str)?;
    let members = map.entries.iter().filter_map(|(name, value)| {
        let named = value.member("name").and_then(Node::as_str);
        Some((name.to_string(), value.as_str().or(named)?.to_owned().into()))
    });
    Some(Json::Object(members.collect()).to_string())
}

/// Is a file that was named a log by its name, and by a crash in it whose stack was cut off?
fn is_cut_crash(document: &Document<'_>, text: &str) -> bool {
    document.named && is_called_log(&document.path) && text.lines().take(LOOKED_AT).any(|line| panic(line).is_some())
}

/// Is a file called as logs are? `kubectl cluster-info dump` calls them `logs.txt`.
pub(super) fn is_called_log(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("log") || extension.eq_ignore_ascii_case("txt"))
}

/// Is this what Go prints when Karpenter crashes: the message, and a stack that goes through Karpenter's code?
fn is_crash(text: &str) -> bool {
    let mut lines = text.lines().take(CRASH);
    lines.any(|line| panic(line).is_some()) && lines.any(is_karpenters_frame)
}

/// Does a line of a stack name a function or file of Karpenter's?
fn is_karpenters_frame(line: &str) -> bool {
    ["github.com/aws/karpenter", "sigs.k8s.io/karpenter"].iter().any(|module| line.contains(module))
}

/// Adds the last lines of a Pod of a cluster that is asked.
pub(super) fn of_pod(
    builder: &mut Builder,
    gather_scope: &GatherScope,
    text: &str,
    name: &str,
    doc: DocId,
    cluster: ClusterId,
) {
    if gather_scope.declares(LOG) {
        let log = log(builder, text, name, doc);
        builder.add(Draft { cluster, ..log });
    }
}

fn add(builder: &mut Builder, text: &str, name: &str, doc: DocId) {
    let log = log(builder, text, name, doc);
    builder.add(log);
}

fn log(builder: &mut Builder, text: &str, name: &str, doc: DocId) -> Draft {
    let total = text.lines().count();
    let mut lines: Vec<Node> = vec![];
    for (number, line) in (1..).zip(text.lines()).skip(total.saturating_sub(MOST_LINES)) {
        if let Some(line) = parse(line).or_else(|| panic(line)) {
            lines.push(node(&line, At { doc, line: number, column: 1 }));
        }
    }
    if total > MOST_LINES {
        builder.problem(Problem::new(FileProblem::LogCut { read: MOST_LINES, total }, Some(At::whole(doc))));
    }
    let at = At::whole(doc);
    let mut body = Map::default();
    #[expect(clippy::cast_precision_loss, reason = "at most some ten thousand")]
    let count = lines.len() as f64;
    body.set("Count", Node::new(Value::Number(count), at));
    body.set("Lines", Node::new(Value::List(lines.into_iter().collect::<List>()), at));
    Draft::new(LOG, name, Node::new(Value::Map(body), at), SourceKind::Live)
}

fn parse(line: &str) -> Option<Line> {
    if line.len() > LONGEST {
        return None;
    }
    console(line).or_else(|| json(line))
}

/// The message of a crash. `kubectl logs` may put the pod's name or the time before it.
fn panic(line: &str) -> Option<Line> {
    let (before, message) = line.split_once("panic: ").filter(|_| line.len() <= LONGEST)?;
    let (before, message) = (before.trim_end(), message.trim());
    let alone = before.is_empty() || (before.ends_with(['Z', ']', 'F']) && !before.contains('{'));
    (alone && !message.is_empty()).then(|| Line {
        time: String::new(),
        level: "PANIC".to_owned(),
        logger: "controller".to_owned(),
        message: message.to_owned(),
        fields: Json::Null,
    })
}

fn json(line: &str) -> Option<Line> {
    let start = line.find('{').filter(|start| line[start + 1..].trim_start().starts_with('"'))?;
    let fields: Json = serde_json::from_str(line[start..].trim_end()).ok()?;
    // Docker's files and Fluent Bit keep the line as `log`, CloudWatch's exports as `@message`.
    if let Some(wrapped) = ["log", "@message"].iter().find_map(|name| fields.get(name)?.as_str()) {
        return parse(wrapped.trim_end()).or_else(|| panic(wrapped.trim_end()));
    }
    // Up to 0.37 the names of these could be chosen: Google's are usual, too.
    let text = |names: &[&str]| names.iter().find_map(|name| fields.get(*name)?.as_str()).map(str::to_owned);
    let (level, message) = (text(&["level", "severity"])?, text(&["message"])?);
    let time = text(&["time", "timestamp"])?;
    let logger = text(&["logger"]).unwrap_or_default();
    // Other programs write such lines, too: Karpenter names itself `controller` or `webhook`, and its commit.
    let ours = logger.starts_with("controller") || logger.starts_with("webhook") || fields.get("commit").is_some();
    ours.then_some(Line { time, level, logger, message, fields })
}

fn console(line: &str) -> Option<Line> {
    let mut rest = line;
    let mut part = || -> Option<&str> {
        let (part, after) = match rest.find('\t').or_else(|| rest.find("  ")) {
            Some(end) => (&rest[..end], rest[end..].trim_start_matches([' ', '\t'])),
            None => (rest, ""),
        };
        rest = after;
        (!part.is_empty()).then_some(part)
    };
    let (mut time, level, logger) = (part()?, part()?, part()?);
    // Whatever `kubectl logs` puts before it.
    if let Some((_, last)) = time.rsplit_once(' ') {
        time = last;
    }
    let dated = time.len() >= 20 && time.contains('T') && time.starts_with(|char: char| char.is_ascii_digit());
    if !dated || !matches!(level, "DEBUG" | "INFO" | "WARN" | "ERROR" | "FATAL" | "PANIC") {
        return None;
    }
    if !logger.starts_with("controller") && !logger.starts_with("webhook") {
        return None;
    }
    // The fields come last, behind a message that may hold anything.
    let (text, fields) = match rest.rfind("\t{").or_else(|| rest.rfind("  {")) {
        Some(start) => (&rest[..start], serde_json::from_str(rest[start..].trim()).ok()),
        None => (rest, None),
    };
    let (mut message, fields) = if fields.is_some() { (text, fields) } else { (rest, None) };
    // With development logging the place in the source comes first.
    if let Some((place, after)) = message.split_once('\t')
        && place.contains(".go:")
        && !place.contains(' ')
    {
        message = after;
    }
    let message = message.trim();
    (!message.is_empty()).then(|| Line {
        time: time.to_owned(),
        level: level.to_owned(),
        logger: logger.to_owned(),
        message: message.to_owned(),
        fields: fields.unwrap_or(Json::Null),
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
                [Some("something else"), None, None],
                [Some("launching node"), Some("default-b"), Some("UnauthorizedOperation")]
            ]
        );
        assert_eq!(lines.elements()[2].at.line, 4);
    }

    #[test]
    fn tabs_that_a_terminal_made_spaces_and_wrapped_lines_are_read() {
        let text = "\
2024-04-18T16:45:11.384Z    ERROR    controller    Reconciler error    {\"commit\": \"74bf29c\", \"error\": \"launching machine\"}
2023-05-12T23:25:47.874Z        ERROR   controller.provisioner  launching machine, with {0} errors  {\"commit\": \"06cb81f\"}
2023-05-12T23:25:47.874Z\tERROR\tcontroller.provisioner\tlaunching machine
2024-11-08T18:02:20.3Z stderr F {\"level\":\"ERROR\",\"time\":\"t\",\"logger\":\"controller\",\"message\":\"cri\"}
{\"log\":\"{\\\"level\\\":\\\"ERROR\\\",\\\"time\\\":\\\"t\\\",\\\"logger\\\":\\\"controller\\\",\\\"message\\\":\\\"docker\\\"}\\n\",\"stream\":\"stderr\"}
{ \"level\": \"ERROR\", \"time\": \"t\", \"logger\": \"controller\", \"message\": \"spaced\" }
";
        let lines = lines(text);
        let told: Vec<[Option<&str>; 2]> =
            lines.elements().iter().map(|line| [line.str_at(&["Message"]), line.str_at(&["Error"])]).collect();
        assert_eq!(
            told,
            [
                [Some("Reconciler error"), Some("launching machine")],
                [Some("launching machine, with {0} errors"), None],
                [Some("launching machine"), None],
                [Some("cri"), None],
                [Some("docker"), None],
                [Some("spaced"), None],
            ]
        );
    }

    #[test]
    fn a_crash_is_a_line_of_a_log_where_its_stack_is_karpenters() {
        let crash = "\
panic: AWS.SimpleQueueService.NonExistentQueue: The specified queue does not exist.

goroutine 1 [running]:
github.com/samber/lo.must({0x208ec20, 0x40009d7f40}, {0x0, 0x0, 0x0})
\tgithub.com/samber/lo@v1.39.0/errors.go:53 +0x1dc
main.main()
\tgithub.com/aws/karpenter/cmd/controller/main.go:56 +0x508
";
        assert!(is_log(crash));
        let prefixed = crash.replacen("panic", "[pod/karpenter-7d9/controller] panic", 1);
        for text in [crash, &prefixed] {
            let lines = lines(text);
            let line = &lines.elements()[0];
            assert_eq!((line.str_at(&["Level"]), line.at.line), (Some("PANIC"), 1));
            assert!(line.str_at(&["Message"]).unwrap().starts_with("AWS.SimpleQueueService"));
        }
        assert!(!is_log(&crash.replace("karpenter", "carpenter")), "another program's");
        assert!(!is_log("panic: true\nkind: List\n"));
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

//! What comes back, as the CLI would print it: XML and JSON become the CLI's JSON, refusals a code with a message.

use roxmltree::{Document, Node};
use serde_json::{Map, Value};

use crate::sources::aws::call::Question;
use crate::sources::aws::signed::http_client::Response;
use crate::sources::aws::signed::keys::Credentials;
use crate::sources::aws::signed::shapes;
use crate::sources::aws::signed::shapes::{Member, Shape, WEB_IDENTITY};
use crate::sources::aws::signed::wire::{Protocol, pascal, protocol};

/// A refusal.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Fault {
    /// `AccessDenied`; the status where there is none.
    pub(super) code: String,
    pub(super) message: String,
}

/// An answer as the CLI prints it.
///
/// # Errors
/// It is none, and why.
pub(super) fn read(question: &Question, response: &Response) -> Result<Value, String> {
    if let Some(Protocol::Query(_) | Protocol::Ec2(_)) = protocol(question.service) {
        let shape = shapes::of(question.service, question.name).ok_or("it is not known what it holds")?;
        return xml(&response.body, &pascal(question.name), shape);
    }
    let mut value: Value = serde_json::from_slice(&response.body).map_err(|error| error.to_string())?;
    if !value.is_object() {
        return Err("it is no object".into());
    }
    printed(&mut value);
    Ok(value)
}

/// The keys in an answer of `AssumeRoleWithWebIdentity`.
pub(super) fn credentials(body: &[u8]) -> Option<Credentials> {
    let answer = xml(body, "AssumeRoleWithWebIdentity", WEB_IDENTITY).ok()?;
    serde_json::from_value(answer.get("Credentials")?.clone()).ok()
}

fn xml(body: &[u8], operation: &str, shape: &[Member]) -> Result<Value, String> {
    let text = std::str::from_utf8(body).map_err(|_| "it is no text")?;
    let document = Document::parse(text).map_err(|error| error.to_string())?;
    let root = document.root_element();
    if root.tag_name().name() != format!("{operation}Response") {
        return Err(format!("it begins with <{}>", root.tag_name().name()));
    }
    // EC2 has no element around its results.
    let wrapper = format!("{operation}Result");
    let result = elements(root).find(|node| node.tag_name().name() == wrapper).unwrap_or(root);
    Ok(Value::Object(structure(result, shape)))
}

fn elements<'a>(node: Node<'a, 'a>) -> impl Iterator<Item = Node<'a, 'a>> {
    node.children().filter(Node::is_element)
}

fn structure(node: Node<'_, '_>, shape: &[Member]) -> Map<String, Value> {
    let member = |child: Node<'_, '_>| {
        let (_, name, shape) = shape.iter().find(|(element, ..)| *element == child.tag_name().name())?;
        Some(((*name).to_owned(), converted(child, shape)))
    };
    node.children().filter(Node::is_element).filter_map(member).collect()
}

fn converted(node: Node<'_, '_>, shape: &Shape) -> Value {
    let text: String = node.children().filter(Node::is_text).filter_map(|text| text.text()).collect();
    match shape {
        Shape::Structure(members) => Value::Object(structure(node, members)),
        Shape::List(of) => node.children().filter(Node::is_element).map(|child| converted(child, of)).collect(),
        Shape::Text => text.into(),
        Shape::Flag => match &*text {
            "true" => true.into(),
            "false" => false.into(),
            _ => text.into(),
        },
        // What is no number stays what it is: no reader takes it for one.
        Shape::Number => serde_json::from_str::<serde_json::Number>(&text).map_or_else(|_| text.into(), Value::Number),
        Shape::Time => time(&text).into(),
        Shape::Document => {
            let plain = unescaped(&text);
            serde_json::from_str(&plain).unwrap_or_else(|_| plain.into())
        }
    }
}

/// A time in the CLI's words: `2026-11-28T00:00:00+00:00`.
fn time(text: &str) -> String {
    text.parse::<jiff::Timestamp>().map_or_else(|_| text.to_owned(), written)
}

fn written(time: jiff::Timestamp) -> String {
    let text = time.to_string();
    text.strip_suffix('Z').map_or_else(|| text.clone(), |text| format!("{text}+00:00"))
}

/// JSON as the CLI prints it: without members that are null, and with times for seconds, by the names of their members. No answer has
/// another number below such a name.
fn printed(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(printed),
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            for (name, value) in map {
                let is_time = ["Date", "Time", "At", "ValidTo"].iter().any(|end| name.ends_with(end));
                if let Some(seconds) = value.as_f64().filter(|_| is_time) {
                    #[expect(
                        clippy::cast_possible_truncation,
                        reason = "a time of AWS's in milliseconds has 13 digits"
                    )]
                    let time = jiff::Timestamp::from_millisecond((seconds * 1000.0).round() as i64);
                    if let Ok(time) = time {
                        *value = written(time).into();
                    }
                } else {
                    printed(value);
                }
            }
        }
        _ => {}
    }
}

/// `%XX` as the bytes that they stand for.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let byte = match tail {
            [high, low, ..] if *first == b'%' => {
                let digits = [*high, *low];
                std::str::from_utf8(&digits).ok().and_then(|digits| u8::from_str_radix(digits, 16).ok())
            }
            _ => None,
        };
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What an answer that is no success says: XML or JSON, headers before bodies.
pub(super) fn fault(response: &Response) -> Fault {
    let text = std::str::from_utf8(&response.body).unwrap_or_default();
    let mut fault = if text.trim_start().starts_with('<') { fault_in_xml(text) } else { fault_in_json(text) };
    // `AWS.SimpleQueueService.NonExistentQueue;Sender`, `ResourceNotFoundException:http://…`
    let of_header = |name: &str| {
        let code = response.header(name)?.split([';', ':']).next().unwrap_or_default();
        (!code.is_empty()).then(|| code.to_owned())
    };
    if let Some(code) = of_header("x-amzn-query-error").or_else(|| of_header("x-amzn-errortype")) {
        fault.code = code;
    }
    if fault.code.is_empty() {
        fault.code = response.status.as_u16().to_string();
        if fault.message.is_empty() {
            fault.message = response.status.canonical_reason().unwrap_or_default().to_owned();
        }
    }
    fault
}

fn fault_in_xml(text: &str) -> Fault {
    let Ok(document) = Document::parse(text) else { return Fault::default() };
    let error = document.descendants().find(|node| node.tag_name().name() == "Error");
    let member = |name: &str| {
        let found = error.and_then(|error| elements(error).find(|node| node.tag_name().name() == name));
        found.and_then(|node| node.text()).unwrap_or_default().trim().to_owned()
    };
    Fault { code: member("Code"), message: member("Message") }
}

fn fault_in_json(text: &str) -> Fault {
    let body: Value = serde_json::from_str(text).unwrap_or_default();
    let member = |names: [&str; 2]| names.iter().find_map(|name| body.get(name)?.as_str()).unwrap_or_default();
    // `com.amazonaws.kms#NotFoundException`
    let code = member(["__type", "code"]).rsplit('#').next().unwrap_or_default();
    let code = code.split(':').next().unwrap_or_default().to_owned();
    Fault { code, message: member(["message", "Message"]).to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, StatusCode};
    use serde_json::json;

    fn response(status: u16, headers: &[(&'static str, &str)], body: &str) -> Response {
        let headers: HeaderMap =
            headers.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect();
        Response { status: StatusCode::from_u16(status).unwrap(), headers, body: body.as_bytes().to_vec() }
    }

    fn answer(service: &'static str, name: &'static str, body: &str) -> Result<Value, String> {
        read(&Question { service, name, options: vec![] }, &response(200, &[], body))
    }

    #[test]
    fn xml_becomes_what_the_cli_prints() {
        let role = "<GetRoleResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><GetRoleResult><Role>\
            <RoleName>a&amp;b</RoleName><CreateDate>2026-11-28T01:02:03Z</CreateDate>\
            <AssumeRolePolicyDocument>%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D</AssumeRolePolicyDocument>\
            <MaxSessionDuration>3600</MaxSessionDuration><Tags><member><Key>k</Key><Value/></member></Tags>\
            <RoleLastUsed/></Role></GetRoleResult><ResponseMetadata/></GetRoleResponse>";
        assert_eq!(
            answer("iam", "get-role", role),
            Ok(json!({"Role": {"RoleName": "a&b", "CreateDate": "2026-11-28T01:02:03+00:00",
                "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}, "MaxSessionDuration": 3600,
                "Tags": [{"Key": "k", "Value": ""}]}}))
        );
        let images = "<DescribeImagesResponse><requestId>x</requestId><imagesSet><item><imageId>ami-1</imageId>\
            <blockDeviceMapping><item><deviceName>/dev/xvda</deviceName><ebs><encrypted>true</encrypted>\
            <volumeSize>8</volumeSize></ebs></item></blockDeviceMapping></item></imagesSet></DescribeImagesResponse>";
        assert_eq!(
            answer("ec2", "describe-images", images),
            Ok(json!({"Images": [{"ImageId": "ami-1", "BlockDeviceMappings":
                [{"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": true, "VolumeSize": 8}}]}]}))
        );
        let none = "<DescribeSnapshotsResponse><snapshotSet/></DescribeSnapshotsResponse>";
        assert_eq!(answer("ec2", "describe-snapshots", none), Ok(json!({"Snapshots": []})));
        let sums = "<GetMetricStatisticsResponse><GetMetricStatisticsResult><Label>L</Label><Datapoints><member>\
            <Sum>3.0</Sum><Timestamp>2026-11-28T00:00:00Z</Timestamp></member></Datapoints></GetMetricStatisticsResult>\
            </GetMetricStatisticsResponse>";
        assert_eq!(
            answer("cloudwatch", "get-metric-statistics", sums),
            Ok(json!({"Label": "L", "Datapoints": [{"Sum": 3.0, "Timestamp": "2026-11-28T00:00:00+00:00"}]}))
        );
    }

    #[test]
    fn what_is_no_answer_is_none() {
        for body in
            ["", "<html></html>", "<GetRoleResponse>", "{}", "<!DOCTYPE x [<!ENTITY a \"b\">]><GetRoleResponse/>"]
        {
            assert!(answer("iam", "get-role", body).is_err(), "{body}");
        }
        for body in ["", "<html></html>", "[]", "null"] {
            assert!(answer("kms", "describe-key", body).is_err(), "{body}");
        }
    }

    #[test]
    fn json_is_what_the_cli_prints() {
        let body = r#"{"KeyMetadata": {"CreationDate": 1.7E9, "Enabled": true}, "Grants": [{"CreationDate": 1700000000.25}],
            "Attributes": {"CreatedTimestamp": "1700000000"}, "KeyRotationPeriod": 365, "NextMarker": null}"#;
        assert_eq!(
            answer("kms", "describe-key", body),
            Ok(json!({"KeyMetadata": {"CreationDate": "2023-11-14T22:13:20+00:00", "Enabled": true},
                "Grants": [{"CreationDate": "2023-11-14T22:13:20.25+00:00"}],
                "Attributes": {"CreatedTimestamp": "1700000000"}, "KeyRotationPeriod": 365}))
        );
    }

    #[test]
    fn a_refusal_is_read_in_every_protocol() {
        let of = |headers: &[(&'static str, &str)], body: &str| {
            let fault = fault(&response(400, headers, body));
            (fault.code, fault.message)
        };
        let said = |code: &str, message: &str| (code.to_owned(), message.to_owned());
        let iam = "<ErrorResponse><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>no &lt;x&gt;</Message></Error></ErrorResponse>";
        assert_eq!(of(&[], iam), said("NoSuchEntity", "no <x>"));
        let ec2 = "<?xml version=\"1.0\"?><Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>m</Message></Error></Errors></Response>";
        assert_eq!(of(&[], ec2), said("UnauthorizedOperation", "m"));
        assert_eq!(
            of(&[], r#"{"__type": "com.amazonaws.kms#NotFoundException", "message": "m"}"#),
            said("NotFoundException", "m")
        );
        assert_eq!(
            of(&[], r#"{"__type": "AccessDeniedException", "Message": "m"}"#),
            said("AccessDeniedException", "m")
        );
        assert_eq!(
            of(&[("x-amzn-errortype", "ResourceNotFoundException:http://x/")], r#"{"message": "m"}"#),
            said("ResourceNotFoundException", "m")
        );
        assert_eq!(
            of(
                &[("x-amzn-query-error", "AWS.SimpleQueueService.NonExistentQueue;Sender")],
                r#"{"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "m"}"#
            ),
            said("AWS.SimpleQueueService.NonExistentQueue", "m")
        );
        assert_eq!(of(&[], "busy"), said("400", "Bad Request"));
    }
}

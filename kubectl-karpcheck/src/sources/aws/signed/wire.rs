//! A question as its service takes it over HTTP. The words are those of the CLI's commands, so that a question has one home; here
//! stands only what the CLI's own models say of them: the protocol of a service, and options that are more than a text.

use http::Method;
use serde_json::{Map, Value, json};

use crate::sources::aws::call::Question;
use crate::sources::aws::signed::endpoints::host_name;
use crate::sources::aws::signed::sigv4;

/// The content type of a form.
pub(super) const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

/// How a service is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Protocol {
    /// A form, of which the version of the API is a part; XML comes back.
    Query(&'static str),
    /// The same with lists that are written otherwise.
    Ec2(&'static str),
    /// JSON to a target.
    Json { version: &'static str, target: &'static str },
    /// Paths; JSON comes back.
    Rest,
}

/// What a service speaks.
pub(super) fn protocol(service: &str) -> Option<Protocol> {
    const JSON_10: &str = "1.0";
    const JSON_11: &str = "1.1";
    let json = |version, target| Protocol::Json { version, target };
    Some(match service {
        "sts" => Protocol::Query("2011-06-15"),
        "iam" => Protocol::Query("2010-05-08"),
        "cloudwatch" => Protocol::Query("2010-08-01"),
        "ec2" => Protocol::Ec2("2016-11-15"),
        "sqs" => json(JSON_10, "AmazonSQS"),
        "dynamodb" => json(JSON_10, "DynamoDB_20120810"),
        "kms" => json(JSON_11, "TrentService"),
        "events" => json(JSON_11, "AWSEvents"),
        "cloudtrail" => json(JSON_11, "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101"),
        "eks" => Protocol::Rest,
        _ => return None,
    })
}

/// What an option's word is.
#[derive(Clone, Copy)]
enum Form {
    Number,
    /// A list of this one word.
    List,
    /// A list of one structure: `Name=QueueName,Value=prod`.
    Structure,
    /// The same, with a list of one word below this name: `Name=tag-key,Values=x`.
    Filter(&'static str),
    Json,
    /// RFC 3339, where the service takes seconds.
    Time,
}

/// Options that are more than a text, with the names of their parameters.
const FORMS: &[(&str, &str, &str, Form)] = &[
    ("sqs", "--attribute-names", "AttributeNames", Form::List),
    ("ec2", "--image-ids", "ImageId", Form::List),
    ("ec2", "--snapshot-ids", "SnapshotId", Form::List),
    ("ec2", "--versions", "LaunchTemplateVersion", Form::List),
    ("ec2", "--filters", "Filter", Form::Filter("Value")),
    ("cloudwatch", "--dimensions", "Dimensions", Form::Structure),
    ("cloudwatch", "--statistics", "Statistics", Form::List),
    ("cloudwatch", "--metric-data-queries", "MetricDataQueries", Form::Json),
    ("cloudtrail", "--lookup-attributes", "LookupAttributes", Form::Structure),
    ("cloudtrail", "--start-time", "StartTime", Form::Time),
    // The CLI's own limit over all pages. The first page has as many as that.
    ("cloudtrail", "--max-items", "MaxResults", Form::Number),
];

/// Answers that come in pages: where the next one is named, how it is asked for, and the list that goes on.
pub(super) struct Pages {
    pub(super) list: &'static str,
    pub(super) next: &'static str,
    parameter: &'static str,
}

/// How the answers of an operation go on. None where there is one page, or no more than that is wanted.
pub(super) fn pages(service: &str, operation: &str) -> Option<Pages> {
    let pages = |list, next, parameter| Some(Pages { list, next, parameter });
    match (service, operation) {
        ("iam", "list-role-policies") => pages("PolicyNames", "Marker", "Marker"),
        ("iam", "list-attached-role-policies") => pages("AttachedPolicies", "Marker", "Marker"),
        ("kms", "list-grants") => pages("Grants", "NextMarker", "Marker"),
        ("kms", "list-aliases") => pages("Aliases", "NextMarker", "Marker"),
        ("events", "list-rule-names-by-target") => pages("RuleNames", "NextToken", "NextToken"),
        ("events", "list-targets-by-rule") => pages("Targets", "NextToken", "NextToken"),
        ("eks", "list-pod-identity-associations") => pages("associations", "nextToken", "nextToken"),
        ("ec2", "describe-images") => pages("Images", "NextToken", "NextToken"),
        ("ec2", "describe-snapshots") => pages("Snapshots", "NextToken", "NextToken"),
        ("ec2", "describe-instances") => pages("Reservations", "NextToken", "NextToken"),
        ("ec2", "describe-launch-template-versions") => pages("LaunchTemplateVersions", "NextToken", "NextToken"),
        ("cloudwatch", "get-metric-data") => pages("MetricDataResults", "NextToken", "NextToken"),
        _ => None,
    }
}

/// A request before it is signed.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Unsigned {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

/// The request that puts a question, or asks for a further page. None for a service that is not in the table above.
pub(super) fn request(question: &Question, page: Option<&str>) -> Option<Unsigned> {
    let mut parameters = parameters(question);
    if let (Some(token), Some(pages)) = (page, pages(question.service, question.name)) {
        parameters.insert(pages.parameter.to_owned(), token.into());
    }
    let operation = pascal(question.name);
    let post = |headers, body| Unsigned { method: Method::POST, path: "/".into(), query: vec![], headers, body };
    Some(match protocol(question.service)? {
        protocol @ (Protocol::Query(version) | Protocol::Ec2(version)) => {
            let mut form = vec![("Action".to_owned(), operation), ("Version".to_owned(), version.to_owned())];
            let member = if matches!(protocol, Protocol::Query(_)) { ".member" } else { "" };
            for (name, value) in &parameters {
                flatten(name, value, member, &mut form);
            }
            post(vec![("content-type", FORM.to_owned())], sigv4::query(&form).into_bytes())
        }
        Protocol::Json { version, target } => post(
            vec![
                ("content-type", format!("application/x-amz-json-{version}")),
                ("x-amz-target", format!("{target}.{operation}")),
            ],
            Value::Object(parameters).to_string().into_bytes(),
        ),
        Protocol::Rest => {
            let mut take = |name: &str| match parameters.remove(name) {
                Some(Value::String(text)) => text,
                _ => String::new(),
            };
            let path = match question.name {
                "describe-cluster" => format!("/clusters/{}", sigv4::escaped(&take("name"))),
                _ => {
                    let cluster = sigv4::escaped(&take("clusterName"));
                    let association = sigv4::escaped(&take("associationId"));
                    let below = if association.is_empty() { String::new() } else { format!("/{association}") };
                    format!("/clusters/{cluster}/pod-identity-associations{below}")
                }
            };
            let query = parameters.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())));
            Unsigned { method: Method::GET, path, query: query.collect(), headers: vec![], body: vec![] }
        }
    })
}

/// The name that signatures are made for.
pub(super) fn signing_name(service: &str) -> &str {
    host_name(service)
}

/// The options as parameters.
fn parameters(question: &Question) -> Map<String, Value> {
    let named = question.options.iter().map(|(option, word)| {
        let form = FORMS.iter().find(|(service, name, ..)| *service == question.service && name == option);
        let Some((_, _, parameter, form)) = form else {
            let name = pascal(option.trim_start_matches('-'));
            // The paths of REST have names in lower case.
            let name = if question.service == "eks" { name[..1].to_ascii_lowercase() + &name[1..] } else { name };
            return (name, word.as_str().into());
        };
        let value = match form {
            Form::Number => word.parse::<u64>().map_or(Value::Null, Value::from),
            Form::List => json!([word]),
            Form::Structure => json!([structure(word)]),
            Form::Filter(list) => {
                let mut filter = structure(word);
                if let Some(value) = filter.remove("Values") {
                    filter.insert((*list).to_owned(), json!([value]));
                }
                json!([filter])
            }
            Form::Json => serde_json::from_str(word).unwrap_or_default(),
            Form::Time => word.parse::<jiff::Timestamp>().map_or(Value::Null, |time| time.as_second().into()),
        };
        ((*parameter).to_owned(), value)
    });
    named.collect()
}

/// `Name=QueueName,Value=prod`: no value of these has a comma.
fn structure(word: &str) -> Map<String, Value> {
    word.split(',')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect()
}

/// A parameter as a form has it: `Dimensions.member.1.Name`, and for EC2 `Filter.1.Name`.
fn flatten(name: &str, value: &Value, member: &str, form: &mut Vec<(String, String)>) {
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| flatten(&format!("{name}.{key}"), value, member, form))
        }
        Value::Array(list) => {
            for (number, value) in (1..).zip(list) {
                flatten(&format!("{name}{member}.{number}"), value, member, form);
            }
        }
        Value::String(text) => form.push((name.to_owned(), text.clone())),
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) => form.push((name.to_owned(), value.to_string())),
    }
}

/// `GetKeyPolicy` of `get-key-policy`.
pub(super) fn pascal(words: &str) -> String {
    words.split('-').filter(|word| !word.is_empty()).map(|word| word[..1].to_ascii_uppercase() + &word[1..]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::aws_calls::{IDENTITY, Part, TABLE};
    use crate::sources::aws::call::{Call, Times};
    use crate::sources::aws::signed::shapes;
    use crate::sources::aws::sums;

    fn times() -> Times {
        Times { from: "2026-11-21T00:00:00Z".into(), to: "2026-11-28T00:00:00Z".into() }
    }

    /// The questions of this name, each with values that say which they are.
    fn questions(name: &str) -> Vec<Question> {
        let all = TABLE.iter().chain([&IDENTITY]).filter(|operation| operation.name == name);
        let values: Vec<String> = ["one", "two", "three"].map(str::to_owned).to_vec();
        all.map(|operation| Call { operation, values: values.clone() }.question(&times())).collect()
    }

    fn sent(name: &str) -> (String, String, String) {
        let request = request(&questions(name)[0], None).expect("a service that is known");
        let query = sigv4::query(&request.query);
        let target = request.headers.iter().find(|(name, _)| *name == "x-amz-target").map(|(_, value)| value.clone());
        let path = if query.is_empty() { request.path } else { format!("{}?{query}", request.path) };
        (path, target.unwrap_or_default(), String::from_utf8(request.body).expect("a text"))
    }

    #[test]
    fn each_protocol_has_its_own_words() {
        assert_eq!(sent("get-caller-identity").2, "Action=GetCallerIdentity&Version=2011-06-15");
        assert_eq!(sent("get-role-policy").2, "Action=GetRolePolicy&PolicyName=two&RoleName=one&Version=2010-05-08");
        assert_eq!(sent("describe-images").2, "Action=DescribeImages&ImageId.1=one&Version=2016-11-15");
        assert_eq!(
            sent("describe-instances").2,
            "Action=DescribeInstances&Filter.1.Name=tag-key&Filter.1.Value.1=kubernetes.io%2Fcluster%2Fone&Version=2016-11-15"
        );
        assert_eq!(
            sent("describe-launch-template-versions").2,
            "Action=DescribeLaunchTemplateVersions&Filter.1.Name=tag%3Aeks%3Aeks-cluster-name&Filter.1.Value.1=one&\
             LaunchTemplateVersion.1=%24Default&Version=2016-11-15"
        );
        assert_eq!(
            sent("get-metric-statistics").2,
            "Action=GetMetricStatistics&Dimensions.member.1.Name=QueueName&Dimensions.member.1.Value=one&\
             EndTime=2026-11-28T00%3A00%3A00Z&MetricName=NumberOfMessagesSent&Namespace=AWS%2FSQS&Period=86400&\
             StartTime=2026-11-21T00%3A00%3A00Z&Statistics.member.1=Sum&Version=2010-08-01"
        );
        let (_, target, body) = sent("get-queue-attributes");
        assert_eq!(
            (&*target, &*body),
            ("AmazonSQS.GetQueueAttributes", r#"{"AttributeNames":["All"],"QueueUrl":"one"}"#)
        );
        let (_, target, body) = sent("lookup-events");
        assert_eq!(target, "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents");
        assert_eq!(
            serde_json::from_str::<Value>(&body).expect("JSON"),
            json!({"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "GenerateDataKeyWithoutPlaintext"}],
                   "StartTime": 1_795_219_200, "MaxResults": 50})
        );
        assert_eq!(sent("describe-cluster").0, "/clusters/one");
        assert_eq!(
            sent("list-pod-identity-associations").0,
            "/clusters/one/pod-identity-associations?namespace=two&serviceAccount=three"
        );
        assert_eq!(sent("describe-pod-identity-association").0, "/clusters/one/pod-identity-associations/two");
    }

    #[test]
    fn many_sums_are_one_form() {
        let operation = TABLE.iter().find(|operation| operation.name == "get-metric-statistics").expect("in the table");
        let call = Call { operation, values: vec!["prod".into()] };
        let body = request(&sums::question(&[call], &times()), Some("more")).expect("known").body;
        let body = String::from_utf8(body).expect("a text");
        for pair in [
            "Action=GetMetricData&",
            "&MetricDataQueries.member.1.Id=q0&",
            "&MetricDataQueries.member.1.MetricStat.Metric.Dimensions.member.1.Value=prod&",
            "&MetricDataQueries.member.1.MetricStat.Period=86400&",
            "&NextToken=more&",
        ] {
            assert!(body.contains(pair), "{pair}: {body}");
        }
    }

    #[test]
    fn every_question_can_be_sent_and_none_of_its_values_is_lost() {
        let values = ["one", "two", "three"];
        for operation in TABLE.iter().chain([&IDENTITY]) {
            let call = Call { operation, values: values.map(str::to_owned).to_vec() };
            let request = request(&call.question(&times()), None).unwrap_or_else(|| panic!("{}", operation.service));
            let text = format!("{} {:?} {}", request.path, request.query, String::from_utf8_lossy(&request.body));
            for part in operation.options.iter().flat_map(|option| option.value) {
                if let Part::Value(number) = part {
                    assert!(text.contains(values[*number]), "{}: {text}", operation.name);
                }
            }
            assert!(!text.contains("null"), "{}: {text}", operation.name);
            let is_xml = matches!(protocol(operation.service), Some(Protocol::Query(_) | Protocol::Ec2(_)));
            assert_eq!(shapes::of(operation.service, operation.name).is_some(), is_xml, "{}", operation.name);
        }
    }
}

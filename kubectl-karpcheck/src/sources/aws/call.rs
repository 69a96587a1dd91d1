//! A question with its values: the words of its command.

use std::fmt::Write as _;

use crate::schema::aws_calls;
use crate::schema::aws_calls::{Operation, Part, SPAN};

/// A call that can be made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Call {
    pub(super) operation: &'static Operation,
    /// Those of its topic.
    pub(super) values: Vec<String>,
}

/// The times that calls ask about, RFC 3339, or words of a script that stand for them.
#[derive(Clone, Debug)]
pub(super) struct Times {
    pub(super) from: String,
    pub(super) to: String,
}

impl Times {
    /// From a week ago to a time.
    pub(super) fn until(now: jiff::Timestamp) -> Self {
        #[expect(clippy::cast_possible_wrap, reason = "a week")]
        let from = jiff::Timestamp::from_second(now.as_second() - SPAN as i64).unwrap_or(now);
        let to = jiff::Timestamp::from_second(now.as_second()).unwrap_or(now);
        Self { from: from.to_string(), to: to.to_string() }
    }
}

/// A question with all its words: what the CLI takes as a command, and a service as a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Question {
    pub(super) service: &'static str,
    pub(super) name: &'static str,
    /// With their dashes, each with its value.
    pub(super) options: Vec<(&'static str, String)>,
}

impl Question {
    /// The arguments of `aws`: service, operation, options.
    pub(super) fn arguments(&self) -> Vec<String> {
        let mut words = vec![self.service.to_owned(), self.name.to_owned()];
        for (name, value) in &self.options {
            words.push((*name).to_owned());
            words.push(value.clone());
        }
        words
    }
}

impl Call {
    /// The question that it puts.
    pub(super) fn question(&self, times: &Times) -> Question {
        let Operation { service, name, .. } = *self.operation;
        Question { service, name, options: self.options(times) }
    }

    /// The options, each with its value.
    pub(super) fn options(&self, times: &Times) -> Vec<(&'static str, String)> {
        let word = |parts: &[Part]| {
            parts.iter().fold(String::new(), |mut word, part| {
                match part {
                    Part::Fixed(text) => word.push_str(text),
                    Part::Value(number) => word.push_str(self.values.get(*number).map_or("", String::as_str)),
                    Part::From => word.push_str(&times.from),
                    Part::To => word.push_str(&times.to),
                }
                word
            })
        };
        self.operation.options.iter().map(|option| (option.name, word(option.value))).collect()
    }

    /// The arguments of `aws`: service, operation, options.
    pub(super) fn arguments(&self, times: &Times) -> Vec<String> {
        self.question(times).arguments()
    }

    /// What makes it one question, however often it comes up.
    pub(super) fn key(&self) -> (&'static str, &'static str, String) {
        let mut key = String::new();
        for option in self.operation.options {
            for part in option.value {
                match part {
                    Part::Fixed(text) => key.push_str(text),
                    Part::Value(number) => key.push_str(self.values.get(*number).map_or("", String::as_str)),
                    Part::From | Part::To => {}
                }
            }
            key.push('\n');
        }
        (self.operation.service, self.operation.name, key)
    }

    /// The questions that an answer leads to, and how many of its values are nothing that could be asked about.
    pub(super) fn led_to(&self, answer: &serde_json::Value) -> (Vec<(aws_calls::Topic, Vec<String>)>, Vec<String>) {
        let mut topics = vec![];
        let mut strange = vec![];
        for lead in self.operation.leads {
            if let Some((path, value)) = lead.only
                && !texts(answer, path).contains(&value)
            {
                continue;
            }
            for text in texts(answer, lead.path) {
                match lead.to.value(lead.keep, text) {
                    Some(value) => {
                        let mut values: Vec<String> = self.values.iter().take(lead.keep).cloned().collect();
                        values.push(value);
                        topics.push((lead.to, values));
                    }
                    None => strange.push(text.to_owned()),
                }
            }
        }
        (topics, strange)
    }
}

/// The texts at a path: names with dots between, `[]` behind the name of a list.
fn texts<'a>(answer: &'a serde_json::Value, path: &str) -> Vec<&'a str> {
    let mut found = vec![answer];
    for segment in path.split('.') {
        let (name, list) = segment.strip_suffix("[]").map_or((segment, false), |name| (name, true));
        found = found.into_iter().filter_map(|value| value.get(name)).collect();
        if list {
            found = found.into_iter().filter_map(serde_json::Value::as_array).flatten().collect();
        }
    }
    found.into_iter().filter_map(serde_json::Value::as_str).filter(|text| !text.is_empty()).collect()
}

/// A command as a shell takes it.
pub(super) fn line(words: &[String]) -> String {
    words.iter().fold("aws".to_owned(), |mut line, word| {
        let _ = write!(line, " {}", quoted(word));
        line
    })
}

/// One word for a POSIX shell.
pub(super) fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=,@+".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::aws_calls::{TABLE, Topic};
    use serde_json::json;

    fn asked(name: &str, values: &[&str]) -> Call {
        let operation = TABLE.iter().find(|operation| operation.name == name).expect("in the table");
        Call { operation, values: values.iter().map(|value| (*value).to_owned()).collect() }
    }

    #[test]
    fn a_command_is_made_of_its_values() {
        let times = Times { from: "F".into(), to: "T".into() };
        let words = asked("get-role-policy", &["r", "p"]).arguments(&times);
        assert_eq!(line(&words), "aws iam get-role-policy --role-name r --policy-name p");
        let words = asked("get-metric-statistics", &["q"]).arguments(&times);
        assert_eq!(
            line(&words),
            "aws cloudwatch get-metric-statistics --namespace AWS/SQS --metric-name NumberOfMessagesSent --dimensions \
             Name=QueueName,Value=q --start-time F --end-time T --period 86400 --statistics Sum"
        );
    }

    #[test]
    fn answers_lead_to_questions() {
        let answer = json!({"Attributes": {"QueueArn": "arn:aws:sqs:r:1:q", "KmsMasterKeyId": "alias/aws/sqs"}});
        let (led, strange) = asked("get-queue-attributes", &["https://q"]).led_to(&answer);
        assert_eq!(
            led,
            [(Topic::QueueArn, vec!["arn:aws:sqs:r:1:q".to_owned()]), (Topic::Key, vec!["alias/aws/sqs".to_owned()])]
        );
        assert!(strange.is_empty());
        let answer = json!({"PolicyNames": ["one", "two", "file:///etc/passwd", "-x", 7, null]});
        let (led, strange) = asked("list-role-policies", &["r"]).led_to(&answer);
        let pairs = [["r", "one"], ["r", "two"]].map(|pair| (Topic::RolePolicy, pair.map(str::to_owned).to_vec()));
        assert_eq!(led, pairs);
        assert_eq!(strange, ["file:///etc/passwd", "-x"]);
    }

    #[test]
    fn the_policy_of_a_key_of_awss_own_is_not_asked_for() {
        let of = |manager: &str| {
            let answer = json!({"KeyMetadata": {"KeyManager": manager, "Arn": "arn:aws:kms:r:1:key/k"}});
            asked("describe-key", &["k"]).led_to(&answer).0.len()
        };
        assert_eq!((of("CUSTOMER"), of("AWS")), (1, 0));
    }

    #[test]
    fn a_shell_takes_every_word_as_it_is() {
        for word in ["plain", "", "a b", "it's", "$(touch x)", "`x`", "a\nb", "*", "~", "-n", "\\", "\"", "!", "a;b"] {
            let script = format!("printf %s {}", quoted(word));
            let ran = std::process::Command::new("sh").args(["-c", &script]).output().expect("a shell");
            assert_eq!(String::from_utf8_lossy(&ran.stdout), word, "{script}");
        }
    }
}

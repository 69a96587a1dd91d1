//! Sums of CloudWatch: many questions of one kind, put as one. A week of a queue and its rules is a dozen of them.

use serde_json::{Value, json};

use crate::schema::aws_calls::Part;
use crate::sources::aws::call::{Call, Question, Times};

/// The operation that is asked once for each sum.
const SINGLE: &str = "get-metric-statistics";
/// Queries that one question may hold, by the API's own limit.
pub(super) const MOST: usize = 500;
/// The service that is asked.
const SERVICE: &str = "cloudwatch";

/// Is it a sum?
pub(super) fn is_sum(call: &Call) -> bool {
    call.operation.name == SINGLE
}

/// The one question.
pub(super) fn question(calls: &[Call], times: &Times) -> Question {
    let queries: Vec<Value> = calls.iter().enumerate().map(|(number, call)| query(number, call)).collect();
    let options = vec![
        ("--metric-data-queries", json!(queries).to_string()),
        ("--start-time", times.from.clone()),
        ("--end-time", times.to.clone()),
    ];
    Question { service: SERVICE, name: "get-metric-data", options }
}

fn query(number: usize, call: &Call) -> Value {
    let option = |wanted: &str| {
        let option = call.operation.options.iter().find(|option| option.name == wanted);
        option.map_or_else(String::new, |option| {
            option.value.iter().fold(String::new(), |word, part| match part {
                Part::Fixed(text) => word + text,
                Part::Value(number) => word + call.values.get(*number).map_or("", String::as_str),
                Part::From | Part::To => word,
            })
        })
    };
    // Name=QueueName,Value=prod
    let dimension = option("--dimensions");
    let (name, value) = dimension.split_once(",Value=").unwrap_or_default();
    json!({
        "Id": format!("q{number}"),
        "MetricStat": {
            "Metric": {
                "Namespace": option("--namespace"),
                "MetricName": option("--metric-name"),
                "Dimensions": [{ "Name": name.trim_start_matches("Name="), "Value": value }],
            },
            "Period": option("--period").parse::<u32>().unwrap_or(86_400),
            "Stat": option("--statistics"),
        },
    })
}

/// The answers as each question alone has them. None where one is missing or not whole.
pub(super) fn answers(calls: &[Call], text: &str) -> Option<Vec<String>> {
    let answer: Value = serde_json::from_str(text).ok()?;
    let results = answer["MetricDataResults"].as_array()?;
    let of = |number: usize| {
        let result = results.iter().find(|result| result["Id"] == format!("q{number}"))?;
        if result["StatusCode"].as_str().is_some_and(|code| code != "Complete") {
            return None;
        }
        let (times, values) = (result["Timestamps"].as_array()?, result["Values"].as_array()?);
        let points: Vec<Value> = times
            .iter()
            .zip(values)
            .map(|(time, value)| json!({ "Timestamp": time, "Sum": value, "Unit": "Count" }))
            .collect();
        let label = calls[number].operation.options.iter().find(|option| option.name == "--metric-name")?;
        let label: String = label
            .value
            .iter()
            .filter_map(|part| if let Part::Fixed(text) = part { Some(*text) } else { None })
            .collect();
        Some(json!({ "Label": label, "Datapoints": points }).to_string())
    };
    (0..calls.len()).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::aws_calls::TABLE;

    #[test]
    fn many_sums_are_one_question_and_many_answers() {
        let of = |metric: &str, value: &str| {
            let operation = TABLE
                .iter()
                .find(|one| {
                    one.options.iter().any(|option| matches!(option.value, [Part::Fixed(text)] if *text == metric))
                })
                .unwrap();
            Call { operation, values: vec![value.to_owned()] }
        };
        let calls = [of("NumberOfMessagesSent", "prod"), of("Invocations", "spot")];
        assert!(calls.iter().all(is_sum));
        let times = Times { from: "F".into(), to: "T".into() };
        let words = question(&calls, &times).arguments();
        assert_eq!(words[..3], ["cloudwatch", "get-metric-data", "--metric-data-queries"]);
        let queries: Value = serde_json::from_str(&words[3]).unwrap();
        assert_eq!(
            queries[0]["MetricStat"],
            json!({"Metric": {"Namespace": "AWS/SQS", "MetricName": "NumberOfMessagesSent",
                   "Dimensions": [{"Name": "QueueName", "Value": "prod"}]}, "Period": 86400, "Stat": "Sum"})
        );
        let whole = json!({"MetricDataResults": [
            {"Id": "q1", "Label": "x", "Timestamps": [], "Values": [], "StatusCode": "Complete"},
            {"Id": "q0", "Label": "x", "Timestamps": ["2026-11-28T00:00:00Z"], "Values": [3.0], "StatusCode": "Complete"},
        ]});
        let answers_of = |answer: &Value| answers(&calls, &answer.to_string());
        let given = answers_of(&whole).unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(&given[0]).unwrap(),
            json!({"Label": "NumberOfMessagesSent",
                   "Datapoints": [{"Timestamp": "2026-11-28T00:00:00Z", "Sum": 3.0, "Unit": "Count"}]})
        );
        let mut partial = whole.clone();
        partial["MetricDataResults"][0]["StatusCode"] = json!("PartialData");
        assert_eq!(answers_of(&partial), None);
        assert_eq!(answers_of(&json!({"MetricDataResults": []})), None);
    }
}

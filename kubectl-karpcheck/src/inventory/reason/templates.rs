//! Gaps of templates and placeholders: CloudFormation, and what other tools fill in.

use std::sync::Arc;

super::gaps! {
    /// Of templates and placeholders: CloudFormation, and what other tools fill in.
    pub enum Template {
        "too-much-to-evaluate" TooMuch = "the template's functions expand to more than karpcheck evaluates";
        "members-made-later" Members { function: Arc<str> } = "{function} brings members when the stack is made";
        "condition-not-known" Condition { condition: Arc<str> } = "it depends on the condition {condition}";
        "known-when-made" WhenMade { name: Arc<str> } = "{name} is known when the stack is made";
        "read-when-made" Resolved { name: Arc<str> } = "{name} is read when the stack is made";
        "not-evaluated" NotEvaluated { name: Arc<str> } = "{name} cannot be evaluated here";
        "no-such-element" NoElement = "it has no such element";
        "not-declared" NotDeclared { name: Arc<str> } = "the template has no {name}";
        "parameter-without-value" Parameter { name: Arc<str> } = "the parameter {name} has no value";
        "parameter-by-default" Default { name: Arc<str>, default: Arc<str> } = "the parameter {name} is only by default {default}";
        "parameter-files-differ" ParameterFiles { name: Arc<str>, values: Arc<str> } = "the parameter {name} has another value in each file: {values}";
        "read-when-made" Ssm { name: Arc<str> } = "the parameter {name} is read from SSM when the stack is made";
        "export-of-another-stack" Export { export: Arc<str> } = "the export {export} is another stack's";
        "not-a-text" NotText { name: Arc<str> } = "{name} is not a string";
        "placeholder-without-value" Placeholder { name: Arc<str> } = "the placeholder {name} has no value";
        "form-not-filled-in" Form = "the object is a form: its name, too, is left blank";
    }
}

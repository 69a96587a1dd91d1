//! Keys, in memory and nowhere else.

use serde::Deserialize;

/// What a request is signed with.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::sources::aws) struct Credentials {
    pub(super) access_key_id: String,
    pub(super) secret_access_key: String,
    #[serde(default, alias = "Token")]
    pub(super) session_token: Option<String>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials")
    }
}

impl Credentials {
    /// What `aws configure export-credentials --format process` prints.
    pub(in crate::sources::aws) fn of_process(text: &str) -> Option<Self> {
        serde_json::from_str::<Self>(text).ok().filter(Self::is_whole)
    }

    /// Are both there?
    pub(super) fn is_whole(&self) -> bool {
        !self.access_key_id.is_empty() && !self.secret_access_key.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_never_shown() {
        let keys = Credentials::of_process(r#"{"Version": 1, "AccessKeyId": "AKIA", "SecretAccessKey": "hidden"}"#);
        let shown = format!("{keys:?}");
        assert!(keys.is_some());
        assert!(!shown.contains("hidden") && !shown.contains("AKIA"), "{shown}");
        assert_eq!(Credentials::of_process("{}"), None);
        assert_eq!(Credentials::of_process(r#"{"AccessKeyId": "", "SecretAccessKey": ""}"#), None);
    }
}

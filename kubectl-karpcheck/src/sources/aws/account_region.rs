//! What a resource's ARN, and the name of a file, say of it.

use std::path::Path;

use crate::inventory::{At, AwsFacts, Node, Text, arn};

/// Where a resource lives and what others call it, by its ARN. None where that is no ARN.
pub(crate) fn of_arn(kind: &str, arn: &Text, at: At) -> Option<AwsFacts> {
    let [_, partition, _, region, account, resource] = arn::split(arn)?;
    let told = |text: Text| (!text.is_empty()).then(|| Node::text(text, at));
    let id = Some(arn::identifier(kind, &resource));
    Some(AwsFacts {
        partition: told(partition),
        account: told(account),
        region: told(region),
        arn: Some(Node::text(arn.clone(), at)),
        id,
        logical: vec![],
    })
}

/// The key that a file is about, by its name or its folder's: `get-key-policy--KEY_ID.json`, `KEY_ID/policy.json`.
pub(crate) fn key_in(path: &Path) -> Option<String> {
    let names = [path.file_name(), path.parent().and_then(Path::file_name)];
    names.into_iter().flatten().find_map(|name| key_in_text(&name.to_string_lossy()))
}

/// A key's id somewhere in a text: a UUID, or `mrk-` and 32 hexadecimal digits.
fn key_in_text(text: &str) -> Option<String> {
    let hex = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_id = |word: &str| match word.strip_prefix("mrk-") {
        Some(rest) => rest.len() == 32 && hex(rest),
        None => {
            let lengths = [8, 4, 4, 4, 12];
            let parts: Vec<&str> = word.split('-').collect();
            parts.len() == lengths.len()
                && parts.iter().zip(lengths).all(|(part, length)| part.len() == length && hex(part))
        }
    };
    // Both forms are 36 characters long.
    (0..text.len()).find_map(|start| {
        let (word, before, after) = (text.get(start..start + 36)?, text.get(..start)?, text.get(start + 36..)?);
        // Not out of the middle of a longer word.
        let free = |char: Option<char>| char.is_none_or(|char| !char.is_ascii_alphanumeric());
        let alone = free(before.chars().next_back()) && free(after.chars().next());
        (alone && is_id(word)).then(|| word.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_names_its_key() {
        let id = "1234abcd-12ab-34cd-56ef-1234567890ab";
        for path in [
            format!("answers/get-key-policy--{id}.json"),
            format!("{id}/get-key-policy.json"),
            format!("key-{id}-policy.json"),
        ] {
            assert_eq!(key_in(Path::new(&path)).as_deref(), Some(id), "{path}");
        }
        let replica = "mrk-1234abcd12ab34cd56ef1234567890ab";
        assert_eq!(key_in(Path::new(&format!("{replica}.json"))).as_deref(), Some(replica));
        for path in
            ["key-policy.json", "1234abcd-12ab.json", "x1234abcd-12ab-34cd-56ef-1234567890ab.json", "é.json", ""]
        {
            assert_eq!(key_in(Path::new(path)), None, "{path}");
        }
    }

    #[test]
    fn an_arn_says_where_and_what() {
        let facts = |kind, arn: &str| of_arn(kind, &arn.into(), At::default());
        let role = facts("AWS::IAM::Role", "arn:aws:iam::111122223333:role/path/karpenter").expect("an ARN");
        assert_eq!(role.id.as_ref().and_then(Text::known), Some("karpenter"));
        assert!(role.region.is_none());
        let queue = facts("AWS::SQS::Queue", "arn:aws-cn:sqs:cn-north-1:111122223333:prod").expect("an ARN");
        assert_eq!(queue.id.as_ref().and_then(Text::known), Some("prod"));
        assert_eq!(queue.region.as_ref().and_then(Node::as_str), Some("cn-north-1"));
        assert!(facts("AWS::SQS::Queue", "prod").is_none());
    }
}

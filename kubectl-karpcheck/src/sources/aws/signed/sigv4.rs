//! Signature Version 4, as AWS's documentation of it has it. Nothing is signed but the headers that are listed here: what a proxy or a
//! client adds does not matter.

use std::fmt::Write as _;

use ring::{digest, hmac};

use crate::formats::hex::hex;
use crate::sources::aws::signed::keys::Credentials;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What is signed.
pub(super) struct Signable<'a> {
    pub(super) method: &'a str,
    /// `/`, or segments that need no escape.
    pub(super) path: &'a str,
    /// Names and values, not encoded.
    pub(super) query: &'a [(String, String)],
    /// In lower case, `host` among them.
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: &'a [u8],
}

/// For which service and region, and when.
pub(super) struct Scope<'a> {
    pub(super) service: &'a str,
    pub(super) region: &'a str,
    pub(super) now: jiff::Timestamp,
}

impl Signable<'_> {
    /// The headers with which the request is signed, beside its own.
    pub(super) fn sign(mut self, scope: &Scope<'_>, credentials: &Credentials) -> Vec<(&'static str, String)> {
        let time = compact(scope.now);
        let day = &time[..8];
        self.headers.push(("x-amz-date", time.clone()));
        if let Some(token) = &credentials.session_token {
            self.headers.push(("x-amz-security-token", token.clone()));
        }
        self.headers.sort_unstable();
        let names = self.headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
        let area = format!("{day}/{}/{}/aws4_request", scope.region, scope.service);
        let to_sign = format!("{ALGORITHM}\n{time}\n{area}\n{}", hash(self.canonical(&names).as_bytes()));
        let secret = format!("AWS4{}", credentials.secret_access_key);
        let key = [day, scope.region, scope.service, "aws4_request"]
            .iter()
            .fold(secret.into_bytes(), |key, word| mac(&key, word.as_bytes()));
        let signature = hex(&mac(&key, to_sign.as_bytes()));
        let id = &credentials.access_key_id;
        let value = format!("{ALGORITHM} Credential={id}/{area}, SignedHeaders={names}, Signature={signature}");
        self.headers.push(("authorization", value));
        self.headers
    }

    fn canonical(&self, names: &str) -> String {
        let mut text = format!("{}\n{}\n{}\n", self.method, self.path, query(self.query));
        for (name, value) in &self.headers {
            let _ = writeln!(text, "{name}:{}", value.split_whitespace().collect::<Vec<_>>().join(" "));
        }
        let _ = write!(text, "\n{names}\n{}", hash(self.body));
        text
    }
}

/// `20150830T123600Z`.
fn compact(time: jiff::Timestamp) -> String {
    let whole = jiff::Timestamp::from_second(time.as_second()).unwrap_or(time).to_string();
    whole.chars().filter(|char| !matches!(char, '-' | ':')).collect()
}

/// A query in the order and with the escapes that are signed; it is sent like that, too.
pub(super) fn query(pairs: &[(String, String)]) -> String {
    let mut encoded: Vec<(String, String)> =
        pairs.iter().map(|(name, value)| (escaped(name), escaped(value))).collect();
    encoded.sort_unstable();
    encoded.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// All but RFC 3986's unreserved characters as `%XX`.
pub(super) fn escaped(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

fn hash(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "example.amazonaws.com";

    fn signature(
        method: &str,
        path: &str,
        query: &[(&str, &str)],
        headers: &[(&'static str, &str)],
        token: &str,
    ) -> String {
        let credentials = Credentials {
            access_key_id: "AKIDEXAMPLE".into(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
            session_token: Some(token.to_owned()).filter(|token| !token.is_empty()),
        };
        let query: Vec<(String, String)> =
            query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let headers =
            headers.iter().chain(&[("host", NAME)]).map(|(name, value)| (*name, (*value).to_owned())).collect();
        let signable = Signable { method, path, query: &query, headers, body: b"" };
        let now = "2015-08-30T12:36:00Z".parse().expect("a time");
        let signed = signable.sign(&Scope { service: "service", region: "us-east-1", now }, &credentials);
        let value = signed.into_iter().find(|(name, _)| *name == "authorization").expect("it is signed").1;
        let front = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=";
        value.strip_prefix(front).expect("its scope").replace(", Signature=", " ")
    }

    /// Requests and signatures of AWS's own test suite (awslabs/aws-c-auth at 495329c, tests/aws-signing-test-suite/v4,
    /// Apache-2.0).
    #[test]
    fn signatures_are_those_of_awss_test_suite() {
        let plain = |method, path, query: &[(&str, &str)]| signature(method, path, query, &[], "");
        assert_eq!(
            plain("GET", "/", &[]),
            "host;x-amz-date 5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            "get-vanilla"
        );
        assert_eq!(
            plain("POST", "/", &[]),
            "host;x-amz-date 5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
            "post-vanilla"
        );
        assert_eq!(
            plain("GET", "/", &[("Param2", "value2"), ("Param1", "value1")]),
            "host;x-amz-date b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            "get-vanilla-query-order-key-case"
        );
        assert_eq!(
            plain("GET", "/", &[("Param-3", "Value3"), ("Param", "Value2"), ("\u{1234}", "Value1")]),
            "host;x-amz-date 371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
            "get-vanilla-query-order-encoded"
        );
        assert_eq!(
            plain("GET", "/", &[("\u{1234}", "bar")]),
            "host;x-amz-date 2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
            "get-vanilla-utf8-query"
        );
        let unreserved = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        assert_eq!(
            plain("GET", "/", &[(unreserved, unreserved)]),
            "host;x-amz-date 9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
            "get-vanilla-query-unreserved"
        );
        assert_eq!(
            plain("GET", &format!("/{unreserved}"), &[]),
            "host;x-amz-date 07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
            "get-unreserved"
        );
        assert_eq!(
            signature("GET", "/", &[], &[("my-header2", " \"a   b   c\""), ("my-header1", " value1")], ""),
            "host;my-header1;my-header2;x-amz-date acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
            "get-header-value-trim"
        );
        let token = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267";
        assert_eq!(
            signature("GET", "/", &[], &[], token),
            "host;x-amz-date;x-amz-security-token 07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
            "get-vanilla-with-session-token"
        );
    }

    #[test]
    fn a_body_is_signed_as_it_is_sent() {
        // post-x-www-form-urlencoded of the same suite.
        let credentials = Credentials {
            access_key_id: "AKIDEXAMPLE".into(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
            session_token: None,
        };
        let hash = "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e";
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("host", NAME),
            ("content-length", "13"),
            ("x-amz-content-sha256", hash),
        ];
        let headers = headers.map(|(name, value)| (name, value.to_owned())).to_vec();
        let signable = Signable { method: "POST", path: "/", query: &[], headers, body: b"Param1=value1" };
        let now = "2015-08-30T12:36:00Z".parse().expect("a time");
        let signed = signable.sign(&Scope { service: "service", region: "us-east-1", now }, &credentials);
        let value = &signed.iter().find(|(name, _)| *name == "authorization").expect("it is signed").1;
        let signature = "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b";
        assert!(value.ends_with(&format!("Signature={signature}")), "{value}");
    }
}

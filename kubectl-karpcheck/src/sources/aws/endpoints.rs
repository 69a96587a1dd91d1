//! Addresses in place of AWS's own.

use std::collections::BTreeMap;

use crate::schema::aws_calls;

/// Those of the environment: `AWS_ENDPOINT_URL`, and `AWS_ENDPOINT_URL_KMS` for one service. The CLI is given them as options, since
/// not every version of it honours the variables.
#[derive(Clone, Debug, Default)]
pub(super) struct Endpoints {
    all: Option<String>,
    services: BTreeMap<&'static str, String>,
}

impl Endpoints {
    pub(super) fn of_environment() -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        if variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Self::default();
        }
        let services = aws_calls::TABLE.iter().chain([&aws_calls::IDENTITY]).map(|operation| operation.service);
        let of = |service: &str| variable(&format!("AWS_ENDPOINT_URL_{}", service.to_ascii_uppercase()));
        Self {
            all: variable("AWS_ENDPOINT_URL"),
            services: services.filter_map(|service| of(service).map(|url| (service, url))).collect(),
        }
    }

    #[cfg(test)]
    pub(super) fn all(url: &str) -> Self {
        Self { all: Some(url.to_owned()), services: BTreeMap::new() }
    }

    pub(super) fn of(&self, service: &str) -> Option<&str> {
        self.services.get(service).or(self.all.as_ref()).map(String::as_str)
    }
}

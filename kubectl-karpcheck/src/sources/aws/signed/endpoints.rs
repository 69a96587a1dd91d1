//! Where a service is asked, and for which region a question is signed.

use crate::sources::aws::endpoints::Endpoints;

/// A part of AWS with accounts of its own.
struct Partition {
    /// How the names of its regions begin; the longest counts.
    prefix: &'static str,
    suffix: &'static str,
    /// The host of IAM, which has one for the whole partition, and the region that it is signed for.
    iam: (&'static str, &'static str),
}

/// As botocore's `partitions.json` and IAM's endpoint rules have them (botocore 1.44.8).
const PARTITIONS: &[Partition] = &[
    Partition { prefix: "", suffix: "amazonaws.com", iam: ("iam.amazonaws.com", "us-east-1") },
    Partition { prefix: "cn-", suffix: "amazonaws.com.cn", iam: ("iam.cn-north-1.amazonaws.com.cn", "cn-north-1") },
    Partition { prefix: "us-gov-", suffix: "amazonaws.com", iam: ("iam.us-gov.amazonaws.com", "us-gov-west-1") },
    Partition { prefix: "eusc-", suffix: "amazonaws.eu", iam: ("iam.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1") },
    Partition { prefix: "us-iso-", suffix: "c2s.ic.gov", iam: ("iam.us-iso-east-1.c2s.ic.gov", "us-iso-east-1") },
    Partition {
        prefix: "us-isob-",
        suffix: "sc2s.sgov.gov",
        iam: ("iam.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"),
    },
    Partition {
        prefix: "eu-isoe-",
        suffix: "cloud.adc-e.uk",
        iam: ("iam.eu-isoe-west-1.cloud.adc-e.uk", "eu-isoe-west-1"),
    },
    Partition {
        prefix: "us-isof-",
        suffix: "csp.hci.ic.gov",
        iam: ("iam.us-isof-south-1.csp.hci.ic.gov", "us-isof-south-1"),
    },
];

/// The address of a service.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Endpoint {
    /// `https://host`, with a port if it is not the scheme's own.
    pub(super) origin: String,
    /// What stands in the header Host, and is signed.
    pub(super) host: String,
    /// What comes before the path of every request; empty for AWS's own.
    pub(super) prefix: String,
    pub(super) region: String,
}

/// Can it be the name of a region? It becomes a part of a host's name, and may come out of a cluster.
pub(super) fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let is_word = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    matches!(parts.as_slice(), [words @ .., number]
        if words.len() >= 2 && words.iter().all(is_word) && number.parse::<u8>().is_ok())
        && text.len() <= 32
}

/// The endpoint of a service in a region: the user's own, else AWS's. None where the user's is no address.
pub(super) fn of(service: &str, region: &str, own: &Endpoints) -> Option<Endpoint> {
    let partition = PARTITIONS
        .iter()
        .filter(|partition| region.starts_with(partition.prefix))
        .max_by_key(|partition| partition.prefix.len())?;
    let signed_for = if service == "iam" { partition.iam.1 } else { region };
    if let Some(url) = own.of(service) {
        let uri: http::Uri = url.parse().ok()?;
        let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
        let usual = matches!((scheme, authority.port_u16()), ("https", Some(443)) | ("http", Some(80)));
        let host = if usual { authority.host().to_owned() } else { authority.as_str().to_owned() };
        let prefix = uri.path().trim_end_matches('/').to_owned();
        let is_web = matches!(scheme, "http" | "https") && !authority.as_str().contains('@');
        return is_web.then(|| Endpoint {
            origin: format!("{scheme}://{host}"),
            host,
            prefix,
            region: signed_for.into(),
        });
    }
    let host = match service {
        "iam" => partition.iam.0.to_owned(),
        _ => format!("{}.{region}.{}", host_name(service), partition.suffix),
    };
    Some(Endpoint { origin: format!("https://{host}"), host, prefix: String::new(), region: signed_for.into() })
}

/// What a service is called in its host and in signatures.
pub(super) fn host_name(service: &str) -> &str {
    if service == "cloudwatch" { "monitoring" } else { service }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_partition_has_its_own_hosts() {
        let none = Endpoints::default();
        for (service, region, host, signed_for) in [
            ("sqs", "eu-west-1", "sqs.eu-west-1.amazonaws.com", "eu-west-1"),
            ("cloudwatch", "eu-west-1", "monitoring.eu-west-1.amazonaws.com", "eu-west-1"),
            ("iam", "eu-west-1", "iam.amazonaws.com", "us-east-1"),
            ("sts", "us-east-1", "sts.us-east-1.amazonaws.com", "us-east-1"),
            ("kms", "cn-northwest-1", "kms.cn-northwest-1.amazonaws.com.cn", "cn-northwest-1"),
            ("iam", "cn-northwest-1", "iam.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            ("iam", "us-gov-east-1", "iam.us-gov.amazonaws.com", "us-gov-west-1"),
            ("eks", "us-gov-east-1", "eks.us-gov-east-1.amazonaws.com", "us-gov-east-1"),
            ("sts", "eusc-de-east-1", "sts.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"),
            ("ec2", "us-isob-east-1", "ec2.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"),
        ] {
            let found = of(service, region, &none).expect("an endpoint");
            assert_eq!(
                (&*found.origin, &*found.region),
                (&*format!("https://{host}"), signed_for),
                "{service} {region}"
            );
        }
    }

    #[test]
    fn every_partition_has_a_name_of_its_own() {
        let name = |partition: &Partition| {
            let prefix = if partition.prefix.is_empty() { "eu-" } else { partition.prefix };
            crate::schema::aws::partition_of(&format!("{prefix}east-1"))
        };
        let names: std::collections::BTreeSet<&str> = PARTITIONS.iter().filter_map(name).collect();
        assert_eq!(names.len(), PARTITIONS.len(), "{names:?}");
    }

    #[test]
    fn the_users_own_address_counts() {
        let own = |url: &str| of("iam", "eu-west-1", &Endpoints::all(url));
        let found = own("http://127.0.0.1:4566/aws/").expect("an address");
        assert_eq!((&*found.origin, &*found.host, &*found.prefix), ("http://127.0.0.1:4566", "127.0.0.1:4566", "/aws"));
        assert_eq!(own("https://proxy.example:443").map(|found| found.host).as_deref(), Some("proxy.example"));
        for wrong in ["127.0.0.1", "ftp://x", "https://user:secret@x", ""] {
            assert!(own(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_region_out_of_a_cluster_is_no_way_to_another_host() {
        for region in ["eu-west-1", "us-gov-east-1", "us-isob-east-1", "eusc-de-east-1", "ap-southeast-10"] {
            assert!(is_region(region), "{region}");
        }
        for wrong in
            ["", "eu", "eu-west", "eu-west-1.evil.example/", "evil.example#-1", "eu-west-1a", "EU-west-1", "a--1"]
        {
            assert!(!is_region(wrong), "{wrong}");
        }
    }
}

//! What a flag and a key of the configuration take alike.

use crate::config::nearest::nearest;

/// A version of Karpenter: `1.8.7`; `v1.8` is read as `1.8.0`.
///
/// # Errors
/// It is none.
pub fn version(text: &str) -> Result<String, String> {
    let plain = text.trim_start_matches('v');
    let parts: Vec<&str> = plain.split('.').collect();
    let numeric = parts.iter().all(|part| part.parse::<u32>().is_ok());
    match (numeric, parts.len()) {
        (true, 3) => Ok(plain.to_owned()),
        (true, 2) => Ok(format!("{plain}.0")),
        _ => Err("a Karpenter version looks like 1.8.7 or 0.37.3".into()),
    }
}

/// The number of an AWS account.
///
/// # Errors
/// It is none.
pub fn account(text: &str) -> Result<String, String> {
    let number = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    number.then(|| text.to_owned()).ok_or_else(|| "an account id has twelve digits".into())
}

/// A region of AWS: `eu-west-1`.
///
/// # Errors
/// It is none.
pub fn region(text: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.split('-').collect();
    let [words @ .., number] = parts.as_slice() else { return Err("a region looks like eu-west-1".into()) };
    let word = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    let region = words.len() >= 2 && words.iter().all(word) && number.parse::<u8>().is_ok();
    region.then(|| text.to_owned()).ok_or_else(|| "a region looks like eu-west-1".into())
}

/// A partition of AWS: `aws`, `aws-cn`.
///
/// # Errors
/// It is none.
pub fn partition(text: &str) -> Result<String, String> {
    let partition = text == "aws" || text.starts_with("aws-");
    partition.then(|| text.to_owned()).ok_or_else(|| "a partition is aws, or begins with it: aws-cn, aws-us-gov".into())
}

/// The formats of a report.
pub const FORMATS: [&str; 12] =
    ["table", "wide", "json", "yaml", "name", "sarif", "junit", "github", "gitlab", "markdown", "html", "diff"];

/// A format, or a format and the file that it goes to: `sarif=out.sarif`. The file is beside or below the configuration and is
/// not hidden: the configuration of a foreign repository must not write elsewhere.
///
/// # Errors
/// It is none.
pub fn output(text: &str) -> Result<String, String> {
    let (format, file) = match text.split_once('=') {
        Some((format, file)) => (format, Some(file)),
        None => (text, None),
    };
    if !FORMATS.contains(&format) {
        let meant = nearest(format, FORMATS.iter().copied());
        let meant = meant.map(|meant| format!(": did you mean {meant}?")).unwrap_or_default();
        return Err(format!("`{format}` is not one of {}{meant}", FORMATS.join(", ")));
    }
    let plain = |file: &str| {
        file.split(['/', '\\']).all(|name| !name.is_empty() && !name.starts_with('.')) && !file.contains(':')
    };
    match file {
        Some(file) if !plain(file) => {
            Err("the file must be beside or below this one, and not hidden: sarif=reports/out.sarif".into())
        }
        _ => Ok(text.to_owned()),
    }
}

/// A glob as a line of a `.gitignore`.
///
/// # Errors
/// It is none.
pub fn glob(text: &str) -> Result<String, String> {
    let mut builder = ignore::gitignore::GitignoreBuilder::new("");
    builder.add_line(None, text).map_err(|error| error.to_string())?;
    let glob = builder.build().map_err(|error| error.to_string())?;
    if glob.is_empty() { Err("it is empty, or a comment as in a .gitignore".into()) } else { Ok(text.to_owned()) }
}

/// A day: `2027-01-31`.
///
/// # Errors
/// It is none.
pub fn date(text: &str) -> Result<String, String> {
    let day = text.parse::<jiff::civil::Date>().map_err(|_| "a date looks like 2027-01-31")?;
    Ok(day.to_string())
}

/// The digest of a pack: `sha256:` and 64 hexadecimal digits, as `pack inspect` and the report have it.
///
/// # Errors
/// It is none.
pub fn digest(text: &str) -> Result<String, String> {
    let digest = crate::formats::oci_reference::is_digest(text).then(|| text.to_owned());
    digest.ok_or_else(|| "a digest is sha256: and 64 hexadecimal digits".into())
}

/// A pack in a registry: `ghcr.io/acme/rules:1.2`, with `oci://` before it or without.
///
/// # Errors
/// It is none.
pub fn reference(text: &str) -> Result<String, String> {
    crate::formats::oci_reference::Reference::parse(text).map(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_normalised() {
        assert_eq!(version("v1.8"), Ok("1.8.0".into()));
        assert_eq!(version("0.37.3"), Ok("0.37.3".into()));
        assert!(version("latest").is_err());
    }

    #[test]
    fn regions_of_all_partitions_are_regions() {
        for known in ["eu-west-1", "us-gov-west-1", "cn-north-1", "us-iso-east-1", "ap-southeast-7", "eusc-de-east-1"] {
            assert_eq!(region(known), Ok(known.into()));
        }
        for wrong in ["", "eu", "eu-west", "eu-west1", "eu-west-1a", "EU-WEST-1", "-west-1"] {
            assert!(region(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn outputs_stay_below_the_configuration() {
        for sound in ["table", "sarif=out.sarif", "html=reports/a b.html"] {
            assert_eq!(output(sound), Ok(sound.into()));
        }
        for wrong in [
            "",
            "=a",
            "sarif=",
            "sarif=/etc/passwd",
            "sarif=../a",
            "sarif=a/../../b",
            "sarif=.git/config",
            "sarif=a/.git/b",
            "sarif=C:\\a",
            "sarif=\\a",
            "sarif=a//b",
        ] {
            assert!(output(wrong).is_err(), "{wrong}");
        }
        assert!(output("sariff").unwrap_err().ends_with("did you mean sarif?"));
    }

    #[test]
    fn days_and_digests() {
        assert_eq!(date("2027-01-31"), Ok("2027-01-31".into()));
        assert!(date("2027-02-30").is_err());
        assert!(date("soon").is_err());
        assert!(digest(&format!("sha256:{}", "0a".repeat(32))).is_ok());
        assert!(digest("sha256:0a").is_err());
    }
}

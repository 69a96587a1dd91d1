//! HTTPS_PROXY and NO_PROXY, as kubectl reads them.
//!
//! kube holds NO_PROXY against the proxy's own address, and knows no exception for this machine itself; so a cluster
//! behind a tunnel on localhost would be asked through the company's proxy.

use std::net::IpAddr;

/// The proxy that the environment names for a server.
pub(in crate::sources) fn of_environment(server: &http::Uri) -> Option<String> {
    let any = |names: [&str; 2]| {
        names.into_iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    };
    let proxy = match server.scheme_str() {
        Some("http") => any(["HTTP_PROXY", "http_proxy"]),
        _ => any(["HTTPS_PROXY", "https_proxy"]),
    }?;
    let host = server.host()?;
    if is_local(host) || excepted(&any(["NO_PROXY", "no_proxy"]).unwrap_or_default(), host, server.port_u16()) {
        return None;
    }
    // A proxy without a scheme is an HTTP proxy.
    Some(if proxy.contains("://") { proxy } else { format!("http://{proxy}") })
}

/// Is it this machine?
pub(in crate::sources) fn is_local(host: &str) -> bool {
    host == "localhost" || address(host).is_some_and(|address| address.is_loopback())
}

fn address(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Is a host excepted by NO_PROXY: `*`, a name with all below it, an address, a range of addresses, each with a port or
/// without?
fn excepted(no_proxy: &str, host: &str, port: Option<u16>) -> bool {
    let host = host.to_ascii_lowercase();
    no_proxy.split(',').map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        let entry = entry.to_ascii_lowercase();
        if entry == "*" {
            return true;
        }
        if let (Some((network, bits)), Some(address)) = (entry.split_once('/'), address(&host)) {
            return within(address, network, bits).unwrap_or(false);
        }
        let entry = match entry.rsplit_once(':').map(|(name, number)| (name, number.parse::<u16>())) {
            Some((name, Ok(number))) if !name.contains(':') || name.ends_with(']') => {
                if port.unwrap_or(443) != number {
                    return false;
                }
                name.to_owned()
            }
            _ => entry,
        };
        if let (Some(one), Some(other)) = (address(&entry), address(&host)) {
            return one == other;
        }
        let domain = entry.trim_start_matches('*').trim_start_matches('.');
        let below = host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
        // `.example.com` is only what is below it.
        below || (host == domain && !entry.starts_with(['.', '*']))
    })
}

fn within(address: IpAddr, network: &str, bits: &str) -> Option<bool> {
    let bits: u32 = bits.parse().ok()?;
    let (address, network, width) = match (address, network.parse().ok()?) {
        (IpAddr::V4(one), IpAddr::V4(other)) => (u128::from(one.to_bits()), u128::from(other.to_bits()), 32),
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits(), other.to_bits(), 128),
        _ => return Some(false),
    };
    let shift = u32::checked_sub(width, bits)?;
    // A shift by the whole width leaves nothing to compare: `0.0.0.0/0` is everybody.
    Some(address.checked_shr(shift).unwrap_or(0) == network.checked_shr(shift).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_proxy_is_read_as_go_reads_it() {
        let yes = [
            ("*", "a.example.com"),
            ("example.com", "a.example.com"),
            ("example.com", "example.com"),
            (".example.com", "a.example.com"),
            ("x, .eks.amazonaws.com", "ABC.gr7.eu-west-1.EKS.amazonaws.com"),
            ("10.0.0.0/8", "10.1.2.3"),
            ("0.0.0.0/0", "192.0.2.1"),
            ("10.1.2.3", "10.1.2.3"),
            ("fd00::/8", "[fd00::1]"),
            ("example.com:443", "example.com"),
        ];
        for (no_proxy, host) in yes {
            assert!(excepted(no_proxy, host, None), "{no_proxy} {host}");
        }
        let no = [
            ("", "example.com"),
            ("example.com", "notexample.com"),
            (".example.com", "example.com"),
            ("10.0.0.0/8", "11.1.2.3"),
            ("10.0.0.0/99", "10.1.2.3"),
            ("10.0.0.0/8", "fd00::1"),
            ("example.com:6443", "example.com"),
        ];
        for (no_proxy, host) in no {
            assert!(!excepted(no_proxy, host, None), "{no_proxy} {host}");
        }
    }

    #[test]
    fn this_machine_is_never_asked_through_a_proxy() {
        for host in ["localhost", "127.0.0.1", "127.1.2.3", "[::1]"] {
            assert!(is_local(host), "{host}");
        }
        assert!(!is_local("10.0.0.1"));
    }
}

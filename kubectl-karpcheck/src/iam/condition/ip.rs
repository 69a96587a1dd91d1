//! Addresses and ranges.

use std::fmt;
use std::net::IpAddr;

/// A range of addresses; one address is a range of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Net {
    address: IpAddr,
    prefix: u8,
}

impl Net {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.trim().parse().ok()?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(bits);
        (prefix <= bits).then_some(Self { address, prefix })
    }

    /// Does the range hold the whole of another?
    pub(super) fn contains(&self, other: &Self) -> bool {
        match (self.address, other.address) {
            (IpAddr::V4(one), IpAddr::V4(other_address)) => {
                let shift = 32 - u32::from(self.prefix);
                let cut = |bits: u32| bits.checked_shr(shift).unwrap_or(0);
                other.prefix >= self.prefix && cut(one.to_bits()) == cut(other_address.to_bits())
            }
            (IpAddr::V6(one), IpAddr::V6(other_address)) => {
                let shift = 128 - u32::from(self.prefix);
                let cut = |bits: u128| bits.checked_shr(shift).unwrap_or(0);
                other.prefix >= self.prefix && cut(one.to_bits()) == cut(other_address.to_bits())
            }
            _ => false,
        }
    }
}

impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

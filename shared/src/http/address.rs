//! Which hosts lie inside of a network, in every notation that some URL parser takes for an address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What a host of a URL is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostKind {
    /// A name, or an address that is reached from anywhere.
    Public,
    /// Loopback, link-local, private, shared or otherwise not for everybody (RFC 6890).
    Private,
    /// An address in a notation that parsers read differently: octal, hexadecimal, short, with a zone.
    Ambiguous,
}

/// Judges the host of a URL, without port; an IPv6 address with or without its brackets.
pub fn host_kind(host: &str) -> HostKind {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    if host == "localhost" || host.ends_with(".localhost") || host.is_empty() {
        return HostKind::Private;
    }
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(&host);
    if address.contains('%') {
        return HostKind::Ambiguous;
    }
    match address.parse() {
        Ok(IpAddr::V4(address)) => kind(is_private_v4(address)),
        Ok(IpAddr::V6(address)) => kind(is_private_v6(address)),
        Err(_) if address.contains(':') => HostKind::Ambiguous,
        Err(_) if reads_as_number(address) => HostKind::Ambiguous,
        Err(_) => HostKind::Public,
    }
}

fn kind(private: bool) -> HostKind {
    if private { HostKind::Private } else { HostKind::Public }
}

/// Whether the last label is a number: then the WHATWG URL Standard takes the host for an address (section 3.5).
fn reads_as_number(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    let hexadecimal =
        last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    hexadecimal || (!last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b))
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    if let Some(inner) = address.to_ipv4_mapped() {
        return is_private_v4(inner);
    }
    let segments = address.segments();
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        is_private_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        // NAT64 and 6to4 carry an address of version 4.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x64, 0xff9b, 1, ..] => true,
        [0x2002, high, low, ..] => embedded(high, low),
        [0, 0, 0, 0, 0, 0, ..] => true,
        [0x2001, 0xdb8, ..] => true,
        [first, ..] => {
            (first & 0xfe00) == 0xfc00
                || (first & 0xffc0) == 0xfe80
                || (first & 0xffc0) == 0xfec0
                || address.is_multicast()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_inside_of_a_network_is_known_in_every_notation() {
        for (host, expect) in [
            ("example.com", HostKind::Public),
            ("1example.com", HostKind::Public),
            ("8.8.8.8", HostKind::Public),
            ("[2001:4860:4860::8888]", HostKind::Public),
            ("64:ff9b::808:808", HostKind::Public),
            ("64:ff9b::a9fe:a9fe", HostKind::Private),
            ("::ffff:10.0.0.1", HostKind::Private),
            ("::127.0.0.1", HostKind::Private),
            ("2002:7f00:1::", HostKind::Private),
            ("100.64.1.1", HostKind::Private),
            ("foo.LocalHost.", HostKind::Private),
            ("127.1", HostKind::Ambiguous),
            ("0x7f000001", HostKind::Ambiguous),
            ("017700000001", HostKind::Ambiguous),
            ("a.0x7f", HostKind::Ambiguous),
            ("fe80::1%25eth0", HostKind::Ambiguous),
            ("", HostKind::Private),
        ] {
            assert_eq!(host_kind(host), expect, "{host}");
        }
    }
}

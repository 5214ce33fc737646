//! Networks in CIDR notation (RFC 4632, RFC 4291 §2.3).

use std::net::{IpAddr, Ipv4Addr};

/// First and last address of a network; a bare address is a network of one. IPv4 is `::ffff:0:0/96`.
pub(super) fn span(network: &str) -> Option<[u128; 2]> {
    let (address, length) = match network.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (network, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let bits = if address.is_ipv4() { 32 } else { 128 };
    let length = match length {
        None => bits,
        Some(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok()?,
        Some(_) => return None,
    };
    let hosts: u32 = u32::checked_sub(bits, length)?;
    let mask = u128::MAX.checked_shr(128 - hosts).unwrap_or(0);
    let first = number(address) & !mask;
    Some([first, first | mask])
}

/// The number of an address; one of IPv4 is that of its mapped form.
pub(crate) fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => number_of_v4(address),
        IpAddr::V6(address) => u128::from(address),
    }
}

fn number_of_v4(address: Ipv4Addr) -> u128 {
    u128::from(address.to_ipv6_mapped())
}

/// Sorted, and with what overlaps or touches as one.
pub(super) fn merged(mut spans: Vec<[u128; 2]>) -> Vec<[u128; 2]> {
    spans.sort_unstable();
    let mut merged: Vec<[u128; 2]> = Vec::with_capacity(spans.len());
    for [first, last] in spans {
        match merged.last_mut() {
            Some([_, end]) if first <= end.saturating_add(1) => *end = last.max(*end),
            _ => merged.push([first, last]),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::{merged, number, span};

    #[test]
    fn a_network_is_from_its_first_to_its_last_address() {
        for (network, first, last) in [
            ("10.0.0.0/8", "10.0.0.0", "10.255.255.255"),
            ("10.1.2.3/8", "10.0.0.0", "10.255.255.255"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.7"),
            ("0.0.0.0/0", "0.0.0.0", "255.255.255.255"),
            ("2001:db8::/32", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("::1/128", "::1", "::1"),
        ] {
            let expect = [first, last].map(|address| number(address.parse().unwrap()));
            assert_eq!(span(network), Some(expect), "{network}");
        }
        for bad in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/", "10.0.0.0/+8", "x", "10.0.0.0/8/8"]
        {
            assert_eq!(span(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_overlaps_is_one() {
        assert_eq!(merged(vec![[7, 9], [1, 3], [4, 5], [8, 12], [20, 20]]), [[1, 5], [7, 12], [20, 20]]);
        assert_eq!(merged(vec![[0, u128::MAX], [3, 4]]), [[0, u128::MAX]]);
    }
}

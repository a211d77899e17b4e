//! Networks, as `Require ip`, `Allow` and `Deny` name them.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
};

use ipnet::IpNet;
use serde::{Serialize, Serializer};

/// A set of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Net {
    /// Those that begin alike.
    Prefix(IpNet),
    /// Those that are alike in the bits of a mask, which has gaps.
    Masked {
        /// The bits that count; all others are zero.
        address: Ipv4Addr,
        /// Which bits count.
        mask: Ipv4Addr,
    },
}

impl Net {
    /// Whether this address (without a mapping to IPv6) is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self, address) {
            (Self::Prefix(net), address) => net.contains(&address),
            (Self::Masked { address, mask }, IpAddr::V4(own)) => own & mask == *address,
            (Self::Masked { .. }, IpAddr::V6(_)) => false,
        }
    }
}

impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prefix(net) => net.fmt(f),
            Self::Masked { address, mask } => write!(f, "{address}/{mask}"),
        }
    }
}

impl Serialize for Net {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

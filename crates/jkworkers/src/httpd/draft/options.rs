//! `JkOptions` of one server, as mod_jk keeps them: as bits.

use crate::model::{ForwardAddress, JkOptions};

/// A set of options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OptionBits(u16);

impl OptionBits {
    pub(in crate::httpd) const CERT_CHAIN: Self = Self(1);
    pub(in crate::httpd) const DIRECTORIES: Self = Self(1 << 1);
    pub(in crate::httpd) const DISABLE_REUSE: Self = Self(1 << 2);
    pub(in crate::httpd) const FLUSH_HEADER: Self = Self(1 << 3);
    pub(in crate::httpd) const FLUSH_PACKETS: Self = Self(1 << 4);
    pub(in crate::httpd) const KEY_SIZE: Self = Self(1 << 5);
    pub(in crate::httpd) const LOCAL: Self = Self(1 << 6);
    pub(in crate::httpd) const PHYSICAL: Self = Self(1 << 7);
    pub(in crate::httpd) const REJECT_UNSAFE: Self = Self(1 << 8);

    const fn has(self, one: Self) -> bool {
        self.0 & one.0 != 0
    }

    const fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }
}

/// What a server writes. Inside one server off wins, in whatever order it is written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    on: OptionBits,
    off: OptionBits,
}

/// One of them counts, and each takes back the other.
const ADDRESSES: OptionBits = OptionBits::LOCAL.with(OptionBits::PHYSICAL);

impl Options {
    /// `+` or `-`, and an option.
    pub(in crate::httpd) fn say(&mut self, bit: OptionBits, on: bool) {
        if ADDRESSES.has(bit) {
            self.on = self.on.without(ADDRESSES);
        }
        let bits = if on { &mut self.on } else { &mut self.off };
        *bits = bits.with(bit);
    }

    /// What counts in the main server, `base`, and in a virtual host in it. A virtual host may
    /// switch on again what the main server has off.
    pub(crate) fn merged(base: Self, own: Option<Self>) -> OptionBits {
        let defaults = OptionBits::KEY_SIZE;
        let base = base.on.with(defaults).without(base.off);
        match own {
            None => base,
            Some(own) => own.on.with(base).without(own.off),
        }
    }
}

impl OptionBits {
    pub(crate) const fn rejects_unsafe(self) -> bool {
        self.has(Self::REJECT_UNSAFE)
    }
}

impl From<OptionBits> for JkOptions {
    fn from(bits: OptionBits) -> Self {
        Self {
            address: if bits.has(OptionBits::LOCAL) {
                ForwardAddress::Local
            } else if bits.has(OptionBits::PHYSICAL) {
                ForwardAddress::Physical
            } else {
                ForwardAddress::Client
            },
            disable_reuse: bits.has(OptionBits::DISABLE_REUSE),
            flush_packets: bits.has(OptionBits::FLUSH_PACKETS),
            flush_header: bits.has(OptionBits::FLUSH_HEADER),
            forward_directories: bits.has(OptionBits::DIRECTORIES),
            forward_key_size: bits.has(OptionBits::KEY_SIZE),
            forward_cert_chain: bits.has(OptionBits::CERT_CHAIN),
        }
    }
}

//! The virtual hosts and what is mounted there.

use jkworkers::uri_map::{EncodedSlashes, UriRules};

/// A virtual host, with an own connector of Tomcat behind it.
pub(crate) struct Site {
    pub(crate) name: &'static str,
    /// Its directives.
    pub(crate) options: &'static str,
    pub(crate) rules: UriRules,
    /// Which of the connectors.
    pub(crate) connector: usize,
}

pub(crate) const SITES: [Site; 4] = [
    Site {
        name: "plain.test",
        options: "",
        rules: rules(EncodedSlashes::Refuse, true),
        connector: 0,
    },
    Site {
        name: "decode.test",
        options: "AllowEncodedSlashes On\nJkOptions +ForwardURICompat\n",
        rules: rules(EncodedSlashes::Decode, true),
        connector: 1,
    },
    Site {
        name: "keep.test",
        options: "AllowEncodedSlashes NoDecode\nJkOptions +ForwardURIEscaped\n",
        rules: rules(EncodedSlashes::Keep, true),
        connector: 4,
    },
    Site {
        name: "raw.test",
        options: "AllowEncodedSlashes On\nMergeSlashes Off\nJkOptions +ForwardURICompatUnparsed\n",
        rules: rules(EncodedSlashes::Decode, false),
        connector: 2,
    },
];

const fn rules(encoded_slashes: EncodedSlashes, merge_slashes: bool) -> UriRules {
    UriRules {
        encoded_slashes,
        merge_slashes,
    }
}

/// Two applications can be reached, but for two parts of one of them. Of the third application, and
/// of the one at the root, nobody has heard.
pub(crate) const MOUNTS: &str = "\
JkMount /a/* WORKER
JkMount /b/* WORKER
JkUnMount /a/private WORKER
JkUnMount /a/private/* WORKER
<Location /a/guarded>
Require all denied
</Location>
";

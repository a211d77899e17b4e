//! How many parts of an answer a request may ask for.

use super::{Apply, Call};
use crate::{model::RangeLimits, number::atoi};

/// `MaxRanges default|unlimited|none|number`
pub(in crate::httpd) fn parts(apply: &mut Apply<'_>, call: &Call<'_>) {
    let most = apply.most(call, RangeLimits::PARTS);
    apply.files().ranges.parts = most;
}

/// `MaxRangeOverlaps default|unlimited|none|number`
pub(in crate::httpd) fn overlaps(apply: &mut Apply<'_>, call: &Call<'_>) {
    let most = apply.most(call, RangeLimits::ODDITIES);
    apply.files().ranges.overlaps = most;
}

/// `MaxRangeReversals default|unlimited|none|number`
pub(in crate::httpd) fn reversals(apply: &mut Apply<'_>, call: &Call<'_>) {
    let most = apply.most(call, RangeLimits::ODDITIES);
    apply.files().ranges.reversals = most;
}

impl Apply<'_> {
    fn most(&mut self, call: &Call<'_>, usual: u32) -> Option<u32> {
        let word = call.first();
        let number = || u32::try_from(atoi(word.as_bytes())).ok();
        let most = match &*word.to_ascii_lowercase() {
            "default" => Some(usual),
            "none" => Some(0),
            "unlimited" => Some(u32::MAX),
            _ => number().filter(|number| *number > 0),
        };
        if most.is_none() {
            let message = format!(
                "{} requires 'none', 'default', 'unlimited' or a positive integer",
                call.name
            );
            self.error(call.origin, message, "Write one of these.");
        }
        most
    }
}

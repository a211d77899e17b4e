//! `retry_budget`: how many requests may be repeated although a member had them already.
//!
//! A broken cluster must not get a multiple of its load from requests that fail and are sent again.
//! Each request pays a part of a repetition into the balancer's account, and each repetition takes
//! a whole one out of it. Apart from that the account drifts towards a small reserve: what exceeds
//! it fades by a tenth a second, so that a quiet hour buys no storm, and what is missing comes back
//! at ten a second, so that clusters with few requests have something to repeat with.
//!
//! However requests and failures are spread over a time: of `n` requests in `t` seconds at most
//! `n * retry_budget / 100 + 100 + 10 * t` are repeated.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use super::{clock::Now, state::Counter};

/// One repetition.
const WHOLE: u32 = 100;
/// What the account has at the start, and what it drifts to.
const RESERVE: u32 = 100 * WHOLE;
/// What comes back of the reserve in a second.
const REFILL: u32 = 10 * WHOLE;

/// What one balancer may spend on repetitions.
#[derive(Debug)]
pub(super) struct Budget {
    /// What a request pays in, in hundredths of a repetition.
    percent: u32,
    /// Lives on over a reload.
    books: Arc<Books>,
}

/// One atomic word is the account: whoever pays in or takes out waits for nobody.
#[derive(Debug)]
struct Books {
    account: AtomicU64,
    granted: Counter,
    refused: Counter,
}

/// The balance at the beginning of a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Account {
    second: u32,
    hundredths: u32,
}

impl Budget {
    /// 0 percent grants nothing, 100 everything.
    pub(super) fn new(percent: u32) -> Self {
        let account = Account {
            second: 0,
            hundredths: RESERVE,
        };
        Self {
            percent,
            books: Arc::new(Books {
                account: AtomicU64::new(account.pack()),
                granted: Counter::default(),
                refused: Counter::default(),
            }),
        }
    }

    /// Goes on with the account of another one.
    pub(super) fn adopt(&mut self, old: &Self) {
        self.books = Arc::clone(&old.books);
    }

    /// Repetitions that were granted since the start.
    pub(super) fn granted(&self) -> u64 {
        self.books.granted.total()
    }

    /// Repetitions that were not.
    pub(super) fn refused(&self) -> u64 {
        self.books.refused.total()
    }

    /// A request has come.
    pub(super) fn pay_in(&self, now: Now) {
        if self.has_limit() {
            self.change(now, |balance| Some(balance.saturating_add(self.percent)));
        }
    }

    /// Whether a request may be repeated. If so, that is counted.
    pub(super) fn take_out(&self, now: Now) -> bool {
        let granted = match self.percent {
            0 => false,
            _ if self.has_limit() => self.change(now, |balance| balance.checked_sub(WHOLE)),
            _ => true,
        };
        if granted {
            self.books.granted.add(1);
        } else {
            self.books.refused.add(1);
        }
        granted
    }

    /// A granted repetition did not come about.
    pub(super) fn put_back(&self, now: Now) {
        if self.has_limit() {
            self.change(now, |balance| Some(balance.saturating_add(WHOLE)));
        }
        self.books.granted.take_back_one();
    }

    const fn has_limit(&self) -> bool {
        self.percent < 100
    }

    fn change(&self, now: Now, by: impl Fn(u32) -> Option<u32>) -> bool {
        let second = now.as_seconds();
        let changed = self.books.account.fetch_update(Relaxed, Relaxed, |word| {
            let account = Account::unpack(word).at(second);
            let hundredths = by(account.hundredths)?;
            Some(
                Account {
                    hundredths,
                    ..account
                }
                .pack(),
            )
        });
        changed.is_ok()
    }
}

impl Account {
    /// What it comes to at a later second. Whoever looks at an older clock sees the present.
    fn at(mut self, second: u32) -> Self {
        let mut seconds = second.saturating_sub(self.second);
        self.second = self.second.max(second);
        while seconds > 0 && self.hundredths > RESERVE {
            let excess = self.hundredths - RESERVE;
            self.hundredths = RESERVE + excess - excess.div_ceil(10);
            seconds -= 1;
        }
        let missing = RESERVE.saturating_sub(self.hundredths);
        self.hundredths += missing.min(seconds.saturating_mul(REFILL));
        self
    }

    fn pack(self) -> u64 {
        (u64::from(self.second) << 32) | u64::from(self.hundredths)
    }

    fn unpack(word: u64) -> Self {
        let half = |word: u64| u32::try_from(word & u64::from(u32::MAX)).unwrap_or(u32::MAX);
        Self {
            second: half(word >> 32),
            hundredths: half(word),
        }
    }
}

#[cfg(test)]
mod tests;

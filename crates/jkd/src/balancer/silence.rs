//! Members that have stopped saying anything at all: a process that is stopped, a machine that is
//! gone, a network that swallows packets. Their connections stay open, so nothing fails by itself.
//!
//! ```text
//!   a connect or CPing waits        noticed: others are preferred    not answered in its time:
//!   without any sign of life  ───►  and those who wait do not   ───► ERR, and requests that may be
//!   from the member                 speak for the member             repeated go elsewhere
//! ```
//!
//! It is over with a sign of life, and with the error: who leaves `ERR` begins anew.
//!
//! A sign of life is the head of an answer, or a CPong. Signs are counted rather than dated, so that
//! no request reads a clock for them.

use std::sync::atomic::{
    AtomicBool, AtomicU32,
    Ordering::{Relaxed, SeqCst},
};

use super::{InFlight, State};

/// What a member's state remembers for this.
#[derive(Debug, Default)]
pub(super) struct Silence {
    /// Signs of life so far, as far as they count in 32 bits.
    signs: AtomicU32,
    noticed: AtomicBool,
    /// Whether somebody is finding out just now.
    asked: AtomicBool,
}

/// Somebody is finding out whether a member is still there, and nobody else until this is dropped.
/// Without a result nothing is noticed any more: nobody would be left who waits for it.
#[derive(Debug)]
pub struct Question<'a> {
    silence: &'a Silence,
    is_silent: bool,
}

impl InFlight {
    /// The member's signs of life so far: two equal counts mean silence in between.
    pub fn signs(&self) -> u32 {
        let state = self.state();
        state.map_or(0, |state| state.silence.signs.load(SeqCst))
    }

    /// The member has given a sign of life.
    pub fn gives_sign(&self) {
        if let Some(state) = self.state() {
            state.silence.signs.fetch_add(1, SeqCst);
            state.silence.ends();
        }
    }

    /// The member owes a sign of life and has given none since there were so many. Whoever says so
    /// and gives up without a verdict takes it back.
    pub fn notices_silence(&self, signs: u32) {
        let Some(silence) = self.state().map(|state| &state.silence) else {
            return;
        };
        self.noticed.store(true, Relaxed);
        silence.noticed.store(true, SeqCst);
        // A sign may have come in between: its giver has seen nothing that he could end.
        if self.signs() != signs {
            silence.ends();
        }
    }

    /// Whether somebody has noticed that the member is silent.
    pub fn is_silence_noticed(&self) -> bool {
        (self.state()).is_some_and(|state| state.silence.is_noticed())
    }

    /// Whether others have found out that the member is silent. One that has no place, or is being
    /// tried again, is not given up.
    pub fn is_given_up(&self) -> bool {
        self.is_silence_noticed()
            && (self.state()).is_some_and(|state| state.state() == State::Error)
    }

    /// Whether the member is not the only one.
    pub fn has_others(&self) -> bool {
        self.balancer().slots.len() > 1
    }

    /// Whether the request could go to another member that is usable.
    pub fn has_alternative(&self) -> bool {
        let balancer = self.balancer();
        if self.chosen().sticky && balancer.config().sticky.force {
            return false;
        }
        let others = balancer.slots.iter().enumerate();
        let mut others = others.filter(|(index, _)| *index != self.chosen().index);
        others.any(|(_, slot)| slot.state.is_active_and_up() && !slot.state.silence.is_noticed())
    }

    /// Begins to find out whether the member is there; nothing where somebody else does.
    pub fn begin_question(&self) -> Option<Question<'_>> {
        let silence = &self.state()?.silence;
        (!silence.asked.swap(true, SeqCst)).then(|| Question {
            silence,
            is_silent: false,
        })
    }
}

impl Question<'_> {
    /// There was no answer. The verdict follows.
    pub fn not_answered(mut self) {
        self.is_silent = true;
        self.silence.noticed.store(true, SeqCst);
    }
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        // In this order: who notices something in between finds nobody who asks, and asks himself.
        self.silence.asked.store(false, SeqCst);
        if !self.is_silent {
            self.silence.ends();
        }
    }
}

impl Silence {
    pub(super) fn is_noticed(&self) -> bool {
        self.noticed.load(SeqCst)
    }

    pub(super) fn ends(&self) {
        // Reads first, as `Stamp::clear`.
        if self.is_noticed() {
            self.noticed.store(false, SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::super::{Balancer, Chosen, InFlight, State, Tried, Verdict, testing::*};

    fn two() -> Arc<Balancer> {
        with(&[1, 1], |config| {
            edit(&mut config.members[0], |worker| {
                worker.probe.interval = Some(Duration::from_secs(1));
            });
        })
    }

    fn at_a(balancer: &Arc<Balancer>) -> InFlight {
        let mut chosen: Chosen = balancer.pick("JSESSIONID=1.a", seconds(1)).unwrap();
        chosen.sticky = false;
        balancer.begin(chosen, seconds(1)).unwrap()
    }

    #[test]
    fn a_silent_member_is_the_last_choice() {
        let balancer = two();
        let waits = at_a(&balancer);
        waits.notices_silence(waits.signs());
        assert_eq!(balancer.next_names(4, seconds(1)), "bbbb");
        // Its sessions stay.
        assert_eq!(
            balancer.pick("JSESSIONID=1.a", seconds(1)).unwrap().index,
            0
        );
        balancer.record(1, Verdict::HardStatus, seconds(1));
        assert_eq!(balancer.next_names(2, seconds(1)), "aa");
        waits.gives_sign();
        balancer.reset(1, seconds(1));
        assert!(balancer.next_names(8, seconds(1)).contains('b'));
    }

    #[test]
    fn those_who_wait_for_the_same_silence_speak_for_nobody() {
        let balancer = two();
        let (mut first, mut second) = (at_a(&balancer), at_a(&balancer));
        first.connected(seconds(1));
        second.record(Verdict::Failed, seconds(2));
        assert_eq!(balancer.slots[0].state.state(), State::Ok);
        assert!(!first.is_given_up());
        second.notices_silence(second.signs());
        second.record(Verdict::Failed, seconds(2));
        assert_eq!(balancer.slots[0].state.state(), State::Error);
        assert!(first.is_given_up() && first.has_alternative());
        let _ = balancer.begin_probe(0).unwrap().answered(seconds(3));
        assert!(!first.is_given_up());
        assert!(!balancer.slots[0].state.silence.is_noticed());
    }

    #[test]
    fn one_asks_at_a_time() {
        let balancer = two();
        let (first, second) = (at_a(&balancer), at_a(&balancer));
        let question = first.begin_question();
        assert!(question.is_some() && second.begin_question().is_none());
        assert!(second.begin_question().is_none(), "asking does not end it");
        drop(question);
        assert!(second.begin_question().is_some());
    }

    #[test]
    fn who_gives_up_takes_back_what_he_noticed() {
        let balancer = two();
        let noticed = || balancer.slots[0].state.silence.is_noticed();
        let first = at_a(&balancer);
        first.notices_silence(first.signs());
        assert!(noticed());
        drop(first);
        assert!(!noticed());
        // Somebody else asks, and goes on asking when the one who noticed has gone elsewhere.
        let (asks, mut leaves) = (at_a(&balancer), at_a(&balancer));
        let question = asks.begin_question().unwrap();
        leaves.notices_silence(leaves.signs());
        leaves.record(Verdict::Undecided, seconds(1));
        drop(leaves);
        assert!(noticed());
        drop(question);
        assert!(!noticed());
        asks.begin_question().unwrap().not_answered();
        assert!(noticed());
    }

    #[test]
    fn a_sign_that_came_first_counts() {
        let balancer = two();
        let waits = at_a(&balancer);
        let signs = waits.signs();
        waits.gives_sign();
        waits.notices_silence(signs);
        assert!(!balancer.slots[0].state.silence.is_noticed());
    }

    /// With or without probes in the background: who has rested is chosen again.
    #[test]
    fn silence_ends_with_the_error() {
        let events: [fn(&Arc<Balancer>); 3] = [
            |balancer| drop(balancer.maintain(seconds(200), Duration::from_secs(60))),
            |balancer| assert!(balancer.recover(0)),
            |balancer| {
                balancer.record(1, Verdict::HardStatus, seconds(3));
                balancer.force_recovery(&mut Tried::default());
                balancer.record(1, Verdict::Ok, seconds(4));
            },
        ];
        for event in events {
            let balancer = with(&[1, 1], |_| ());
            let mut waits = at_a(&balancer);
            waits.begin_question().unwrap().not_answered();
            waits.record(Verdict::Failed, seconds(2));
            assert_eq!(balancer.slots[0].state.state(), State::Error);
            drop(waits);
            assert_eq!(balancer.next_names(2, seconds(2)), "bb");
            event(&balancer);
            let next = balancer.next_names(8, seconds(200));
            assert!(next.contains('a'), "{next}");
        }
    }

    #[test]
    fn one_without_a_place_is_not_given_up() {
        let balancer = two();
        let (waits, mut other) = (at_a(&balancer), at_a(&balancer));
        other.record(Verdict::Busy, seconds(1));
        waits.notices_silence(waits.signs());
        assert_eq!(balancer.slots[0].state.state(), State::Busy);
        assert!(waits.is_silence_noticed() && !waits.is_given_up());
        balancer.slots[0].state.set(State::Probe);
        assert!(!waits.is_given_up());
        balancer.slots[0].state.set(State::Error);
        assert!(waits.is_given_up());
    }

    #[test]
    fn there_is_no_alternative_without_another_member_that_works() {
        let balancer = two();
        let first = at_a(&balancer);
        assert!(first.has_alternative());
        balancer.record(1, Verdict::HardStatus, seconds(1));
        assert!(!first.has_alternative());
    }
}

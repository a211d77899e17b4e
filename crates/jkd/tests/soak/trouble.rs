//! What goes wrong, and when it is over.

use std::{collections::BTreeMap, time::Duration};

use jkd_tests::Node;
use tokio::time::Instant;

use crate::{
    dice::Dice,
    front::Front,
    relay::{Relay, Wire},
};

/// A member: its process, and the wire to it.
pub(crate) struct Member {
    pub(crate) name: char,
    pub(crate) node: Node,
    pub(crate) relay: Relay,
    /// What is wrong with it, and until when.
    trouble: Option<(Trouble, Instant)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    /// Killed; from then on nobody listens.
    Killed,
    /// Killed, while somebody before it goes on to accept.
    KilledBehind,
    /// It ends in peace.
    Ended,
    /// Its process stands still.
    Stopped,
    Wire(Wire),
    /// An operator has taken it out.
    Disabled,
    Halted,
}

const ALL: [Trouble; 15] = [
    Trouble::Killed,
    Trouble::KilledBehind,
    Trouble::Ended,
    Trouble::Stopped,
    Trouble::Wire(Wire::Cuts),
    Trouble::Wire(Wire::Garbles),
    Trouble::Wire(Wire::HangsUp),
    Trouble::Wire(Wire::Mute),
    Trouble::Wire(Wire::Pieces),
    Trouble::Wire(Wire::Refuses),
    Trouble::Wire(Wire::Resets),
    Trouble::Wire(Wire::Slow),
    Trouble::Wire(Wire::Swallows),
    Trouble::Disabled,
    Trouble::Halted,
];

/// How often what was done.
pub(crate) type Done = BTreeMap<String, usize>;

impl Member {
    pub(crate) fn new(name: char, node: Node, relay: Relay) -> Self {
        Self {
            name,
            node,
            relay,
            trouble: None,
        }
    }

    fn begin(&mut self, trouble: Trouble, front: &mut Front) {
        match trouble {
            Trouble::Killed => {
                self.relay.set(Wire::Refuses);
                self.node.kill();
            }
            Trouble::KilledBehind => self.node.kill(),
            Trouble::Ended => {
                self.node.terminate();
                self.relay.set(Wire::Refuses);
            }
            Trouble::Stopped => self.node.signal("STOP"),
            Trouble::Wire(wire) => self.relay.set(wire),
            Trouble::Disabled => _ = front.activate(self.name, 'd'),
            Trouble::Halted => _ = front.activate(self.name, 's'),
        }
    }

    fn end(&mut self, front: &mut Front) {
        let Some((trouble, _)) = self.trouble.take() else {
            return;
        };
        match trouble {
            Trouble::Killed | Trouble::KilledBehind | Trouble::Ended => self.node.start(),
            Trouble::Stopped => self.node.signal("CONT"),
            Trouble::Wire(_) => {}
            Trouble::Disabled | Trouble::Halted => _ = front.activate(self.name, 'a'),
        }
        self.relay.set(Wire::Through);
    }
}

/// Troubles members, and what is before them, for this long.
pub(crate) fn trouble(
    members: &mut [Member],
    front: &mut Front,
    lasts: Duration,
    dice: &mut Dice,
    done: &mut Done,
) {
    let end = Instant::now() + lasts;
    while Instant::now() < end {
        for member in &mut *members {
            if member
                .trouble
                .is_some_and(|(_, until)| until <= Instant::now())
            {
                member.end(front);
            }
        }
        if dice.per_mille(60) {
            let member = dice.below(members.len());
            begin(&mut members[member], front, dice, done);
        }
        disturb(front, dice, done);
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn begin(member: &mut Member, front: &mut Front, dice: &mut Dice, done: &mut Done) {
    if member.trouble.is_some() {
        return;
    }
    let trouble = dice.one_of(&ALL);
    member.begin(trouble, front);
    member.trouble = Some((trouble, Instant::now() + dice.ms(100..4000)));
    *done.entry(format!("{trouble:?}")).or_default() += 1;
}

/// What operators do.
fn disturb(front: &mut Front, dice: &mut Dice, done: &mut Done) {
    let what = match dice.below(1000) {
        0..10 => {
            front.reload(dice);
            "reloads"
        }
        10..18 => {
            front.rotate();
            "logs renamed"
        }
        18..40 => {
            let mime = dice.one_of(&["html", "prop", "txt", "xml", "json"]);
            front.status(&format!("mime={mime}&cmd=list"));
            "looks at the status page"
        }
        40..50 => {
            front.metrics();
            "scrapes"
        }
        _ => return,
    };
    *done.entry(what.to_owned()).or_default() += 1;
}

/// Ends all trouble.
pub(crate) fn soothe(members: &mut [Member], front: &mut Front) {
    for member in &mut *members {
        member.end(front);
    }
    front.reload_plain();
}

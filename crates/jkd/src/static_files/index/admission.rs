//! Who may have what stands for something else, and what rules in sections say about it.

use std::ptr;

use jkworkers::model::Asked;

use super::Search;
use crate::{
    access::{self, Claims, Guest},
    rescue::Stumble,
    rewriting::{self, Place, Subject, Turn},
    static_files::Located,
};

impl Search<'_> {
    /// Nobody is asked again where the same sections count as before.
    pub(super) async fn enter(self, asked: Asked<'_>, claims: &mut Claims) -> Result<(), Stumble> {
        if self.is_entered(asked) {
            return Ok(());
        }
        let (host, peer) = (self.subject.host, self.subject.peer);
        let mut own = Claims::default();
        let guest = self.found.guest(host, self.subject.head, peer, asked.path);
        let guest = Guest {
            asked,
            variables: self.subject.variables,
            ..guest
        };
        let entry = access::check(guest, &mut own).await;
        claims.vary.append(&mut own.vary);
        if entry.is_err() || own.user.is_some() {
            own.vary.append(&mut claims.vary);
            *claims = own;
        }
        entry
    }

    /// Whether the same sections are about it as about what was asked for.
    fn is_entered(self, asked: Asked<'_>) -> bool {
        let Subject {
            host, variables, ..
        } = self.subject;
        let sections = |asked| host.sections_about(asked).map(ptr::from_ref);
        let is_certain = variables.uncertain().is_none() && host.uncertain_section(asked).is_none();
        is_certain && sections(self.found.asked_for()).eq(sections(asked))
    }

    /// Rules in sections may lead elsewhere, from a file that is there.
    pub(super) async fn in_sections(
        self,
        asked: Asked<'_>,
        path: &[u8],
        located: &Located,
    ) -> Result<(), Stumble> {
        if !self.subject.host.rewrites_in_sections {
            return Ok(());
        }
        let subject = Subject {
            decoded: path,
            ..self.subject
        };
        let place = Place::of(path, Some(located));
        let made = rewriting::in_sections(subject, self.trail, asked, place).await?;
        if let Some(stumble) = made.as_ref().and_then(|made| made.stumble.clone()) {
            return Err(stumble);
        }
        let Some(made) = made.filter(|_| located.is_file()) else {
            return Ok(());
        };
        let Some(anew) = &made.anew else {
            return Ok(());
        };
        let target = Turn::target(anew, made.head.query());
        let before = (path, made.head.query());
        let turn = Turn::new(target, made.vary.as_deref(), self.subject.variables, before);
        Err(Stumble::Anew(Box::new(turn)))
    }
}

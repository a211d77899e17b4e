//! What stands for a directory, or for what is not there: each candidate is asked for as a request
//! of its own would be, with rules about rewriting and about who may have it.

mod admission;
mod candidate;

use std::{borrow::Cow, sync::Arc};

use http::StatusCode;
use jkworkers::{
    model::{Asked, FileSettings, Host},
    uri_map,
};
use tokio::task::spawn_blocking;

use self::candidate::{Candidate, Request, is_last_word, mapped};
use super::{
    Pointer, aliased,
    directory::{self, Learnt, Located, index_names, index_path},
};
use crate::{
    access::Claims,
    http1::Head,
    mapping,
    redirect::{self, Elsewhere},
    rescue::Stumble,
    rewriting::{self, Rewritten, Subject, Trail},
    snapshot::Snapshot,
    variables::Variables,
};

/// How often what stands for something may be stood for.
const MAX_FALLBACKS: usize = 8;

/// How deep directories may stand for one another, whatever `LimitInternalRecursion` allows: each
/// takes room on the stack.
pub(crate) const MAX_DEPTH: u64 = 50;

/// How often something is looked at for one request. Names of index files that rules make into
/// directories again would multiply without end.
const MAX_LOOKS: u32 = 1000;

/// A search for what stands for something else.
#[derive(Clone, Copy)]
pub(crate) struct Search<'a> {
    /// The request, as others that ask on its behalf.
    pub(crate) subject: Subject<'a>,
    pub(crate) snapshot: &'a Arc<Snapshot>,
    pub(crate) found: &'a mapping::Found<'a>,
    pub(crate) trail: &'a Trail,
    /// How many more directories may stand for one another.
    pub(crate) left: u64,
}

impl Search<'_> {
    /// What stands for what was located, a directory or nothing; the same, where nothing does.
    ///
    /// # Errors
    ///
    /// What the last candidate said that may not be had, where there is no other.
    pub(crate) async fn stand_in(
        self,
        located: Located,
        claims: &mut Claims,
    ) -> Result<Located, Stumble> {
        let path = &*self.found.path;
        let asked = self.at(path).with_file(located.name());
        let settings = self.subject.host.files_about(asked);
        if located.is_directory() {
            let path = self.found.seen(self.subject.decoded);
            let index = Box::pin(self.index(path, located.name(), &settings, claims)).await?;
            return Ok(match index {
                Candidate::File(found) => found,
                Candidate::Mapped(path) => located.or_mapped(Some(path)),
                Candidate::Nothing => located,
            });
        }
        if located.name().is_none() || settings.fallback.as_deref().is_none_or(str::is_empty) {
            return Ok(located);
        }
        match Box::pin(self.fallback(&settings, claims)).await {
            // A worker's answer is that for what is not there.
            Ok(Some(instead)) if instead.name().is_none() => Ok(located.or_mapped(instead.mapped)),
            Ok(Some(instead)) => Ok(instead),
            Err(stumble) if stumble.status() != StatusCode::NOT_FOUND => Err(stumble),
            Ok(None) | Err(_) => Ok(located),
        }
    }

    /// What stands for the directory of this path, which may have parameters, and this name.
    async fn index(
        self,
        path: &[u8],
        directory: Option<&[u8]>,
        settings: &FileSettings,
        claims: &mut Claims,
    ) -> Result<Candidate, Stumble> {
        let names = index_names(settings);
        let (mut mapped, mut refused) = (None, None);
        for name in &names {
            let own = index_path(path, name);
            match self.candidate(own, directory, claims).await {
                Ok(Candidate::Mapped(path)) => mapped = Some(path),
                Ok(found @ Candidate::File(_)) => return Ok(found),
                Ok(Candidate::Nothing) => {}
                Err(stumble) if is_last_word(&stumble, &names) => return Err(stumble),
                Err(stumble) if self.is_given_up() => return Err(stumble),
                Err(stumble) if stumble.status() == StatusCode::NOT_FOUND => {}
                Err(stumble) => refused = Some(stumble),
            }
        }
        if mapped.is_none() {
            match self.fallback(settings, claims).await {
                Ok(Some(instead)) if instead.mapped.is_none() => {
                    return Ok(Candidate::File(instead));
                }
                Err(stumble) if stumble.status() == StatusCode::INTERNAL_SERVER_ERROR => {
                    return Err(stumble);
                }
                Ok(_) | Err(_) => {}
            }
        }
        refused.map_or_else(
            || Ok(mapped.map_or(Candidate::Nothing, Candidate::Mapped)),
            Err,
        )
    }

    /// `FallbackResource`: what is not there, either, may have one of its own.
    async fn fallback(
        self,
        settings: &FileSettings,
        claims: &mut Claims,
    ) -> Result<Option<Located>, Stumble> {
        let mut next = settings.fallback.clone();
        for _ in 0..MAX_FALLBACKS {
            let Some(path) = next.filter(|path| !path.is_empty()) else {
                return Ok(None);
            };
            let own = path.as_bytes().to_vec();
            match self.candidate(own, None, claims).await? {
                Candidate::File(found) => return Ok(Some(found)),
                Candidate::Mapped(path) => return Ok(Some(Located::mapped(path))),
                Candidate::Nothing => {}
            }
            let asked = Asked::at(path.as_bytes());
            next = self.subject.host.files_about(asked).fallback;
        }
        tracing::error!("FallbackResource leads from path to path, and to no file: 500");
        Err(endless())
    }

    /// What a request for `own` on behalf of this one comes to.
    async fn candidate(
        self,
        own: Vec<u8>,
        around: Option<&[u8]>,
        claims: &mut Claims,
    ) -> Result<Candidate, Stumble> {
        self.count()?;
        let made = self.rewritten(&own).await;
        if let Some(made) = &made {
            self.trail.leave_cookies(made);
        }
        if let Some(stumble) = made.as_ref().and_then(|made| made.stumble.clone()) {
            return Err(stumble);
        }
        let alias = aliased(&self.subject.expressing(&own, None), &own)?;
        let (shown, file, made) = match made {
            Some(made) => (made.decoded, made.file, Some((made.head, made.variables))),
            None => (own, None, None),
        };
        let (host, for_jk) = (self.subject.host, self.found.for_jk);
        redirect::by_server(host, self.subject.head, &shown)?;
        let path = uri_map::clean(&shown).map_or_else(|_| shown.clone(), Cow::into_owned);
        let is_rewritten = file.is_some();
        if for_jk && host.uri_map.find(&path).is_some() {
            return self.mapped(path, (around, is_rewritten), claims).await;
        }
        let pointer = Pointer { file, alias };
        // As of what was asked for itself: none is sent by a name with parameters.
        let is_literal = !pointer.is_certain() && shown.contains(&b';');
        let located = self.locate(path.clone(), pointer).await?;
        let located = if is_literal {
            located.unsent()
        } else {
            located
        };
        let (head, changes) = made.unzip();
        let this = self.asking(head.as_ref());
        let candidate = Request {
            path,
            shown,
            changes: changes.unwrap_or_default(),
            around,
        };
        this.come_to(located, candidate, claims).await
    }

    /// A rule of the map covers the candidate. Where a rule about rewriting has made a file of it,
    /// mod_jk comes too late to answer for what is not there. A directory is the one that is asked
    /// for, by another path: it has index files.
    async fn mapped(
        self,
        path: Vec<u8>,
        (around, is_rewritten): (Option<&[u8]>, bool),
        claims: &mut Claims,
    ) -> Result<Candidate, Stumble> {
        let asked = self.at(&path);
        let asked = around.map_or(asked, |around| asked.passing(around));
        self.enter(asked, claims).await?;
        let is_listed = path.ends_with(b"/") && !is_rewritten;
        if is_listed && let Some(around) = around.filter(|around| around.ends_with(b"/")) {
            let index = self.deeper(&path, (Some(around), asked), claims);
            let index = index.await?;
            return Ok(index.unwrap_or_else(|| Candidate::Mapped(path.clone())));
        }
        Ok(match mapped(path, around).await {
            Candidate::Mapped(_) if is_rewritten => Candidate::Nothing,
            found => found,
        })
    }

    /// The file that stands for a candidate that is a directory itself.
    ///
    /// # Errors
    ///
    /// 500 where this never ends.
    async fn deeper(
        self,
        path: &[u8],
        (directory, asked): (Option<&[u8]>, Asked<'_>),
        claims: &mut Claims,
    ) -> Result<Option<Candidate>, Stumble> {
        let left = self.left.checked_sub(1).ok_or_else(endless)?;
        let settings = self.subject.host.files_about(asked);
        let index = Search { left, ..self }.index(path, directory, &settings, claims);
        let found = Box::pin(index).await?;
        Ok(Some(found).filter(|found| matches!(found, Candidate::File(_))))
    }

    /// What was found for a candidate comes to this.
    async fn come_to(
        self,
        located: Located,
        candidate: Request<'_>,
        claims: &mut Claims,
    ) -> Result<Candidate, Stumble> {
        let (changes, shown) = (candidate.changes.clone(), candidate.shown.clone());
        let mut variables = self.subject.variables.clone();
        let learnt = self.learn(&located, candidate, (claims, &mut variables));
        variables.rewrite(&changes);
        let this = self.knowing(&variables);
        let (asked, path) = (learnt.asked(), &*learnt.path);
        this.enter(asked, claims).await?;
        this.in_sections(asked, path, &located).await?;
        let subject = this.subject.about(asked);
        let subject = subject.expressing(path, located.name());
        redirect::by_sections(&subject, path, asked)?;
        if located.redirects() {
            let there = Elsewhere::directory(&shown, this.subject.head);
            return Err(Stumble::Elsewhere(Box::new(there)));
        }
        if located.is_directory() && path.ends_with(b"/") {
            let index = this.deeper(&shown, (located.name(), asked), claims);
            return Ok(index.await?.unwrap_or(Candidate::Nothing));
        }
        if !located.is_file() {
            return Ok(Candidate::Nothing);
        }
        Ok(Candidate::File(located.standing_in(learnt)))
    }

    /// # Errors
    ///
    /// 500 where too much was looked at.
    fn count(self) -> Result<(), Stumble> {
        let is_allowed = self.trail.looks_again() < MAX_LOOKS;
        is_allowed.then_some(()).ok_or_else(endless)
    }

    /// Whether too much was looked at.
    fn is_given_up(self) -> bool {
        self.trail.looks() > MAX_LOOKS
    }

    /// The same with this head, if there is one.
    fn asking<'s>(self, head: Option<&'s Head>) -> Search<'s>
    where
        Self: 's,
    {
        let head = head.unwrap_or(self.subject.head);
        let subject = Subject {
            head,
            ..self.subject
        };
        Search { subject, ..self }
    }

    /// The same with other variables.
    const fn knowing<'s>(self, variables: &'s Variables<'s>) -> Search<'s>
    where
        Self: 's,
    {
        let subject = Subject {
            variables,
            ..self.subject
        };
        Search { subject, ..self }
    }

    /// Finds out which `<If>` sections are about it.
    fn learn<'v>(
        &self,
        located: &Located,
        candidate: Request<'_>,
        (claims, variables): (&mut Claims, &mut Variables<'v>),
    ) -> Learnt
    where
        Self: 'v,
    {
        let Request {
            path,
            changes,
            around,
            ..
        } = candidate;
        let name = located.name();
        let is_in = |directory| name.and_then(|name| name.strip_prefix(directory));
        let within = around.and_then(is_in);
        let is_listed = within.is_some_and(|name| !name.contains(&b'/')) && located.is_file();
        let asked = Asked::at(&path).with_file(name).listed(is_listed);
        let subject = self.subject.about(asked).expressing(&path, name);
        let chosen = subject.choose(asked);
        let too_slow = chosen.too_slow.as_ref();
        if let Some(section) = too_slow.and_then(|own| self.subject.host.choice_by(own)) {
            variables.doubt(&section.origin);
        }
        claims.vary.extend(chosen.vary);
        Learnt {
            name: name.unwrap_or_default().to_vec(),
            path,
            chosen: chosen.sections,
            changes,
            is_listed,
        }
    }

    async fn rewritten(self, own: &[u8]) -> Option<Box<Rewritten>> {
        if self.subject.host.rewriting.is_empty() || self.trail.is_last() {
            return None;
        }
        let decoded = own;
        rewriting::rewrite(Subject {
            decoded,
            naming: self.subject.host.naming(Asked::at(decoded)),
            ..self.subject
        })
        .await
    }

    async fn locate(self, path: Vec<u8>, pointer: Pointer) -> Result<Located, Stumble> {
        let (snapshot, number) = (Arc::clone(self.snapshot), self.subject.host.number);
        let for_jk = self.found.for_jk;
        let located = spawn_blocking(move || {
            let host: &Host = snapshot.model.hosts.get(number).ok_or(Stumble::File)?;
            directory::own(host, &path, &pointer, for_jk)
        });
        located.await.unwrap_or(Err(Stumble::File))
    }

    /// What sections see of a path.
    fn at<'p>(&'p self, path: &'p [u8]) -> Asked<'p> {
        Asked::at(path).choosing(&self.found.chosen.sections)
    }
}

/// As in httpd, where requests that ask on behalf of one another without end are given up.
const fn endless() -> Stumble {
    Stumble::Said(StatusCode::INTERNAL_SERVER_ERROR)
}

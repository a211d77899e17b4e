//! What stands for a directory, or for what is not there: each candidate is asked for as a request
//! of its own would be, with rules about rewriting and about who may have it.

use std::sync::Arc;

use http::StatusCode;
use jkworkers::model::{Asked, FileSettings, Host};
use tokio::task::spawn_blocking;

use super::{
    directory::{self, Located, index_names, index_path},
    walk::What,
};
use crate::{
    access::{self, Claims, Guest},
    mapping, redirect,
    rescue::Stumble,
    rewriting::{self, LocalFile, Place, Rewritten, Subject, Trail, Turn},
    snapshot::Snapshot,
};

/// How often what stands for something may be stood for.
const MAX_FALLBACKS: usize = 8;

/// A search for what stands for something else.
#[derive(Clone, Copy)]
pub(crate) struct Search<'a> {
    /// The request, as others that ask on its behalf.
    pub(crate) subject: Subject<'a>,
    pub(crate) snapshot: &'a Arc<Snapshot>,
    pub(crate) found: &'a mapping::Found<'a>,
    pub(crate) trail: &'a Trail,
}

/// What a candidate has come to.
enum Candidate {
    /// A rule of the map covers this path.
    Mapped(Vec<u8>),
    /// The same, and there is a file of this name.
    MappedFile(Located),
    File(Located),
    Nothing,
}

impl Search<'_> {
    /// What stands for what was located; the same, where nothing has to.
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
        let is_directory = matches!(located.walked.what, What::Directory) && path.ends_with(b"/");
        if !is_directory && !matches!(located.walked.what, What::Nothing) {
            return Ok(located);
        }
        let asked = self.at(path).with_file(located.name());
        let settings = self.subject.host.files_about(asked);
        if is_directory {
            return Box::pin(self.index(located, &settings, claims)).await;
        }
        if located.name().is_none() || settings.fallback.as_deref().is_none_or(str::is_empty) {
            return Ok(located);
        }
        match Box::pin(self.fallback(&settings, claims)).await {
            Ok(Some(instead)) => Ok(instead),
            Err(stumble) if stumble.status() != StatusCode::NOT_FOUND => Err(stumble),
            Ok(None) | Err(_) => Ok(located),
        }
    }

    async fn index(
        self,
        located: Located,
        settings: &FileSettings,
        claims: &mut Claims,
    ) -> Result<Located, Stumble> {
        let names = index_names(settings);
        let (mut mapped, mut refused) = (None, None);
        for name in &names {
            let own = index_path(&self.found.path, name);
            match self.candidate(own, located.name(), claims).await {
                Ok(Candidate::Mapped(path)) => mapped = Some(path),
                Ok(Candidate::File(found) | Candidate::MappedFile(found)) => return Ok(found),
                Ok(Candidate::Nothing) => {}
                Err(stumble) => match stumble.status().as_u16() {
                    404 => {}
                    300..=399 => return Err(stumble),
                    401 if names.len() == 1 => return Err(stumble),
                    _ if matches!(stumble, Stumble::Anew(_)) => return Err(stumble),
                    _ => refused = Some(stumble),
                },
            }
        }
        if mapped.is_none()
            && let Ok(Some(instead)) = self.fallback(settings, claims).await
            && instead.mapped.is_none()
        {
            return Ok(instead);
        }
        match refused {
            Some(stumble) => Err(stumble),
            None => Ok(located.or_mapped(mapped)),
        }
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
                break;
            };
            let own = path.as_bytes().to_vec();
            match self.candidate(own, None, claims).await? {
                Candidate::File(found) | Candidate::MappedFile(found) => return Ok(Some(found)),
                Candidate::Mapped(path) => return Ok(Some(Located::mapped(path))),
                Candidate::Nothing => {}
            }
            let asked = Asked::at(path.as_bytes());
            let own = self.subject.host.files_about(asked).fallback;
            next = own.filter(|own| *own != path);
        }
        Ok(None)
    }

    /// What a request for `own` on behalf of this one comes to.
    async fn candidate(
        self,
        own: Vec<u8>,
        around: Option<&[u8]>,
        claims: &mut Claims,
    ) -> Result<Candidate, Stumble> {
        let made = self.rewritten(&own).await;
        if let Some(stumble) = made.as_ref().and_then(|made| made.stumble.clone()) {
            return Err(stumble);
        }
        let (path, file) = match made {
            Some(made) => (made.decoded, made.file),
            None => (own, None),
        };
        let (host, for_jk) = (self.subject.host, self.found.for_jk);
        redirect::by_server(host, self.subject.head, &path)?;
        if for_jk && host.uri_map.find(&path).is_some() {
            self.enter(self.at(&path).with_file(around), claims).await?;
            return Ok(mapped(path, around).await);
        }
        let located = self.locate(path.clone(), file).await?;
        let asked = self.at(&path).with_file(located.name());
        self.enter(asked, claims).await?;
        self.in_sections(asked, &path, &located).await?;
        let subject = self.subject.expressing(&path, located.name());
        redirect::by_sections(&subject, &path, asked)?;
        if !located.is_file() {
            return Ok(Candidate::Nothing);
        }
        Ok(Candidate::File(located.by(path)))
    }

    async fn rewritten(self, own: &[u8]) -> Option<Box<Rewritten>> {
        if self.subject.host.rewriting.is_empty() || self.trail.is_last() {
            return None;
        }
        let decoded = own;
        rewriting::rewrite(Subject {
            decoded,
            ..self.subject
        })
        .await
    }

    async fn locate(self, path: Vec<u8>, file: Option<LocalFile>) -> Result<Located, Stumble> {
        let (snapshot, number) = (Arc::clone(self.snapshot), self.subject.host.number);
        let for_jk = self.found.for_jk;
        let located = spawn_blocking(move || {
            let host: &Host = snapshot.model.hosts.get(number).ok_or(Stumble::File)?;
            directory::own(host, &path, file.as_ref(), for_jk)
        });
        located.await.unwrap_or(Err(Stumble::File))
    }

    /// What sections see of a path.
    fn at<'p>(&'p self, path: &'p [u8]) -> Asked<'p> {
        Asked::at(path).choosing(&self.found.chosen.sections)
    }

    async fn enter(self, asked: Asked<'_>, claims: &mut Claims) -> Result<(), Stumble> {
        let (host, peer) = (self.subject.host, self.subject.peer);
        let mut own = Claims::default();
        let guest = self.found.guest(host, self.subject.head, peer, asked.path);
        let entry = access::check(Guest { asked, ..guest }, &mut own).await;
        claims.vary.append(&mut own.vary);
        if entry.is_err() || own.user.is_some() {
            own.vary.append(&mut claims.vary);
            *claims = own;
        }
        entry
    }

    /// Rules in sections may lead elsewhere, from a file that is there.
    async fn in_sections(
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
        let Some(made) = made.filter(|_| located.is_file()) else {
            return Ok(());
        };
        let Some(anew) = &made.anew else {
            return Ok(());
        };
        let target = Turn::target(anew, made.head.query());
        let before = (path, made.head.query());
        let turn = Turn::new(target, made.vary.as_deref(), &self.found.variables, before);
        Err(Stumble::Anew(Box::new(turn)))
    }
}

/// A path that a rule covers: mod_jk looks for its file in the directory that is asked for.
async fn mapped(path: Vec<u8>, directory: Option<&[u8]>) -> Candidate {
    match directory.and_then(|directory| directory::file_in(directory, &path)) {
        Some(name) => {
            let looked_for = spawn_blocking(move || directory::mapped_file(name, path));
            let found = looked_for.await;
            found
                .unwrap_or_else(|_| Err(Vec::new()))
                .map_or_else(Candidate::Mapped, Candidate::MappedFile)
        }
        None => Candidate::Mapped(path),
    }
}

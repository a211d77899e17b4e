//! `-U`, `-F`, `%{LA-U:…}`, `%{LA-F:…}`: what would become of another request.

use std::pin::Pin;

use http::Method;
use jkworkers::{
    model::{Asked, Host, Section},
    rewrite::{Ahead, Seen},
    uri_map,
};

use super::{Place, Subject, rewrite};
use crate::{
    access::{self, Claims, Guest},
    http1::Head,
    mapping::{self, Before},
    redirect,
    rescue::Stumble,
    static_files,
    variables::Variables,
};

/// What would become of a request for `ahead`. Who looks ahead is not looked at from ahead.
pub(super) fn look<'a>(
    subject: Subject<'a>,
    ahead: &'a Ahead,
) -> Pin<Box<dyn Future<Output = Seen> + Send + 'a>> {
    Box::pin(async move {
        let mut seen = Seen {
            status: 200,
            ..Seen::default()
        };
        if subject.is_subrequest || ahead.target.is_empty() {
            return seen;
        }
        let looked = if ahead.is_file {
            at_file(subject, &ahead.target, &mut seen).await
        } else {
            at_path(subject, &ahead.target, &mut seen).await
        };
        if let Err(stumble) = looked {
            seen.status = stumble.status().as_u16();
        }
        seen
    })
}

#[allow(
    clippy::too_many_lines,
    reason = "the steps of a request, in their order"
)]
async fn at_path(subject: Subject<'_>, target: &[u8], seen: &mut Seen) -> Result<(), Stumble> {
    let (host, peer) = (subject.host, subject.peer);
    let Some(snapshot) = subject.snapshot else {
        return Ok(());
    };
    let head = &asking_for(target, subject.head);
    let decoded = uri_map::decode(head.path(), host.uri_rules).map_err(mapping::bad_path)?;
    let variables = Variables::begin(host, head, peer, &[]);
    let rewritten = rewrite(Subject {
        head,
        variables: &variables,
        decoded: &decoded,
        is_subrequest: true,
        claims: None,
        ..subject
    })
    .await;
    let (head, decoded) = match &rewritten {
        Some(made) => (&made.head, &*made.decoded),
        None => (head, &*decoded),
    };
    let stumble = rewritten.as_ref().and_then(|made| made.stumble.as_ref());
    if let Some(stumble) = stumble {
        return Err(stumble.clone());
    }
    let before = Before::of(variables, rewritten.as_deref());
    let mut found = mapping::find(host, head, decoded, before)?;
    let file = rewritten.as_ref().and_then(|made| made.file.as_ref());
    let located = static_files::locate(snapshot, host, &found, decoded, file).await?;
    let own = located.as_ref().and_then(static_files::Located::name);
    found.choose(host, head, peer, decoded, own);
    found.enter(host, head, peer, own);
    let place = Place::of(&found.path, located.as_ref());
    place.filename().clone_into(&mut seen.filename);
    place.path_info().clone_into(&mut seen.path_info);
    decoded.clone_into(&mut seen.uri);
    seen.query = head.query().map(<[u8]>::to_vec);
    let set = found.variables.iter();
    let set = set.map(|variable| (variable.name.to_owned(), variable.value.to_vec()));
    seen.variables = set.collect();
    let asked = found.asked().with_file(own);
    let guest = found.guest(host, head, peer, decoded);
    // As in httpd: what holds for the request itself is asked later.
    let here = Asked::at(subject.decoded).choosing(&found.chosen.sections);
    let is_same = sections(host, asked).eq(sections(host, here));
    if !is_same {
        enter(Guest { asked, ..guest }, seen).await?;
    }
    let subject = found.subject(host, head, peer, decoded).with_file(own);
    redirect::by_sections(&subject, decoded, asked)
}

async fn at_file(subject: Subject<'_>, name: &[u8], seen: &mut Seen) -> Result<(), Stumble> {
    let Some(snapshot) = subject.snapshot else {
        return Ok(());
    };
    let own = static_files::look_at(snapshot, subject.host, name).await?;
    name.clone_into(&mut seen.filename);
    seen.exists = own.is_there();
    // No section about paths is asked.
    let asked = Asked::at(b"").with_file(own.name());
    let guest = Guest {
        host: subject.host,
        head: subject.head,
        peer: subject.peer,
        variables: subject.variables,
        asked,
        logs: None,
        decoded: subject.decoded,
    };
    enter(guest, seen).await
}

/// The sections about what is asked for, told apart by where they are written.
fn sections<'h>(host: &'h Host, asked: Asked<'h>) -> impl Iterator<Item = *const Section> + 'h {
    let sections = host.sections_about(asked);
    sections.map(std::ptr::from_ref)
}

async fn enter(guest: Guest<'_>, seen: &mut Seen) -> Result<(), Stumble> {
    let mut claims = Claims::default();
    let entry = access::check(guest, &mut claims).await;
    seen.user = claims.user;
    seen.auth_type = claims.auth_type;
    entry
}

/// A GET with the same fields.
fn asking_for(target: &[u8], head: &Head) -> Head {
    Head::new(Method::GET, head.version, target, head.fields())
}

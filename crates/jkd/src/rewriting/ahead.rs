//! `-U`, `-F`, `%{LA-U:…}`, `%{LA-F:…}`: what would become of another request.

use std::pin::Pin;

use http::Method;
use jkworkers::{
    model::{Asked, Host, Section, variables::names::NO_JK},
    rewrite::{Ahead, Seen},
    uri_map,
};
use tokio::time::Instant;

use super::{Asker, Place, Subject, rewrite, sections::unnoticed};
use crate::{
    access::{self, Claims, Guest},
    forward::encode_path,
    headers,
    http1::Head,
    mapping::{self, Before},
    redirect,
    rescue::Stumble,
    static_files::{self, Located, Pointer},
    variables::Variables,
};

/// How many requests may be looked at on behalf of one another.
const MAX_DEPTH: u8 = 3;

/// What would become of a request for `ahead`. Who looks ahead for its own path is not looked at from
/// ahead.
pub(super) fn look<'a>(
    subject: Subject<'a>,
    ahead: &'a Ahead,
) -> Pin<Box<dyn Future<Output = Seen> + Send + 'a>> {
    Box::pin(async move {
        let mut seen = Seen::default();
        let by = subject.on_behalf_of.map(|by| (by.depth, by.path));
        let depth = by.map_or(0, |(depth, _)| depth);
        let is_same = by.is_some_and(|(_, path)| path == subject.decoded);
        if is_same || depth >= MAX_DEPTH || ahead.target.is_empty() {
            return seen;
        }
        (seen.is_made, seen.status) = (true, 200);
        // As in httpd: it has all that is known of the request that asks.
        let mut variables = subject.variables.clone();
        variables.rewrite(&ahead.variables);
        let subject = Subject {
            on_behalf_of: Some(Asker {
                path: subject.decoded,
                depth: depth + 1,
            }),
            variables: &variables,
            ..subject
        };
        let looked = if ahead.is_file {
            at_file(subject, ahead, &mut seen).await
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
    let head = &asking_for(&complete(target, subject.decoded), subject.head);
    let came = uri_map::decode(head.path(), host.uri_rules).map_err(mapping::bad_path)?;
    let rewritten = rewrite(Subject {
        head,
        decoded: &came,
        naming: host.naming(Asked::at(&came)),
        claims: None,
        ..subject
    })
    .await;
    let (head, decoded) = match &rewritten {
        Some(made) => (&made.head, &*made.decoded),
        None => (head, &*came),
    };
    let stumble = rewritten.as_ref().and_then(|made| made.stumble.as_ref());
    if let Some(stumble) = stumble {
        return Err(stumble.clone());
    }
    let before = Before::of(subject.variables.clone(), rewritten.as_deref());
    let mut found = mapping::find(host, head, decoded, before)?;
    let file = rewritten.as_ref().and_then(|made| made.file.clone());
    let by_section = (!found.is_mapped()).then_some(|| found.subject(host, head, peer, decoded));
    let pointer = Pointer::of(file, by_section, &came)?;
    let located = static_files::locate(snapshot, host, &found, decoded, pointer).await?;
    let own = located.as_ref().and_then(Located::name);
    found.choose(host, head, peer, decoded, own);
    // Conditions in sections are asked for requests of clients alone.
    found.leads_to(own);
    let place = Place::of(&found.path, located.as_ref());
    let path = found.seen(decoded);
    path.clone_into(&mut seen.uri);
    seen.query = head.query().map(<[u8]>::to_vec);
    seen.is_at(place, &found.variables);
    let asked = found.asked().with_file(own);
    let mut claims = Claims::default();
    // As in httpd: what holds for the request itself is asked later.
    let here = Asked::at(subject.decoded).choosing(&found.chosen.sections);
    if !sections(host, asked).eq(sections(host, here)) {
        let guest = found.guest(host, head, peer, decoded);
        enter(Guest { asked, ..guest }, &mut claims, seen).await?;
    }
    let subject = Subject {
        head,
        decoded: path,
        variables: &found.variables,
        claims: Some(&claims),
        ..subject
    };
    fix(subject, asked, place, seen).await
}

async fn at_file(subject: Subject<'_>, ahead: &Ahead, seen: &mut Seen) -> Result<(), Stumble> {
    let host = subject.host;
    let Some(snapshot) = subject.snapshot else {
        return Ok(());
    };
    let (name, path) = (&*ahead.target, beside(subject.decoded, ahead));
    let is_mapped = !subject.variables.has(NO_JK) && host.uri_map.find(&path).is_some();
    let located = if is_mapped {
        None
    } else {
        Some(static_files::look_at(snapshot, host, name).await?)
    };
    path.clone_into(&mut seen.uri);
    seen.exists = located.as_ref().is_some_and(Located::is_there);
    let place = Place::of(&path, located.as_ref());
    seen.is_at(place, subject.variables);
    let asked = Asked::at(&path).with_file(located.as_ref().and_then(Located::name));
    let mut claims = Claims::default();
    if !sections(host, asked).eq(sections(host, Asked::at(subject.decoded))) {
        let guest = guest_at(subject, asked, &path);
        enter(guest, &mut claims, seen).await?;
    }
    let subject = Subject {
        decoded: &path,
        claims: Some(&claims),
        ..subject
    };
    fix(subject, asked, place, seen).await?;
    if located.is_some_and(|located| located.redirects()) {
        let there = redirect::Elsewhere::directory(&path, subject.head);
        return Err(Stumble::Elsewhere(Box::new(there)));
    }
    Ok(())
}

/// The request as sections see it that decide who may come in.
const fn guest_at<'g>(subject: Subject<'g>, asked: Asked<'g>, path: &'g [u8]) -> Guest<'g> {
    Guest {
        host: subject.host,
        head: subject.head,
        peer: subject.peer,
        variables: subject.variables,
        asked,
        logs: None,
        decoded: path,
    }
}

/// What is done to a request that was let in, before it would be answered.
async fn fix(
    subject: Subject<'_>,
    asked: Asked<'_>,
    place: Place<'_>,
    seen: &mut Seen,
) -> Result<(), Stumble> {
    let made = unnoticed(subject, asked, place).await?;
    let mut variables = subject.variables.clone();
    if let Some(made) = made.as_deref() {
        variables.rewrite(&made.variables);
        if let Some(stumble) = &made.stumble {
            return Err(stumble.clone());
        }
        if let Some(path) = &made.anew {
            seen.filename = [b"redirect:", &**path].concat();
        }
    }
    let file = Some(place.filename()).filter(|name| !name.is_empty());
    let expressing = subject.about(asked).expressing(subject.decoded, file);
    redirect::by_sections(&expressing, subject.decoded, asked)?;
    variables.settle(subject.host, asked);
    variables.connect(subject.host, subject.peer, asked);
    seen.has(&variables);
    seen.fields = fields(subject, asked, &variables, file);
    Ok(())
}

/// The fields of the other request, where `RequestHeader` changes them.
fn fields(
    subject: Subject<'_>,
    asked: Asked<'_>,
    variables: &Variables<'_>,
    file: Option<&[u8]>,
) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    let Subject {
        host, head, peer, ..
    } = subject;
    let rules = headers::Rules {
        host,
        asked: Some(asked),
    };
    let seen = subject.claims.map(|claims| headers::Seen {
        path: subject.decoded,
        file,
        claims,
    });
    let cx = headers::Context {
        head,
        host,
        peer,
        seen,
        made: None,
        variables: Some(variables),
        facts: None,
        record: None,
        tls: peer.tls(),
        began: Instant::now(),
    };
    let head = headers::late(rules, head, &cx, &mut Vec::new())?;
    let fields = head.fields();
    Some(fields.map(|(n, v)| (n.to_vec(), v.to_vec())).collect())
}

/// What is told of where it leads.
trait Tells {
    fn is_at(&mut self, place: Place<'_>, variables: &Variables<'_>);
    fn has(&mut self, variables: &Variables<'_>);
}

impl Tells for Seen {
    fn is_at(&mut self, place: Place<'_>, variables: &Variables<'_>) {
        place.filename().clone_into(&mut self.filename);
        place.path_info().clone_into(&mut self.path_info);
        self.has(variables);
    }

    fn has(&mut self, variables: &Variables<'_>) {
        let set = variables.iter();
        let set = set.map(|variable| (variable.name.to_owned(), variable.value.to_vec()));
        self.variables = set.collect();
    }
}

/// The sections about what is asked for, told apart by where they are written.
fn sections<'h>(host: &'h Host, asked: Asked<'h>) -> impl Iterator<Item = *const Section> + 'h {
    let sections = host.sections_about(asked);
    sections.map(std::ptr::from_ref)
}

async fn enter(guest: Guest<'_>, claims: &mut Claims, seen: &mut Seen) -> Result<(), Stumble> {
    let entry = access::check(guest, claims).await;
    seen.user.clone_from(&claims.user);
    seen.auth_type.clone_from(&claims.auth_type);
    entry
}

/// A target that is no path is one beside that of the request that asks.
fn complete(target: &[u8], path: &[u8]) -> Vec<u8> {
    if target.starts_with(b"/") {
        return target.to_vec();
    }
    [&*encode_path(directory(path)), target].concat()
}

/// The path of a file beside that of the request that asks; others have none.
fn beside(path: &[u8], ahead: &Ahead) -> Vec<u8> {
    let around = directory(&ahead.beside);
    match ahead.target.strip_prefix(around) {
        Some(name) if !around.is_empty() && !name.contains(&b'/') => {
            [directory(path), name].concat()
        }
        _ => Vec::new(),
    }
}

/// All up to the last slash.
fn directory(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|b| *b == b'/').map_or(0, |at| at + 1);
    path.get(..end).unwrap_or_default()
}

/// A GET with the same fields.
fn asking_for(target: &[u8], head: &Head) -> Head {
    Head::new(Method::GET, head.version, target, head.fields())
}

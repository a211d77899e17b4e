//! A page that is a path on this server: it is asked for as a request of its own.

use std::time::Duration;

use http::{Method, StatusCode, Version, header};
use tokio::time::timeout;

use crate::{
    access::Claims,
    answer::{Answer, Visit},
    handler::{self, Asking},
    http1::{Head, Outgoing},
    logs::{Record, Redirected},
    mapping::Earlier,
    rescue::Stumble,
    rewriting::Turn,
    snapshot::Served,
    strict::Refusal,
};

/// How long the end of an answer of which only the head is wanted may take.
const DISCARD: Duration = Duration::from_secs(1);

/// There is no page.
pub(super) struct NoPage {
    pub(super) stumble: Stumble,
    /// A rule about rewriting says so.
    pub(super) is_by_rule: bool,
    pub(super) claims: Claims,
    /// The request for it.
    pub(super) redirected: Redirected,
}

impl NoPage {
    fn new(visit: &Visit, (stumble, claims): (Stumble, Claims), redirected: Redirected) -> Self {
        let (status, again) = (redirected.first_status, redirected.status);
        tracing::info!(request = %visit, status, again, "no page for an error");
        Self {
            stumble,
            is_by_rule: visit.trail.takes_end_by_rule(),
            claims,
            redirected,
        }
    }
}

/// The answer for a path on this server. What the client's own request came to is for logs.
///
/// # Errors
///
/// Where there is none, either.
pub(super) async fn page(
    visit: &Visit,
    (stumble, changed, first): (&Stumble, Option<&Head>, (StatusCode, Served)),
    target: &[u8],
    earlier: &Earlier,
    served: &mut Served,
) -> Result<Outgoing<Answer>, Box<NoPage>> {
    let status = stumble.status();
    let refused = stumble.refusal();
    let failed = changed.unwrap_or(&visit.head);
    let head = asking_for(target, failed, refused == Some(Refusal::Expectation));
    let head = head.asked_by(visit.head.line());
    let record = Record::default();
    let asking = Asking {
        head: &head,
        body: &mut None,
        earlier,
        instead_of: Some(status),
        refused,
        record: &record,
        vary: None,
    };
    let mut own = Served::default();
    let mut claims = Claims::default();
    // Boxed: most requests get on without it.
    let answered = Box::pin(handler::answer(visit, asking, &mut own, &mut claims)).await;
    let mut redirected = Redirected::new(head, record, first.0, first.1);
    redirected.served = own;
    redirected.answers = answered.is_ok();
    redirected.status = match &answered {
        Ok(page) => page.status().as_u16(),
        Err(again) => again.status().as_u16(),
    };
    let mut page = match answered {
        Ok(page) => page,
        Err(stumble) => {
            let no_page = NoPage::new(visit, (stumble, claims), redirected);
            return Err(Box::new(no_page));
        }
    };
    visit.record.is_redirected(redirected);
    *served = own;
    if visit.head.method == Method::HEAD {
        // One that does not end in time is dropped, and with it its connection.
        let _ = timeout(DISCARD, page.body.discard()).await;
    }
    Ok(page)
}

/// A request that makes no sense, as far as httpd has read it. Nobody asks again whether its `Host`
/// does.
pub(super) fn as_read(head: &Head, stumble: &Stumble) -> Option<Head> {
    let Stumble::Refused(refusal) = stumble else {
        return None;
    };
    let reads_fields = !matches!(refusal, Refusal::Target | Refusal::UnknownMethod);
    let fields = head.fields().filter(|_| reads_fields);
    let (method, target) = (head.method.clone(), head.parts().raw());
    let read = Head::new(method, Version::HTTP_10, target, fields);
    let read = read.speaking(head.protocol()).asked_by(head.line());
    Some(if refusal.is_before_host() {
        read.refused(*refusal)
    } else {
        read
    })
}

/// A GET with the fields of the request that stumbled, but for those about a body that it has.
fn asking_for(target: &[u8], failed: &Head, expects: bool) -> Head {
    let of_body = [
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::EXPECT,
    ];
    let of_body = of_body.get(..3 - usize::from(expects)).unwrap_or_default();
    let is_of_body = |name: &[u8]| {
        let mut others = of_body.iter();
        others.any(|other| name.eq_ignore_ascii_case(other.as_ref()))
    };
    let is_nothing = |value: &[u8]| value == b"0";
    let fields = failed.fields();
    let fields = fields.filter(|(name, value)| !is_of_body(name) || is_nothing(value));
    let target = Turn::target(target, None);
    Head::new(Method::GET, failed.version, &target, fields).speaking(failed.protocol())
}

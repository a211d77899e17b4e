//! What is done with answers as they leave, but for pages of errors.

use http::Method;
use jkworkers::model::Host;
use tokio::time::Instant;

use crate::{
    access::Claims,
    answer::{Answer, Visit},
    compress::{self, Case},
    expires,
    headers::{self, Context, Rules, Seen},
    http1::{Head, Heading, Outgoing},
    logs::Record,
    media_type, parts,
    rescue::{self, Stumble},
    response,
    static_files::Untagged,
    variables::Variables,
};

/// What is known of a request's way where its answer leaves.
pub(crate) struct Course<'a> {
    pub(crate) visit: &'a Visit,
    pub(crate) rules: Rules<'a>,
    pub(crate) cx: Context<'a>,
    /// Who the client is, if it was asked.
    pub(crate) claims: &'a Claims,
    /// `Vary`, as rules about rewriting make it.
    pub(super) vary: Option<&'a str>,
    /// It is the page for parts that are not there: as in httpd it has no parts itself.
    pub(super) is_about_parts: bool,
}

impl<'a> Course<'a> {
    pub(crate) fn at(host: &'a Host, visit: &'a Visit, head: &'a Head, record: &'a Record) -> Self {
        Self {
            visit,
            rules: Rules { host, asked: None },
            cx: Context {
                head,
                variables: None,
                facts: None,
                host,
                peer: &visit.peer,
                seen: None,
                made: None,
                record: Some(record),
                tls: visit.peer.tls(),
                began: visit.began,
            },
            claims: &visit.claims,
            vary: None,
            is_about_parts: false,
        }
    }

    /// Leaves the fields of a request behind that begins anew, as `RequestHeader` has changed them.
    pub(crate) fn leave_fields(&self, rules: Rules<'_>, seen: Seen<'_>, variables: &Variables<'_>) {
        let cx = Context {
            seen: Some(seen),
            variables: Some(variables),
            ..self.cx
        };
        let head = headers::late(rules, cx.head, &cx, &mut Vec::new());
        self.visit.trail.leave_fields(head.as_deref());
    }

    /// Does all that is done with an answer that is no error page.
    ///
    /// # Errors
    ///
    /// 416 where the client wants parts that are not there.
    pub(super) fn complete(&self, response: Outgoing<Answer>) -> Result<Outgoing<Answer>, Stumble> {
        let mut response = self.change(response);
        media_type::settle(&mut response.head);
        if let Some(asked) = self.rules.asked {
            media_type::add_charset(&mut response.head, self.rules.host, asked);
        }
        if !self.is_about_parts {
            let is_head = self.visit.head.method == Method::HEAD;
            response = parts::take(response, (self.cx.head, is_head), self.rules)?;
        }
        if response.head.extensions.get::<Untagged>().is_some() {
            response.head.fields.remove(b"ETag");
        }
        headers::place_type(&mut response.head);
        Ok(response)
    }

    /// Says until when the answer may be kept. `began`: when the request came.
    pub(crate) fn tell_expiry(&self, head: &mut Heading, began: Instant) {
        if let Some(asked) = self.rules.asked {
            expires::tell(head, self.rules.host, asked, began);
        }
    }

    /// Compresses an answer, if it is one to be compressed. `name`: that of its file, or the last part
    /// of its path.
    pub(super) async fn compress(
        &self,
        response: Outgoing<Answer>,
        name: Option<&[u8]>,
    ) -> Outgoing<Answer> {
        let Some(asked) = self.rules.asked else {
            return response;
        };
        let case = Case {
            host: self.rules.host,
            asked,
            name: name.unwrap_or_default(),
            request: self.cx.head,
            variables: self.cx.variables,
        };
        compress::apply(response, case, &self.cx).await
    }

    /// Changes the fields of a page as `Header` says.
    pub(crate) fn finish(&self, response: Outgoing<Answer>) -> Outgoing<Answer> {
        let mut response = self.change(response);
        headers::place_type(&mut response.head);
        response
    }

    /// Changes the fields of an answer as `Header` says. Its type is not among them yet.
    fn change(&self, mut response: Outgoing<Answer>) -> Outgoing<Answer> {
        if let Some(vary) = self.vary {
            response::vary_first(&mut response.head.fields, vary);
        }
        let head = &mut response.head;
        if let Some(variables) = self.cx.variables {
            variables.treat(head);
        }
        let is_page = head.extensions.get::<rescue::IsPage>().is_some();
        headers::answer(self.rules, head, is_page, &self.cx);
        response::join_vary(&mut head.fields);
        response
    }
}

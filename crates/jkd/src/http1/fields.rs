//! The fields of a head: names as they were written, in order.

use std::borrow::Cow;

use bytes::Bytes;

/// A list of fields. Names are compared without regard to case, and keep theirs.
///
/// A list rather than a map: heads have few fields, order and spelling count, and one allocation
/// holds it all. All names and values are valid as HTTP has it (RFC 9110, section 5): whoever adds
/// one sees to it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields {
    /// The head as it came; spans lie in it, or behind its end in `added`.
    text: Bytes,
    added: Vec<u8>,
    list: Vec<Field>,
    /// A bit for each name that is or was there: most of those asked for are not.
    marks: u64,
    /// Whether repeated fields were joined, so that those that are repeated now are meant so.
    is_joined: bool,
}

/// One field: where its name and its value are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    /// Tells most names apart without a look at them.
    key: u32,
    name: Span,
    value: Span,
}

/// A piece of a text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Span {
    start: u32,
    length: u32,
}

impl Span {
    /// `None` beyond 4 GiB.
    pub(super) fn new(start: usize, length: usize) -> Option<Self> {
        Some(Self {
            start: u32::try_from(start).ok()?,
            length: u32::try_from(length).ok()?,
        })
    }

    /// A piece of this piece.
    pub(super) fn part(self, start: usize, length: usize) -> Self {
        Self::new(start, length).map_or(self, |part| self.shifted(part))
    }

    /// A piece of this piece, counted from its start.
    pub(super) const fn shifted(self, part: Self) -> Self {
        Self {
            start: self.start.saturating_add(part.start),
            length: part.length,
        }
    }

    /// The piece of `text`.
    pub(super) fn of(self, text: &[u8]) -> &[u8] {
        self.within(text, 0)
    }

    fn within(self, text: &[u8], offset: usize) -> &[u8] {
        let (Ok(start), Ok(length)) = (usize::try_from(self.start), usize::try_from(self.length))
        else {
            return &[];
        };
        let start = start.saturating_sub(offset);
        text.get(start..start.saturating_add(length))
            .unwrap_or_default()
    }
}

impl Field {
    /// The field whose name and value lie in `text`.
    pub(super) fn new(text: &[u8], name: Span, value: Span) -> Self {
        let key = key(name.of(text));
        Self { key, name, value }
    }
}

/// Where `part` lies in `whole`, if it is a piece of its memory.
fn place_in(whole: &[u8], part: &[u8]) -> Option<usize> {
    let start = part.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
    let end = start.checked_add(part.len())?;
    (!part.is_empty() && end <= whole.len()).then_some(start)
}

/// Equal for names that are equal but for case, and different for most others.
#[inline]
fn key(name: &[u8]) -> u32 {
    let (Some(first), Some(last)) = (name.first(), name.last()) else {
        return 0;
    };
    let length = u32::try_from(name.len()).unwrap_or(u32::MAX);
    (length << 16) | (u32::from(first | 0x20) << 8) | u32::from(last | 0x20)
}

/// One of 64 bits, by a key.
const fn mark(key: u32) -> u64 {
    1 << (key.wrapping_mul(0x9e37_79b1) >> 26)
}

impl Fields {
    /// Fields that lie in `text`, and whatever else it has.
    pub(super) fn new(text: Bytes, list: Vec<Field>) -> Self {
        Self {
            marks: list.iter().fold(0, |marks, field| marks | mark(field.key)),
            text,
            added: Vec::new(),
            list,
            is_joined: false,
        }
    }

    /// The text that came: the whole head.
    pub(super) fn came(&self) -> &[u8] {
        &self.text
    }

    /// The first value of this name.
    #[inline]
    pub(crate) fn get(&self, name: impl AsRef<[u8]>) -> Option<&[u8]> {
        let field = self.find(name.as_ref()).next()?.value;
        Some(self.text(field))
    }

    /// All values of this name.
    #[inline]
    pub(crate) fn get_all<'n>(&'n self, name: &'n str) -> impl Iterator<Item = &'n [u8]> {
        let values = self.find(name.as_bytes());
        values.map(|field| self.text(field.value))
    }

    /// The values of this name as one, joined by `, ` as httpd does it.
    #[inline]
    pub(crate) fn joined(&self, name: impl AsRef<[u8]>) -> Option<Cow<'_, [u8]>> {
        let mut joined = None;
        for field in self.find(name.as_ref()) {
            let value = self.text(field.value);
            match &mut joined {
                None => joined = Some(Cow::Borrowed(value)),
                Some(joined) => joined.to_mut().extend_from_slice(&[b", ", value].concat()),
            }
        }
        joined
    }

    /// Whether there is a field of this name.
    #[inline]
    pub(crate) fn contains(&self, name: impl AsRef<[u8]>) -> bool {
        self.find(name.as_ref()).next().is_some()
    }

    /// Names and values, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let text = |field: &Field| (self.text(field.name), self.text(field.value));
        self.list.iter().map(text)
    }

    /// Each name once, as it was written first, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &[u8]> {
        let fields = self.list.iter().enumerate();
        let first = fields.filter(|(index, field)| {
            let mut before = self.list.iter().take(*index);
            !before.any(|other| self.are_same(field, other))
        });
        first.map(|(_, field)| self.text(field.name))
    }

    /// Whether there are fields that share a name, and are still to be joined.
    pub(crate) fn has_repeated(&self) -> bool {
        if self.is_joined {
            return false;
        }
        let mut rest = self.list.as_slice();
        while let Some((field, others)) = rest.split_first() {
            if others.iter().any(|other| self.are_same(field, other)) {
                return true;
            }
            rest = others;
        }
        false
    }

    /// Joins repeated fields, as httpd does it before anything looks at them. What is repeated
    /// later stays so.
    pub(crate) fn join_repeated(&mut self) {
        if self.has_repeated() {
            let names: Vec<_> = self.names().map(<[u8]>::to_vec).collect();
            for name in names {
                if let Some(Cow::Owned(joined)) = self.joined(&name) {
                    self.set(&name, &joined);
                }
            }
        }
        self.is_joined = true;
    }

    /// How much text it is at most, bytes: the request line is counted, too.
    pub(crate) fn length(&self) -> usize {
        // What was added has neither colons nor ends of lines.
        let between = if self.added.is_empty() {
            0
        } else {
            8 * self.list.len()
        };
        self.text.len() + self.added.len() + between
    }

    /// Fields of which nothing is known but that most of them lie in `text`.
    pub(crate) fn with_capacity(text: Bytes, fields: usize) -> Self {
        Self::new(text, Vec::with_capacity(fields))
    }

    /// Adds a field behind all others.
    pub(crate) fn add(&mut self, name: &[u8], value: &[u8]) {
        let key = key(name);
        if let (Some(name), Some(value)) = (self.keep(name), self.keep(value)) {
            self.marks |= mark(key);
            self.list.push(Field { key, name, value });
        }
    }

    /// Adds a field behind the first `before` ones.
    pub(crate) fn add_behind(&mut self, before: usize, name: &[u8], value: &[u8]) {
        let had = self.list.len();
        self.add(name, value);
        if self.list.len() > had
            && let Some(behind) = self.list.get_mut(before.min(had)..)
        {
            behind.rotate_right(1);
        }
    }

    /// Gives the first field of this name another value, and takes the others out. Where there is
    /// none, it is added.
    pub(crate) fn set(&mut self, name: &[u8], value: &[u8]) {
        let known = key(name);
        let mut list = self.list_for(known).iter();
        let place = list.position(|field| self.is(field, known, name));
        let Some(place) = place else {
            return self.add(name, value);
        };
        let Some(value) = self.keep(value) else {
            return;
        };
        if let Some(field) = self.list.get_mut(place) {
            field.value = value;
        }
        self.remove_from(place + 1, name);
    }

    /// Puts a value behind that of the first field of this name, after `, `. Where there is none,
    /// it is added.
    pub(crate) fn append(&mut self, name: &[u8], value: &[u8]) {
        let Some(known) = self.get(name) else {
            return self.add(name, value);
        };
        let joined = [known, b", ", value].concat();
        let key = key(name);
        let place = (self.list.iter()).position(|field| self.is(field, key, name));
        if let Some(value) = self.keep(&joined)
            && let Some(field) = place.and_then(|place| self.list.get_mut(place))
        {
            field.value = value;
        }
    }

    /// Takes out all fields of this name.
    pub(crate) fn remove(&mut self, name: &[u8]) {
        self.remove_from(0, name);
    }

    fn remove_from(&mut self, place: usize, name: &[u8]) {
        let key = key(name);
        if self.list_for(key).len() <= place {
            return;
        }
        let mut list = std::mem::take(&mut self.list);
        let mut index = 0;
        list.retain(|field| {
            index += 1;
            index <= place || !self.is(field, key, name)
        });
        self.list = list;
    }

    /// A text of the same length as `bytes`. What lies in the text that came is not copied.
    fn keep(&mut self, bytes: &[u8]) -> Option<Span> {
        if let Some(start) = place_in(&self.text, bytes) {
            return Span::new(start, bytes.len());
        }
        let span = Span::new(self.text.len() + self.added.len(), bytes.len())?;
        self.added.extend_from_slice(bytes);
        Some(span)
    }

    #[inline]
    fn find<'n>(&'n self, name: &'n [u8]) -> impl Iterator<Item = &'n Field> {
        let key = key(name);
        let list = self.list_for(key).iter();
        list.filter(move |field| self.is(field, key, name))
    }

    /// The fields among which those of this key are.
    #[inline]
    fn list_for(&self, key: u32) -> &[Field] {
        if self.marks & mark(key) == 0 {
            return &[];
        }
        &self.list
    }

    fn is(&self, field: &Field, key: u32, name: &[u8]) -> bool {
        field.key == key && self.text(field.name).eq_ignore_ascii_case(name)
    }

    fn are_same(&self, one: &Field, other: &Field) -> bool {
        self.is(one, other.key, self.text(other.name))
    }

    fn text(&self, span: Span) -> &[u8] {
        let came = usize::try_from(span.start).is_ok_and(|start| start < self.text.len());
        if came {
            span.of(&self.text)
        } else {
            span.within(&self.added, self.text.len())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(list: &[(&str, &str)]) -> Fields {
        let mut fields = Fields::default();
        for (name, value) in list {
            fields.add(name.as_bytes(), value.as_bytes());
        }
        fields
    }

    fn written(fields: &Fields) -> String {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        let lines = fields
            .iter()
            .map(|(n, v)| format!("{}={}", text(n), text(v)));
        lines.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn names_keep_their_case_and_are_found_without() {
        let fields = fields(&[
            ("X-One", "1"),
            ("x-two", "2"),
            ("X-ONE", "3"),
            ("X-Oxe", ""),
        ]);
        assert_eq!(fields.get("x-one"), Some(&b"1"[..]));
        assert_eq!(fields.get("x-oxe"), Some(&b""[..]));
        assert_eq!(fields.get("x-on"), None);
        assert_eq!(fields.get(""), None);
        let all: Vec<_> = fields.get_all("X-one").collect();
        assert_eq!(all, [b"1", b"3"]);
        assert_eq!(fields.joined("x-one").as_deref(), Some(&b"1, 3"[..]));
        assert!(fields.contains(http::header::HeaderName::from_static("x-two")));
        assert!(fields.has_repeated());
        let names: Vec<_> = fields.names().collect();
        assert_eq!(names, [&b"X-One"[..], b"x-two", b"X-Oxe"]);
        assert_eq!(written(&fields), "X-One=1 x-two=2 X-ONE=3 X-Oxe=");
    }

    #[test]
    fn repeated_fields_are_joined_once() {
        let mut fields = fields(&[("A", "1"), ("b", "2"), ("a", "3")]);
        fields.join_repeated();
        fields.add(b"a", b"4");
        assert_eq!(written(&fields), "A=1, 3 b=2 a=4");
        assert!(!fields.has_repeated());
    }

    #[test]
    fn what_lies_in_the_text_is_not_copied() {
        let text = Bytes::from_static(b"..X-One.one..");
        let mut fields = Fields::with_capacity(text.clone(), 1);
        fields.add(&text[2..7], &text[8..11]);
        fields.add(b"X-Two", &text[8..8]);
        assert_eq!(written(&fields), "X-One=one X-Two=");
        assert_eq!(fields.added, b"X-Two");
        fields.set(b"x-one", b"1");
        assert_eq!(written(&fields), "X-One=1 X-Two=");
    }

    #[test]
    fn fields_can_be_changed() {
        let mut fields = fields(&[("A", "1"), ("b", "2"), ("a", "3"), ("c", "4")]);
        fields.set(b"a", b"five");
        assert_eq!(written(&fields), "A=five b=2 c=4");
        fields.remove(b"B");
        fields.set(b"D", b"6");
        assert_eq!(written(&fields), "A=five c=4 D=6");
        fields.append(b"d", b"7");
        fields.append(b"e", b"8");
        fields.add_behind(0, b"Y", b"0");
        fields.add_behind(1, b"Z", b"1");
        assert_eq!(written(&fields), "Y=0 Z=1 A=five c=4 D=6, 7 e=8");
        assert!(!fields.has_repeated());
    }
}

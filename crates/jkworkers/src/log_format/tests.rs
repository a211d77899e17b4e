use super::*;

fn tokens(text: &str) -> Vec<Token> {
    let format = LogFormat::httpd(text).unwrap();
    format.items().iter().map(|i| i.token.clone()).collect()
}

fn text(text: &str) -> Token {
    Token::Text(text.into())
}

#[test]
fn the_common_format() {
    let format = LogFormat::httpd(LogFormat::COMMON).unwrap();
    let found: Vec<_> = format.items().iter().map(|i| &i.token).collect();
    let time = Token::Time {
        end: false,
        form: TimeForm::Clf,
    };
    let (blank, quote) = (text(" "), text(" \""));
    let bytes = Token::BodyBytes(NoBytes::Dash);
    let expected = [
        &Token::RemoteHost,
        &blank,
        &Token::Logname,
        &blank,
        &Token::User,
        &blank,
        &time,
        &quote,
        &Token::RequestLine,
        &text("\" "),
        &Token::Status,
        &blank,
        &bytes,
    ];
    assert_eq!(found, expected);
    // The request line is that of the request as it came; `>` asks for the last status.
    assert!(format.items()[8].original);
    assert!(!format.items()[10].original);
}

#[test]
fn constant_text_as_httpd_reads_it() {
    assert_eq!(tokens(r"a\q\n\t\\b%%c\"), [text("a\\q\n\t\\b%c\\")]);
    assert_eq!(tokens(""), []);
    assert_eq!(tokens("%{bogus}p%{Bogus}T%{x}P"), [text("bogusBogusx")]);
}

#[test]
fn flags_come_in_any_order() {
    for written in [
        "%!200,304>{Referer}i",
        "%{Referer}!200,304i",
        "%200!304,{Referer}>i",
    ] {
        let format = LogFormat::httpd(written).unwrap();
        let [item] = format.items() else {
            panic!("{written}")
        };
        assert_eq!(item.token, Token::RequestHeader("Referer".into()));
        let statuses = item.statuses.as_ref().unwrap();
        assert!(statuses.allow(500) && !statuses.allow(304) && !statuses.allow(200));
    }
    let only = LogFormat::httpd("%404s").unwrap();
    let only = only.items()[0].statuses.clone().unwrap();
    assert!(only.allow(404) && !only.allow(200));
    assert!(LogFormat::httpd("%99999999999999s").is_ok());
    assert!(LogFormat::httpd("%<a").unwrap().items()[0].original);
    assert!(LogFormat::httpd("%s").unwrap().items()[0].original);
}

#[test]
fn every_argument() {
    for (written, expected) in [
        ("%{c}a", Token::ConnectionAddress),
        ("%{SID}C", Token::Cookie("SID".into())),
        ("%{X}e", Token::Variable("X".into())),
        ("%{JK_WORKER_NAME}n", Token::Note(Note::WorkerName)),
        (
            "%{jk_lb_last_state}n",
            Token::Note(Note::Last(MemberNote::State)),
        ),
        (
            "%{JK_LB_FIRST_TYPE}n",
            Token::OwnNote("JK_LB_FIRST_TYPE".into()),
        ),
        ("%{X}o", Token::ResponseHeader("X".into())),
        ("%{X}^ti", Token::RequestTrailer("X".into())),
        ("%{X}^to", Token::ResponseTrailer("X".into())),
        ("%^FB", Token::FirstByte),
        ("%{canonical}p", Token::ServerPort),
        ("%{LOCAL}p", Token::LocalPort),
        ("%{remote}p", Token::RemotePort),
        ("%{pid}P", Token::ProcessId),
        ("%{tid}P", Token::ThreadId { hex: false }),
        ("%{hextid}P", Token::ThreadId { hex: true }),
        ("%{ms}T", Token::Took(Unit::Milliseconds)),
        ("%{us}T", Token::Took(Unit::Microseconds)),
        ("%{s}T", Token::Took(Unit::Seconds)),
        ("%D", Token::Took(Unit::Microseconds)),
    ] {
        assert_eq!(tokens(written), [expected], "{written}");
    }
}

#[test]
fn every_time() {
    let time = |end, form| Token::Time { end, form };
    let strftime = |text: &str| TimeForm::Strftime(text.into());
    for (written, expected) in [
        ("%{sec}t", time(false, TimeForm::Since(Unit::Seconds))),
        (
            "%{end:msec}t",
            time(true, TimeForm::Since(Unit::Milliseconds)),
        ),
        (
            "%{begin:usec_frac}t",
            time(false, TimeForm::Fraction(Unit::Microseconds)),
        ),
        ("%{end:%H:%M}t", time(true, strftime("%H:%M"))),
        ("%{end:}t", time(true, TimeForm::Clf)),
        ("%{SSL_PROTOCOL}x", Token::Tls("SSL_PROTOCOL".into())),
    ] {
        assert_eq!(tokens(written), [expected], "{written}");
    }
}

#[test]
fn what_is_wrong_is_said_in_httpds_words() {
    for (written, expected) in [
        ("%y", "Unrecognized LogFormat directive %y"),
        ("%^zz", "Unrecognized LogFormat directive %^"),
        ("a %é", "Unrecognized LogFormat directive %é"),
        (
            "%{foo",
            "Ran off end of LogFormat parsing args to some directive",
        ),
        (
            "a%!200",
            "Ran off end of LogFormat parsing args to some directive",
        ),
    ] {
        let error = LogFormat::httpd(written).unwrap_err();
        assert_eq!(error.to_string(), expected, "{written}");
    }
}

#[test]
fn mod_jks_format_has_fewer_items_and_no_flags() {
    let format = LogFormat::mod_jk(r"%w %V %T %R\t%U").unwrap();
    let found: Vec<_> = format.items().iter().map(|i| i.token.clone()).collect();
    let expected = [
        Token::Note(Note::WorkerName),
        text(" "),
        Token::ServerName,
        text(" "),
        Token::Note(Note::Duration),
        text(" "),
        Token::Note(Note::WorkerRoute),
        text("\t"),
        Token::Path,
    ];
    assert_eq!(found, expected);
    for wrong in ["%%", "%a", "%{x}n", "%>s", "%"] {
        assert!(LogFormat::mod_jk(wrong).is_err(), "{wrong}");
    }
    assert_eq!(
        LogFormat::mod_jk("%b%B%H%m%p%q%r%s%v")
            .unwrap()
            .items()
            .len(),
        9
    );
}

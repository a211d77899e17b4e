//! Where each directive may stand: the same places as in httpd, but for those that the table names.

use std::{fs, path::PathBuf};

use jkworkers::{LoadOptions, load_with};

use super::{
    case::{Content, HERE, REWRITE, absolute},
    memory::Memory,
};

/// The places of the table, and what stands around a line there.
const PLACES: &[(&str, &str, &str)] = &[
    ("server", "", ""),
    ("vhost", "<VirtualHost *:80>\n", "</VirtualHost>\n"),
    ("directory", "<Directory /case/www>\n", "</Directory>\n"),
    (
        "directory-match",
        "<DirectoryMatch /w>\n",
        "</DirectoryMatch>\n",
    ),
    ("location", "<Location /x>\n", "</Location>\n"),
    (
        "location-match",
        "<LocationMatch /x>\n",
        "</LocationMatch>\n",
    ),
    ("files", "<Files x>\n", "</Files>\n"),
    ("files-match", "<FilesMatch x>\n", "</FilesMatch>\n"),
    ("if", "<If \"true\">\n", "</If>\n"),
    ("else", "<If \"true\">\n</If>\n<Else>\n", "</Else>\n"),
    (
        "limit",
        "<Location /x>\n<Limit POST>\n",
        "</Limit>\n</Location>\n",
    ),
];

/// One line of the table.
struct Row {
    line: String,
    httpd: Vec<&'static str>,
    /// As it is written.
    text: String,
}

#[test]
fn directives_stand_where_httpd_takes_them() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/contexts.txt");
    let table = fs::read_to_string(&path).unwrap();
    let (comments, rows): (Vec<_>, Vec<_>) = table.lines().partition(|l| l.starts_with("# "));
    assert!(rows.len() >= 200, "{} rows", rows.len());
    let rows = rows.into_iter().map(Row::read);
    let told: Vec<_> = rows.map(|row| (row.told(), row.text)).collect();
    if std::env::var_os(REWRITE).is_some() {
        let lines = comments.iter().map(|line| (*line).to_owned());
        let lines: Vec<_> = lines.chain(told.into_iter().map(|(new, _)| new)).collect();
        return fs::write(&path, lines.join("\n") + "\n").unwrap();
    }
    for (new, old) in told {
        assert_eq!(new, old);
    }
}

impl Row {
    fn read(text: &str) -> Self {
        let mut parts = text.split(" | ");
        let line = parts.next().unwrap().to_owned();
        let httpd = match parts.next().unwrap() {
            "anywhere" => PLACES.iter().map(|(place, ..)| *place).collect(),
            places => places.split(' ').map(known).collect(),
        };
        Self {
            line,
            httpd,
            text: text.to_owned(),
        }
    }

    /// The row as it is when jkd is asked.
    fn told(&self) -> String {
        let (mut not, mut also) = (Vec::new(), Vec::new());
        for (place, before, behind) in PLACES {
            match (self.httpd.contains(place), self.is_taken(before, behind)) {
                (true, false) => not.push(*place),
                (false, true) => also.push(*place),
                _ => {}
            }
        }
        let httpd = if self.httpd.len() == PLACES.len() {
            "anywhere".to_owned()
        } else {
            self.httpd.join(" ")
        };
        let mut told = vec![self.line.clone(), httpd];
        for (name, places) in [("not", not), ("also", also)] {
            if !places.is_empty() {
                told.push(format!("{name}: {}", places.join(" ")));
            }
        }
        told.join(" | ")
    }

    fn is_taken(&self, before: &str, behind: &str) -> bool {
        let conf = format!(
            "ServerRoot {HERE}\nListen 127.0.0.1:80\nJkWorkersFile workers.properties\n\
             {before}{}\n{behind}",
            self.line
        );
        let file = |name: &str, text: &str| (name.to_owned(), Content::Bytes(text.into()));
        let files = [
            file("jk.conf", &conf),
            file("umap.properties", "/y=w1\n"),
            file("ips", ""),
            file("map.txt", ""),
            file("/etc/mime.types", ""),
            file(
                "workers.properties",
                "worker.list=w1\nworker.w1.host=127.0.0.1\nworker.w1.port=8009\n",
            ),
        ];
        let options = LoadOptions {
            config: Some(absolute("jk.conf")),
            ..LoadOptions::default()
        };
        load_with(&options, &Memory::new(&files, &[]))
            .model
            .is_some()
    }
}

fn known(place: &str) -> &'static str {
    let mut places = PLACES.iter().map(|(known, ..)| *known);
    let known = places.find(|known| *known == place);
    known.unwrap_or_else(|| panic!("{place} is no place"))
}

use std::{fs, os::unix::fs::symlink, path::PathBuf};

use jkworkers::{LoadOptions, load, model::Model};
use tempfile::TempDir;

use super::*;
use crate::static_files::{Pointer, place::place};

/// A directory with files, and the model of a configuration for it; `@` is the directory.
struct Site {
    directory: TempDir,
    model: Model,
}

impl Site {
    #[allow(clippy::too_many_lines, reason = "a list of files")]
    fn new(conf: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        for path in ["www/sub", "www/WEB-INF", "www/open", "www/closed", "other"] {
            fs::create_dir_all(root.join(path)).unwrap();
        }
        for path in [
            "www/index.html",
            "www/a b.txt",
            "www/sub/x.txt",
            "www/WEB-INF/web.xml",
            "www/.htpasswd",
            "www/closed/.htaccess",
            "www/closed/x.txt",
            "other/o.txt",
        ] {
            fs::write(root.join(path), path).unwrap();
        }
        symlink("../other", root.join("www/out")).unwrap();
        symlink("index.html", root.join("www/link")).unwrap();
        symlink("WEB-INF", root.join("www/disguise")).unwrap();
        symlink(".htpasswd", root.join("www/passwords")).unwrap();
        symlink("loop", root.join("www/loop")).unwrap();
        symlink("/dev/null", root.join("www/device")).unwrap();
        symlink("../../other", root.join("www/open/far")).unwrap();
        let conf = conf.replace('@', root.to_str().unwrap());
        let file = root.join("jk.conf");
        fs::write(
            &file,
            format!(
                "JkWorkersFile w\nDocumentRoot {0}/www\n{conf}",
                root.display()
            ),
        )
        .unwrap();
        fs::write(root.join("w"), "worker.list=w\nworker.w.host=127.0.0.1\n").unwrap();
        let options = LoadOptions {
            config: Some(file),
            ..LoadOptions::default()
        };
        let loaded = load(&options);
        let model = loaded
            .model
            .unwrap_or_else(|| panic!("{}", loaded.diagnostics));
        Self { directory, model }
    }

    fn root(&self) -> PathBuf {
        self.directory.path().canonicalize().unwrap()
    }

    /// Whether the directory with a file of its own is closed.
    fn is_closed(&self) -> bool {
        match &*self.at("/closed/x.txt") {
            "closed www/closed/" => true,
            "file www/closed/x.txt" => false,
            other => panic!("{other}"),
        }
    }

    /// What is at a path, in a word, and where, relative to the directory.
    fn at(&self, path: &str) -> String {
        let host = &self.model.hosts[0];
        let place = match place(host, path.as_bytes(), &Pointer::default(), true) {
            Ok(place) => place,
            Err(stumble) => return format!("{stumble:?}"),
        };
        let walked = walk(host, path.as_bytes(), &place);
        let name = String::from_utf8(walked.name).unwrap();
        let root = format!("{}/", self.root().display());
        let name = name.strip_prefix(&root).unwrap_or(&name).to_owned();
        match walked.what {
            What::File(_) => format!("file {name}"),
            What::Behind { .. } => format!("behind {name}"),
            What::Directory => format!("directory {name}"),
            What::Nothing => format!("nothing {name}"),
            What::Closed => format!("closed {name}"),
            What::Broken(error) => format!("broken {name}: {error}"),
        }
    }
}

#[test]
fn files_are_found_and_nothing_else() {
    let site = Site::new(
        "Alias /al @/other\nScriptAlias /cgi/ @/other/\nAliasMatch ^/(.)(.)/(.*) @/www/$1$2/$3\n",
    );
    for (path, expected) in [
        ("/index.html", "file www/index.html"),
        ("/a b.txt", "file www/a b.txt"),
        ("/", "directory www/"),
        ("/sub", "directory www/sub/"),
        ("/sub/", "directory www/sub/"),
        ("/sub//x.txt", "file www/sub/x.txt"),
        ("/sub/none/deep", "nothing www/sub/none"),
        ("/index.html/", "behind www/index.html"),
        ("/index.html/x", "behind www/index.html"),
        ("/a\0b", "nothing /"),
        ("/.././x", "nothing www/.."),
        ("/../o.txt", "nothing www/.."),
        ("/al/o.txt", "file other/o.txt"),
        ("/al", "directory other/"),
        ("/cgi/o.txt", "file other/o.txt"),
        ("/out/o.txt", "file www/out/o.txt"),
        ("/link", "file www/link"),
        ("/disguise/web.xml", "nothing www/disguise/web.xml"),
        ("/passwords", "nothing www/passwords"),
        ("/loop", "nothing www/loop"),
        ("/device", "closed www/device"),
        ("/WEB-INF/web.xml", "Unmapped"),
        ("/sub/Meta-Inf/x", "Unmapped"),
        ("/.htpasswd", "HiddenFile"),
        ("*", "Unmapped"),
    ] {
        assert_eq!(site.at(path), expected, "{path}");
    }
    let long = format!("/{}", "x".repeat(5000));
    assert!(site.at(&long).starts_with("closed www/xxx"));
}

#[test]
fn links_are_followed_where_options_say_so() {
    let site = Site::new(
        "<Directory @/www>\nOptions None\n</Directory>\n\
         <Directory @/www/open>\nOptions +FollowSymLinks\n</Directory>\n",
    );
    assert_eq!(site.at("/link"), "closed www/link");
    assert_eq!(site.at("/out/o.txt"), "closed www/out");
    assert_eq!(site.at("/open/far/o.txt"), "file www/open/far/o.txt");
    let site = Site::new("<Directory @/www>\nOptions SymLinksIfOwnerMatch\n</Directory>\n");
    assert_eq!(site.at("/link"), "file www/link");
}

#[test]
fn a_directory_whose_file_may_say_more_is_closed() {
    for (lines, is_closed) in [
        // httpd reads it, and takes what it says for an error: nothing was allowed.
        ("", true),
        ("AllowOverride None", false),
        ("AllowOverride All", true),
        ("AllowOverride Limit None", false),
        ("AllowOverride None FileInfo", true),
        ("AllowOverride Nonfatal=All", false),
        ("AllowOverride Options=None", true),
        ("AllowOverride All\nAllowOverride None", false),
    ] {
        let site = Site::new(&format!("<Directory @/www>\n{lines}\n</Directory>\n"));
        assert_eq!(site.is_closed(), is_closed, "{lines}");
        assert_eq!(site.at("/sub/x.txt"), "file www/sub/x.txt", "{lines}");
    }
    let site = Site::new("<Directory @/www/sub>\nAllowOverride None\n</Directory>\n");
    assert!(site.is_closed());
    let site = Site::new(
        "AccessFileName acl\n<Directory @/www/closed>\nAllowOverride Limit\n</Directory>\n",
    );
    assert!(!site.is_closed());
}

#[test]
fn lists_of_what_files_may_say_are_inherited_by_themselves() {
    for (outer, inner, is_closed) in [
        ("AllowOverride None\nAllowOverrideList Redirect", "", true),
        ("AllowOverrideList Redirect\nAllowOverride None", "", true),
        ("AllowOverrideList Redirect", "AllowOverride None", true),
        (
            "AllowOverride None\nAllowOverrideList Redirect",
            "AllowOverrideList None",
            false,
        ),
        ("AllowOverrideList None", "AllowOverride FileInfo", true),
        ("AllowOverride FileInfo", "AllowOverrideList None", true),
        (
            "AllowOverride None\nAllowOverrideList Redirect\nAllowOverrideList None",
            "",
            false,
        ),
    ] {
        let site = Site::new(&format!(
            "<Directory @/www>\n{outer}\n</Directory>\n\
             <Directory @/www/closed>\n{inner}\n</Directory>\n"
        ));
        assert_eq!(site.is_closed(), is_closed, "{outer} {inner}");
    }
}

#[test]
fn applications_keep_their_links() {
    let site = Site::new("JkAutoAlias @\n");
    assert_eq!(site.at("/www/index.html"), "file www/index.html");
    assert_eq!(site.at("/www/out/o.txt"), "file www/out/o.txt");
    let inside = Site::new("JkAutoAlias @/www\n");
    let root = inside.root();
    fs::write(root.join("secret"), "x").unwrap();
    symlink("../../secret", root.join("www/sub/outside")).unwrap();
    assert_eq!(inside.at("/sub/outside"), "nothing www/sub/outside");
    assert_eq!(inside.at("/sub/x.txt"), "file www/sub/x.txt");
    // No application: a file of DocumentRoot.
    assert_eq!(inside.at("/index.html"), "file www/index.html");
    assert_eq!(inside.at("/app.war"), "HiddenFile");
}

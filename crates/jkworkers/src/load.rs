//! The only part that touches files: from options to a model.

mod listen;
mod mounts;
mod secrets;
mod served;
mod tls;

use std::{
    collections::HashMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    built_in,
    diag::{Diagnostics, Origin},
    files::{
        self, Files, System,
        envvars::{Envvars, WithEnvvars},
    },
    hosts::{self, Own},
    httpd::{self, Draft},
    model::{Global, LogPlace, LogTarget, MimeTypes, Model},
    workers_properties::{self, Source, Workers},
};

/// What to load. Everything is optional; the flags alone make a server, too.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// The configuration in httpd's syntax. Relative paths in it start at its `ServerRoot`, or at
    /// its own directory when it names none.
    pub config: Option<PathBuf>,
    /// `workers.properties`, instead of what `JkWorkersFile` names.
    pub workers: Option<PathBuf>,
    /// Rules for the main server, `PATTERN=WORKER`, as in a uriworkermap file.
    pub mounts: Vec<String>,
    /// uriworkermap files for the main server.
    pub mount_files: Vec<PathBuf>,
    /// `[ADDRESS:]PORT`, instead of all `Listen` directives. Without any, 127.0.0.1:8080. With
    /// `=NUMBER` behind it, it is used for connections that the files mean by that port.
    pub listen: Vec<String>,
    /// Addresses of sockets that are open already, by socket activation. They are served where
    /// nothing says on which addresses to listen.
    pub passed: Vec<SocketAddr>,
    /// What `<IfDefine>` and `${…}` find defined: `NAME` or `NAME=VALUE`.
    pub defines: Vec<String>,
}

/// What loading gives.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The model, if there was no error.
    pub model: Option<Model>,
    /// All findings of all files, in reading order.
    pub diagnostics: Diagnostics,
}

/// Loads from the machine's files.
pub fn load(options: &LoadOptions) -> Loaded {
    load_with(options, &System)
}

/// Loads from any files.
pub fn load_with(options: &LoadOptions, files: &dyn Files) -> Loaded {
    let server_root = base(options.config.as_deref());
    let envvars = options
        .config
        .as_ref()
        .and_then(|_| Envvars::read(&server_root, files));
    let files = WithEnvvars { files, envvars };
    let mut loader = Loader {
        options,
        files: &files,
        server_root,
        read: Vec::new(),
        found: Diagnostics::default(),
    };
    let model = loader.model();
    let valid = !loader.found.has_errors();
    loader.sort_findings();
    loader.found.dedup();
    Loaded {
        model: model.filter(|_| valid),
        diagnostics: loader.found,
    }
}

struct Loader<'a> {
    options: &'a LoadOptions,
    files: &'a dyn Files,
    server_root: PathBuf,
    read: Vec<PathBuf>,
    found: Diagnostics,
}

impl Loader<'_> {
    fn model(&mut self) -> Option<Model> {
        let mut draft = self.draft();
        self.read_proxy_lists(&mut draft);
        if self.options.config.is_some() && self.read.is_empty() {
            // The error about the file says it all.
            return None;
        }
        self.warn_of_missing_files(&draft);
        let listen = self.listen(&draft);
        hosts::warn_of_unreachable(&draft, &listen, &mut self.found);
        let mut workers = self.workers(&draft);
        let mut own: Vec<_> = draft
            .servers
            .iter()
            .map(|server| self.own(server))
            .collect();
        let mut flags = self.flag_mounts();
        let rules = || own.iter().flat_map(Own::mounts).chain(&flags);
        let has_rules = rules().next().is_some();
        let workers = workers.as_mut()?;
        self.read_secrets(workers);
        let is_mounted = has_rules || !workers.mounts.is_empty();
        built_in::add(rules(), workers, &mut self.found);
        hosts::check_workers(rules(), workers, &mut self.found);
        let rules = own.iter_mut().flat_map(Own::mounts_mut).chain(&mut flags);
        crate::mounts::resolve(rules, &workers.workers, &mut self.found);
        let more: Vec<_> = flags
            .iter()
            .cloned()
            .chain(self.definitions(workers))
            .collect();
        let types = self.types(&draft);
        let mut hosts = hosts::build(&draft, &own, &more, &self.options.mount_files);
        self.read_certificates(&mut hosts);
        hosts::warn_of_missing_mounts(is_mounted, &hosts, &mut self.found);
        Some(Model {
            hosts,
            listen,
            workers: std::mem::take(&mut workers.workers),
            global: global(&draft, workers, types),
            files: self.read.clone(),
        })
    }

    /// File by file in reading order, each by lines; what is about flags comes first.
    fn sort_findings(&mut self) {
        let mut places = HashMap::new();
        for (place, path) in self.read.iter().enumerate() {
            places.entry(path.display().to_string()).or_insert(place);
        }
        let key = |origin: &Origin| {
            // Lines of a macro are where it is used.
            let (file, line) = httpd::used_at(origin).unwrap_or((&origin.file, origin.line));
            (places.get(file).copied(), line)
        };
        self.found.sort_by_key(key);
    }

    fn draft(&mut self) -> Draft {
        let Some(path) = &self.options.config else {
            return Draft::new(&Origin::new("command line", 0));
        };
        let tree = httpd::read(path, &self.server_root, &self.options.defines, self.files);
        self.found.append(tree.diagnostics);
        self.read.extend(tree.files);
        self.server_root = tree.server_root;
        let origin = Origin::new(path.display().to_string(), 0);
        let env = |name: &str| self.files.env(name);
        let (mut draft, found) = httpd::apply(&tree.nodes, &self.server_root, &origin, &env);
        self.found.append(found);
        self.default_log(&mut draft, &origin);
        draft
    }

    /// `RemoteIPTrustedProxyList` and `RemoteIPInternalProxyList`.
    fn read_proxy_lists(&mut self, draft: &mut Draft) {
        let help = "Create the file, or correct its path (relative ones start at ServerRoot).";
        for server in &mut draft.servers {
            for (path, internal, origin) in std::mem::take(&mut server.remote_ip.lists) {
                let Some(bytes) = self.file(&path, &origin, help) else {
                    continue;
                };
                let (name, text) = (path.display().to_string(), String::from_utf8_lossy(&bytes));
                let proxies = httpd::read_list((&name, &text), internal, &mut self.found);
                server.remote_ip.proxies.extend(proxies);
            }
        }
    }

    /// `logs/mod_jk.log`, as with mod_jk; where it could not start, because there is no such directory,
    /// lines go to the `ErrorLog`.
    fn default_log(&self, draft: &mut Draft, origin: &Origin) {
        let Some(main) = draft.servers.first_mut() else {
            return;
        };
        let directory = self.server_root.join("logs");
        if main.logs.jk_file.is_none() && self.files.exists(&directory) {
            main.logs.jk_file = Some(LogPlace {
                to: LogTarget::File(directory.join("mod_jk.log")),
                origin: origin.clone(),
            });
        }
    }

    /// `None` when the file cannot be read: then nothing is known about workers.
    fn workers(&mut self, draft: &Draft) -> Option<Workers> {
        let written = draft
            .workers_file
            .as_ref()
            .map(|(path, origin)| (path, origin.clone()));
        let flag = self.options.workers.as_ref();
        let flag = flag.map(|path| (path, Origin::new("--workers", 0)));
        let mut sources = Vec::new();
        if let Some((path, origin)) = flag.or(written) {
            let help = "Create the file, or correct the path in JkWorkersFile (relative ones start \
                        at ServerRoot, else at the first file's directory).";
            sources.push((path.display().to_string(), self.file(path, &origin, help)?));
        }
        let nothing = sources.is_empty() && draft.properties.is_empty();
        let sources: Vec<_> = sources
            .iter()
            .map(|(name, bytes)| Source { name, bytes })
            .collect();
        let root = self.server_root.display().to_string();
        let files = self.files;
        let mut workers =
            workers_properties::read(&sources, &draft.properties, &root, &|name| files.env(name));
        let found = std::mem::take(&mut workers.diagnostics);
        if nothing {
            self.warn_of_no_workers(draft);
        } else {
            self.found.append(found);
        }
        Some(workers)
    }

    fn warn_of_no_workers(&mut self, draft: &Draft) {
        if let Some(main) = draft.servers.first() {
            let message = "no JkWorkersFile: the only worker is one called `ajp13`, localhost:8009";
            self.found
                .warning(&main.origin, message)
                .help("Write `JkWorkersFile FILE`, or start with --workers FILE.");
        }
    }

    /// Files that are read at each request may come later; most often their names are wrong.
    fn warn_of_missing_files(&mut self, draft: &Draft) {
        for (name, path, origin) in &draft.needed {
            if self.files.exists(path) {
                continue;
            }
            let path = path.display();
            if *name == "RewriteMap" {
                let message = format!("RewriteMap: there is no file {path}");
                let help = "Create the file, or correct its path.";
                self.found.error(origin, message).help(help);
            } else {
                let message = format!("{name} {path}: there is no such file, nobody can come in");
                let help = "Create the file with htpasswd, or correct its path (relative ones start \
                            at ServerRoot, else at the first file's directory).";
                self.found.warning(origin, message).help(help);
            }
        }
    }

    fn file(&mut self, path: &Path, origin: &Origin, help: &str) -> Option<Vec<u8>> {
        match self.files.read(path) {
            Ok(bytes) => {
                self.read.push(path.to_owned());
                Some(bytes)
            }
            Err(error) => {
                let message = format!("cannot read {}: {}", path.display(), files::reason(&error));
                let help = files::remedy(&error).unwrap_or(help);
                self.found.error(origin, message).help(help);
                None
            }
        }
    }
}

fn global(draft: &Draft, workers: &Workers, types: Arc<MimeTypes>) -> Global {
    Global {
        types,
        maintain: workers.maintain,
        resolve_interval: workers.resolve_interval,
        reload: draft.reload,
        require_secret: draft.require_secret,
        account: draft.account.clone(),
        connections: draft.connections,
        properties: workers.properties.as_slice().into(),
        ..Global::default()
    }
}

/// The directory of the configuration file.
fn base(config: Option<&Path>) -> PathBuf {
    let directory = config.and_then(Path::parent);
    let directory = directory.filter(|d| !d.as_os_str().is_empty());
    directory.unwrap_or_else(|| Path::new(".")).to_owned()
}

#[cfg(test)]
mod choices;
#[cfg(test)]
mod clients;
#[cfg(test)]
mod copies;
#[cfg(test)]
mod findings;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod logs;
#[cfg(test)]
pub(crate) mod memory;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod variables;
#[cfg(test)]
mod vectors;
#[cfg(test)]
mod virtual_hosts;

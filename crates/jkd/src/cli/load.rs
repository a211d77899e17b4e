//! The options that say where the configuration is.

use std::{path::PathBuf, process::ExitCode};

use jkworkers::{LoadOptions, model::Model};

use super::{INVALID, findings};

/// Where the configuration is: a file in httpd's syntax, options that say the same, or both.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Sources {
    /// Configuration in httpd's syntax: Listen, VirtualHost, Jk* directives (an existing jk.conf)
    #[arg(short = 'f', long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address to accept HTTP on, instead of all Listen lines: 127.0.0.1:8080, [::1]:8080, or a port
    /// alone; with =80 behind it, it stands for port 80 of the files; may be repeated
    #[arg(short, long, value_name = "ADDR[=PORT]")]
    listen: Vec<String>,
    /// workers.properties, as JkWorkersFile names it
    #[arg(long, value_name = "FILE")]
    workers: Option<PathBuf>,
    /// URI pattern and worker, as JkMount has them: '/*=lb'; may be repeated
    #[arg(long, value_name = "URI=WORKER")]
    mount: Vec<String>,
    /// uriworkermap.properties, as JkMountFile names it; may be repeated
    #[arg(long, value_name = "FILE")]
    mount_file: Vec<PathBuf>,
    /// Define a name for <IfDefine> and ${NAME}, as httpd's own -D; may be repeated
    #[arg(short = 'D', long = "define", value_name = "NAME[=VALUE]")]
    defines: Vec<String>,
}

impl Sources {
    /// The same in the terms of the reader.
    pub(super) fn into_load_options(self) -> LoadOptions {
        LoadOptions {
            config: self.config,
            workers: self.workers,
            mounts: self.mount,
            mount_files: self.mount_file,
            listen: self.listen,
            passed: Vec::new(),
            defines: self.defines,
        }
    }

    /// The model, for commands that only look at it. What is wrong goes to standard error.
    pub(super) fn load(self) -> Result<Model, ExitCode> {
        let loaded = jkworkers::load(&self.into_load_options());
        loaded.model.ok_or_else(|| {
            // There is nobody to tell when standard error is closed.
            let _ = findings::print(&loaded.diagnostics, &mut std::io::stderr().lock());
            ExitCode::from(INVALID)
        })
    }
}

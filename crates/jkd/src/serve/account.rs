//! Who the threads are that serve clients: `User` and `Group`.
//!
//! As in httpd, where it is started as root: what listens, reads the configuration and opens logs
//! remains root, so that a reload can do the same; what reads requests, files and answers is somebody
//! else. Here both are threads of one process, and each thread has an account of its own in Linux.

use std::{io, sync::Arc};

use jkworkers::{diag::Origin, model};
use nix::unistd::{Gid, Group, Uid, User, getgrouplist};
use rustix::{
    process::{DumpableBehavior, geteuid, set_dumpable_behavior},
    thread::{set_no_new_privs, set_thread_gid, set_thread_groups, set_thread_uid},
};

/// An account that is not root's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    uid: u32,
    gid: u32,
    groups: Vec<u32>,
}

/// Why nobody can be found who serves.
#[derive(Debug, thiserror::Error)]
#[error("{at}: {problem}")]
pub struct AccountError {
    at: Origin,
    problem: String,
}

/// A name, and where it is written.
type Written = Option<(Arc<str>, Origin)>;

impl Account {
    /// Who serves: `None` where there is nobody to change to, because the process is not root's, or
    /// because nothing is written.
    pub(super) fn of(written: &model::Account) -> Result<Option<Self>, AccountError> {
        if !geteuid().is_root() {
            return Ok(None);
        }
        let Some(user) = user(&written.user)? else {
            tracing::warn!(
                "clients are served by root: write User and Group, or start jkd as another user"
            );
            return Ok(None);
        };
        let gid = group(&written.group)?.unwrap_or(user.gid);
        Ok(Some(Self {
            uid: user.uid.as_raw(),
            gid: gid.as_raw(),
            groups: groups(&user, gid),
        }))
    }

    /// Turns this thread, and those that it will start, into threads of the account.
    pub(super) fn take(&self) -> io::Result<()> {
        use rustix::fs::{Gid, Uid};
        if geteuid().as_raw() == self.uid {
            return Ok(()); // a thread that one of the account has started
        }
        let groups = self.groups.iter().map(|gid| Gid::from_raw(*gid));
        set_thread_groups(&groups.collect::<Vec<_>>())?;
        set_thread_gid(Gid::from_raw(self.gid))?;
        set_thread_uid(Uid::from_raw(self.uid))?;
        Ok(())
    }
}

/// Lets nobody here become more than he is, nor any program that gets logs: to be said before there
/// are threads.
pub(super) fn gain_nothing() {
    // Where the system does not let us, nothing else is worse.
    let _ = set_no_new_privs(true);
}

/// Keeps what is in memory out of dumps: secrets and keys are there.
pub(super) fn keep_out_of_dumps() {
    // Where the system does not let us, nothing else is worse.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

fn user(written: &Written) -> Result<Option<User>, AccountError> {
    let Some((name, origin)) = written else {
        return Ok(None);
    };
    let problem = |problem: String| AccountError {
        at: origin.clone(),
        problem,
    };
    let found = match name.strip_prefix('#').map(str::parse) {
        Some(Ok(number)) => User::from_uid(Uid::from_raw(number)),
        Some(Err(_)) => Ok(None),
        None => User::from_name(name),
    };
    let found = found.map_err(|error| problem(format!("User {name}: {error}")))?;
    let Some(user) = found else {
        return Err(problem(format!("User {name}: there is no such user")));
    };
    if user.uid.is_root() {
        let text = "jkd does not serve clients as root: name another user, as httpd wants it, too";
        return Err(problem(format!("User {name}: {text}")));
    }
    Ok(Some(user))
}

fn group(written: &Written) -> Result<Option<Gid>, AccountError> {
    let Some((name, origin)) = written else {
        return Ok(None);
    };
    let found = match name.strip_prefix('#').map(str::parse) {
        Some(Ok(number)) => return Ok(Some(Gid::from_raw(number))),
        Some(Err(_)) => Ok(None),
        None => Group::from_name(name),
    };
    let at = origin.clone();
    match found {
        Ok(Some(group)) => Ok(Some(group.gid)),
        Ok(None) => Err(AccountError {
            at,
            problem: format!("Group {name}: there is no such group"),
        }),
        Err(error) => Err(AccountError {
            at,
            problem: format!("Group {name}: {error}"),
        }),
    }
}

/// All groups of a user, as httpd has it.
fn groups(user: &User, gid: Gid) -> Vec<u32> {
    let name = std::ffi::CString::new(user.name.as_str()).unwrap_or_default();
    let all = getgrouplist(&name, gid).unwrap_or_else(|_| vec![gid]);
    all.into_iter().map(Gid::as_raw).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The user of this name.
    fn named(name: &str) -> Result<Option<User>, AccountError> {
        user(&Some((name.into(), Origin::new("httpd.conf", 7))))
    }

    /// The group of this name.
    fn group_named(name: &str) -> Result<Option<Gid>, AccountError> {
        group(&Some((name.into(), Origin::new("httpd.conf", 7))))
    }

    #[test]
    fn users_and_groups_have_names_and_numbers() {
        assert_eq!(user(&None).unwrap(), None);
        let nobody = named("nobody").unwrap().unwrap();
        let number = format!("#{}", nobody.uid);
        assert_eq!(named(&number).unwrap().unwrap().name, "nobody");
        assert_eq!(group_named("#12").unwrap().map(Gid::as_raw), Some(12));
        assert!(groups(&nobody, Gid::from_raw(12)).contains(&12));
    }

    #[test]
    fn root_serves_nobody() {
        for (name, problem) in [
            (
                "root",
                "httpd.conf:7: User root: jkd does not serve clients as root",
            ),
            ("#0", "httpd.conf:7: User #0: jkd does not serve"),
            (
                "no-such-user",
                "httpd.conf:7: User no-such-user: there is no such user",
            ),
            ("#x", "httpd.conf:7: User #x: there is no such user"),
        ] {
            let told = named(name).unwrap_err().to_string();
            assert!(told.starts_with(problem), "{told}");
        }
        let told = group_named("no-such-group").unwrap_err().to_string();
        assert_eq!(
            told,
            "httpd.conf:7: Group no-such-group: there is no such group"
        );
    }
}

//! Findings of the readers as an operator reads them.

use std::io::{self, Write};

use jkworkers::diag::Diagnostics;

/// One block per finding, then how many there are.
pub(super) fn print(findings: &Diagnostics, out: &mut impl Write) -> io::Result<()> {
    write!(out, "{findings}")?;
    writeln!(out, "{}", findings.summary())
}

#[cfg(test)]
mod tests {
    use jkworkers::diag::Origin;

    use super::*;

    #[test]
    fn a_finding_names_place_and_remedy() {
        let mut findings = Diagnostics::default();
        let at = Origin::new("jk.conf", 7);
        findings
            .error(&at, "no worker 'lbb'")
            .help("the workers are: lb");
        findings.warning(&at, "blank");
        let mut out = Vec::new();
        print(&findings, &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "jk.conf:7: error: no worker 'lbb'\n    remedy: the workers are: lb\n\
             jk.conf:7: warning: blank\n1 error, 1 warning\n"
        );
    }
}

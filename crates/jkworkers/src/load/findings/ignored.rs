//! What is ignored and must not be lost.

use super::*;

#[test]
fn protected_files() {
    let sections = "
<Directory />
  Require all denied
</Directory>
<Directory /srv/webapps>
  Require all granted
</Directory>
<Directory /srv/webapps/shop>
  Require ip 10.0.0.0/8
</Directory>
<Directory /srv>
  Order allow,deny
</Directory>
<Directory /usr/share>
  Require all denied
</Directory>
<Directory /srv/web*>
  Order allow,deny
  Allow from all
</Directory>
<FilesMatch \"^\\.ht\">
  Require all denied
</FilesMatch>
<Files *.bak>
  Deny from all
</Files>
";
    assert!(!body(sections).contains("error"));
    assert_snapshot!(body(&format!("JkAutoAlias /srv/webapps{sections}")), @r"
    jk.conf:12: error: <Directory /srv/webapps/shop> is about files that JkAutoAlias serves, and is ignored here
        remedy: Write access rules and SetHandler into a <Location>, AllowOverride None into the section, or remove JkAutoAlias.
    jk.conf:15: error: <Directory /srv> is about files that JkAutoAlias serves, and is ignored here
        remedy: Write access rules and SetHandler into a <Location>, AllowOverride None into the section, or remove JkAutoAlias.
    jk.conf:28: error: <Files *.bak> is about files that JkAutoAlias serves, and is ignored here
        remedy: Write access rules and SetHandler into a <Location>, AllowOverride None into the section, or remove JkAutoAlias.
    ");
}

#[test]
fn files_for_handlers() {
    let sections = "
<FilesMatch \"\\.jsp$\">
  SetHandler jakarta-servlet
</FilesMatch>
<Directory /srv/webapps>
  AllowOverride All
</Directory>
<Directory /srv/webapps/open>
  AllowOverride None
  SetHandler None
</Directory>
AddHandler cgi-script .cgi
";
    assert!(!body(sections).contains("error"));
    assert_snapshot!(body(&format!("JkAutoAlias /srv/webapps{sections}")), @r#"
    jk.conf:6: error: <FilesMatch "\.jsp$"> is about files that JkAutoAlias serves, and is ignored here
        remedy: Write access rules and SetHandler into a <Location>, AllowOverride None into the section, or remove JkAutoAlias.
    jk.conf:9: error: <Directory /srv/webapps> is about files that JkAutoAlias serves, and is ignored here
        remedy: Write access rules and SetHandler into a <Location>, AllowOverride None into the section, or remove JkAutoAlias.
    jk.conf:10: warning: AllowOverride means nothing here and is ignored
    jk.conf:16: warning: AddHandler means nothing here and is ignored
    jk.conf:16: error: AddHandler cgi-script .cgi is about files that JkAutoAlias serves, and is ignored here
        remedy: Write access rules and SetHandler into a <Location>, AllowOverride None into the section, or remove JkAutoAlias.
    "#);
}

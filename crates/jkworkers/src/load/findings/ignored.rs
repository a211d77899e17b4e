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
    // They are in effect.
    assert!(!body(&format!("JkAutoAlias /srv/webapps{sections}")).contains("error"));
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
    assert_snapshot!(body(&format!("JkAutoAlias /srv/webapps{sections}")), @r"
    jk.conf:10: warning: AllowOverride is not in effect: directories with a file that it allows are answered with 403
    jk.conf:16: warning: there is no handler cgi-script here: files of its extensions (.cgi) are answered with 404
        remedy: Remove the line where the files may be sent as they are.
    ");
}

#[test]
fn files_in_directories_are_for_directories_only() {
    let lines = "
<Directory /a>
  AllowOverrideList None Redirect
  AllowOverrideList redirect
</Directory>
<DirectoryMatch /b>
  AllowOverride All
</DirectoryMatch>
<Directory ~ /c>
  AllowOverrideList None
</Directory>
<Files d>
  AllowOverride None
</Files>
<If true>
  AllowOverride All
</If>
<VirtualHost *>
  AllowOverride All
</VirtualHost>
";
    assert_snapshot!(body(lines), @r#"
    jk.conf:7: error: 'None' not allowed with other directives in AllowOverrideList
        remedy: Write None alone.
    jk.conf:8: warning: AllowOverrideList is not in effect: directories with a file that it allows are answered with 403
    jk.conf:11: warning: AllowOverride has no effect inside <DirectoryMatch /b>
    jk.conf:14: warning: AllowOverrideList has no effect inside <DirectoryMatch /c>
    jk.conf:17: warning: AllowOverride has no effect inside <Files d>
    jk.conf:20: warning: AllowOverride has no effect inside <If "true">
    jk.conf:23: error: AllowOverride not allowed here
        remedy: Write it inside a <Directory>.
    "#);
}

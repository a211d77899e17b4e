//! One Tomcat for all cases, with a connector for each setting that matters.

use std::{fs, net::SocketAddr, path::Path, process::Command, sync::LazyLock};

use jkd_tests::{Tomcat, tomcat_home};

/// A connector of the lab, by what is special about it.
#[derive(Clone, Copy, Debug)]
pub enum Connector {
    /// Nothing, but it takes attributes named `MYATTRIBUTE…`.
    Plain,
    /// `secret="RIGHTSECRET"`.
    Secret,
    /// `packetSize="16000"`.
    Middle,
    /// `packetSize="65536"`.
    Large,
    /// `tomcatAuthentication="false"`.
    Trusting,
    /// `tomcatAuthorization="true"`.
    Authorizing,
    /// `enableLookups="true"`.
    Lookups,
    /// Refuses all attributes that it does not know.
    Strict,
    /// `connectionTimeout="2000" keepAliveTimeout="1000"`.
    Hasty,
    /// `maxThreads="2"`.
    Small,
    /// `encodedSolidusHandling="passthrough"`.
    Solidus,
    /// Needs a secret, has none: accepts connections and never serves them.
    Mute,
}

const ATTRIBUTES: [(Connector, &str); 12] = [
    (
        Connector::Plain,
        r#"secretRequired="false" allowedRequestAttributesPattern="MYATTRIBUTE.*""#,
    ),
    (Connector::Secret, r#"secret="RIGHTSECRET""#),
    (
        Connector::Middle,
        r#"secretRequired="false" packetSize="16000""#,
    ),
    (
        Connector::Large,
        r#"secretRequired="false" packetSize="65536""#,
    ),
    (
        Connector::Trusting,
        r#"secretRequired="false" tomcatAuthentication="false""#,
    ),
    (
        Connector::Authorizing,
        r#"secretRequired="false" tomcatAuthorization="true""#,
    ),
    (
        Connector::Lookups,
        r#"secretRequired="false" enableLookups="true""#,
    ),
    (Connector::Strict, r#"secretRequired="false""#),
    (
        Connector::Hasty,
        r#"secretRequired="false" connectionTimeout="2000" keepAliveTimeout="1000""#,
    ),
    (
        Connector::Small,
        r#"secretRequired="false" maxThreads="2" minSpareThreads="1""#,
    ),
    (
        Connector::Solidus,
        r#"secretRequired="false" encodedSolidusHandling="passthrough""#,
    ),
    (Connector::Mute, ""),
];

const WEB_XML: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="6.0">
  <servlet><servlet-name>lab</servlet-name><servlet-class>Lab</servlet-class><async-supported>true</async-supported></servlet>
  <servlet-mapping><servlet-name>lab</servlet-name><url-pattern>/*</url-pattern></servlet-mapping>
  <security-constraint>
    <web-resource-collection><web-resource-name>guarded</web-resource-name><url-pattern>/snoop/guarded</url-pattern></web-resource-collection>
    <auth-constraint><role-name>member</role-name></auth-constraint>
  </security-constraint>
  <login-config><auth-method>BASIC</auth-method></login-config>
  <security-role><role-name>member</role-name></security-role>
</web-app>
"#;

/// Who has the role that the guarded page asks for.
const USERS: &str =
    r#"<tomcat-users><user username="alice" password="unused" roles="member"/></tomcat-users>"#;

/// Sends sessions that a disabled member does not know to another one.
const DRAINING: &str =
    r#"<Valve className="org.apache.catalina.valves.LoadBalancerDrainingValve"/>"#;

static LAB: LazyLock<Tomcat> = LazyLock::new(|| {
    let application = tempfile::tempdir().expect("a temporary directory").keep();
    let classes = application.join("WEB-INF/classes");
    fs::create_dir_all(&classes).expect("a directory");
    fs::write(application.join("WEB-INF/web.xml"), WEB_XML).expect("a file");
    fs::write(classes.join("Lab.java"), include_str!("Lab.java")).expect("a file");
    compile(&classes);
    let users = application.join("WEB-INF/users.xml");
    fs::write(&users, USERS).expect("a file");
    let realm = format!(
        r#"<Realm className="org.apache.catalina.realm.MemoryRealm" pathname="{}"/>"#,
        users.display()
    );
    ATTRIBUTES
        .iter()
        .fold(Tomcat::builder("lab"), |builder, (_, attributes)| {
            builder.connector(attributes)
        })
        .application_with("lab", &application, &realm)
        .application_with("draining", &application, DRAINING)
        .start()
});

/// Where a connector listens. Starts the Tomcat when it is asked first.
pub fn address(connector: Connector) -> SocketAddr {
    LAB.ajp[connector as usize]
}

/// Tomcat's own compiler for JSPs compiles the servlet, so that no JDK is needed.
fn compile(classes: &Path) {
    let jars = [
        "/usr/share/java/eclipse-jdt-core.jar".into(),
        tomcat_home().join("lib/ecj.jar"),
    ]
    .into_iter()
    .chain(jars_of(&tomcat_home().join("lib")))
    .map(|jar| jar.display().to_string())
    .collect::<Vec<_>>()
    .join(":");
    let output = Command::new("java")
        .args(["-cp", &jars, "org.eclipse.jdt.internal.compiler.batch.Main"])
        .args(["-17", "-proc:none", "-nowarn", "-classpath", &jars])
        .args(["-d", &classes.display().to_string()])
        .arg(classes.join("Lab.java"))
        .output()
        .expect("java runs: tests/run installs it");
    assert!(
        classes.join("Lab.class").exists(),
        "the servlet does not compile: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn jars_of(directory: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(directory).expect("Tomcat's lib directory: tests/run installs it");
    entries.flatten().map(|entry| entry.path()).collect()
}

//! The protocol library against a real Tomcat 10: the cases of Tomcat's own AJP tests, and those
//! in which clients of AJP have gone wrong before.

#[path = "tomcat/body.rs"]
mod body;
#[path = "tomcat/client.rs"]
mod client;
#[path = "tomcat/fields.rs"]
mod fields;
#[path = "tomcat/lab.rs"]
mod lab;
#[path = "tomcat/paths.rs"]
mod paths;
#[path = "tomcat/peer.rs"]
mod peer;
#[path = "tomcat/response.rs"]
mod response;
#[path = "tomcat/secret.rs"]
mod secret;
#[path = "tomcat/trouble.rs"]
mod trouble;

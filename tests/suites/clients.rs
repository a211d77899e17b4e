//! The library's server side behind the AJP13 clients of the field: Apache with mod_jk and with
//! mod_proxy_ajp, and the Python library AJPy.

#[path = "clients/ajpy.rs"]
mod ajpy;
#[path = "clients/apache.rs"]
mod apache;
#[path = "clients/container.rs"]
mod container;
#[path = "clients/httpd.rs"]
mod httpd;

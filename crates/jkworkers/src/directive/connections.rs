//! The connection pool and the sockets in it.

use super::{Directive, Preset, Scope, Section, Unit, directives};

directives! {
    CONNECTIONS_SECTION: "Connections", "For workers of type ajp13, alone or as members.";

    /// Connections to this Tomcat at most, and so the requests that it handles at the same time.
    /// mod_jk counts in each httpd process, jkd in the whole server: a small value that suited
    /// many processes is too small here. 0, with which mod_jk refuses every request, means no
    /// limit.
    CONNECTION_POOL_SIZE =
        Directive::int("connection_pool_size", Scope::AJP, Unit::None, 0, i32::MAX)
            .mod_jk(Preset::Rule("threads of an httpd process"))
            .jkd(Preset::Rule("no limit"));

    /// Idle connections that are kept however long they are idle.
    CONNECTION_POOL_MINSIZE =
        Directive::int("connection_pool_minsize", Scope::AJP, Unit::None, 0, i32::MAX)
            .mod_jk(Preset::Rule("(connection_pool_size + 1) / 2"))
            .jkd(Preset::Rule("(connection_pool_size + 1) / 2, or 0 without that"));

    /// Connections that are idle for longer are closed at maintenance. 0 keeps them for ever. Set
    /// Tomcat's `connectionTimeout` to at least the same time.
    CONNECTION_POOL_TIMEOUT =
        Directive::int("connection_pool_timeout", Scope::AJP, Unit::Seconds, 0, i32::MAX)
            .mod_jk(Preset::Int(0))
            .jkd(Preset::Int(60));

    /// How long a request waits for a free connection when all of `connection_pool_size` are in
    /// use. With 0 mod_jk refuses every request; jkd applies its default then.
    CONNECTION_ACQUIRE_TIMEOUT =
        Directive::int("connection_acquire_timeout", Scope::AJP, Unit::Milliseconds, 0, i32::MAX)
            .mod_jk(Preset::Rule("retries * retry_interval"))
            .jkd(Preset::Int(2000));

    /// The largest AJP packet in either direction: the header of a request must fit into one, and
    /// so must the header of an answer. Rounded up to a multiple of 1024. Must be the `packetSize`
    /// of Tomcat's connector.
    MAX_PACKET_SIZE =
        Directive::int("max_packet_size", Scope::AJP, Unit::Bytes, 8192, 65536)
            .mod_jk(Preset::Int(8192));

    /// Lets the operating system send probes on idle connections, so that a firewall does not
    /// forget them. TCP_NODELAY is always on.
    SOCKET_KEEPALIVE = Directive::flag("socket_keepalive", Scope::AJP, false);

    /// Send and receive buffer of a connection. 0 leaves the system's own. Smaller values than
    /// `max_packet_size` are raised to that.
    SOCKET_BUFFER =
        Directive::int("socket_buffer", Scope::AJP, Unit::Bytes, 0, i32::MAX)
            .mod_jk(Preset::Int(0));
}

//! httpd's own directives that mean nothing here: those of its core and of the modules that are
//! commonly loaded.

/// Whether this is one of them.
pub(super) fn contains(name: &str) -> bool {
    DIRECTIVES
        .binary_search_by_key(&name.to_ascii_lowercase(), |known| {
            known.to_ascii_lowercase()
        })
        .is_ok()
}

/// Whether this is only about how httpd runs as a program: nobody misses anything.
pub(super) fn is_of_the_program(name: &str) -> bool {
    OF_THE_PROGRAM
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name))
}

/// Modules, processes and threads, and files of the running program.
#[rustfmt::skip]
const OF_THE_PROGRAM: &[&str] = &[
    "AcceptFilter", "AcceptMutex", "AsyncRequestWorkerFactor", "CoreDumpDirectory",
    "DefaultRuntimeDir", "EnableExceptionHook", "ExtendedStatus",
    "GracefulShutdownTimeout", "ListenCoresBucketsRatio", "LoadFile", "LoadModule", "LockFile",
    "MaxClients", "MaxConnectionsPerChild", "MaxMemFree", "MaxRequestsPerChild",
    "MaxRequestsPerThread", "MaxRequestWorkers", "MaxSpareServers", "MaxSpareThreads",
    "MinSpareServers", "MinSpareThreads", "Mutex", "PidFile", "ScoreBoardFile",
    "ServerLimit", "StartServers", "StartThreads", "ThreadLimit", "ThreadsPerChild",
    "ThreadStackSize",
];

/// All names, sorted without regard to case.
#[rustfmt::skip]
pub(super) const DIRECTIVES: &[&str] = &[
    "AcceptFilter", "AcceptMutex", "AddAlt",
    "AddAltByEncoding", "AddAltByType", "AddDescription",
    "AddIcon", "AddIconByEncoding", "AddIconByType", "AddInputFilter",
    "AddModule", "AddModuleInfo",
    "AgentLog", "AllowCONNECT",
    "AllowMethods", "Anonymous", "Anonymous_LogEmail",
    "Anonymous_MustGiveEmail", "Anonymous_NoUserId", "Anonymous_VerifyEmail", "AssignUserID",
    "AsyncRequestWorkerFactor", "AuthAuthoritative", "AuthBasicAuthoritative", "AuthBasicFake",
    "AuthBasicProvider", "AuthBasicUseDigestAlgorithm", "AuthDBDUserPWQuery",
    "AuthDBDUserRealmQuery", "AuthDBMGroupFile", "AuthDBMType", "AuthDBMUserFile",
    "AuthDigestAlgorithm", "AuthDigestDomain", "AuthDigestFile", "AuthDigestNcCheck",
    "AuthDigestNonceLifetime", "AuthDigestProvider", "AuthDigestQop", "AuthDigestShmemSize",
    "AuthFormAuthoritative", "AuthFormBody", "AuthFormDisableNoStore", "AuthFormFakeBasicAuth",
    "AuthFormLocation", "AuthFormLoginRequiredLocation", "AuthFormLoginSuccessLocation",
    "AuthFormLogoutLocation", "AuthFormMethod", "AuthFormMimetype", "AuthFormPassword",
    "AuthFormProvider", "AuthFormSitePassphrase", "AuthFormSize", "AuthFormUsername",
    "AuthGroupFile", "AuthLDAPAuthoritative", "AuthLDAPAuthorizePrefix",
    "AuthLDAPBindAuthoritative", "AuthLDAPBindDN", "AuthLDAPBindPassword", "AuthLDAPCharsetConfig",
    "AuthLDAPCompareAsUser", "AuthLDAPCompareDNOnServer", "AuthLDAPDereferenceAliases",
    "AuthLDAPGroupAttribute", "AuthLDAPGroupAttributeIsDN", "AuthLDAPInitialBindAsUser",
    "AuthLDAPInitialBindPattern", "AuthLDAPMaxSubGroupDepth", "AuthLDAPRemoteUserAttribute",
    "AuthLDAPRemoteUserIsDN", "AuthLDAPSearchAsUser", "AuthLDAPSubGroupAttribute",
    "AuthLDAPSubGroupClass", "AuthLDAPURL", "AuthMerging", "AuthName", "AuthnCacheContext",
    "AuthnCacheEnable", "AuthnCacheProvideFor", "AuthnCacheSOCache", "AuthnCacheTimeout",
    "AuthnzFcgiCheckAuthnProvider", "AuthnzFcgiDefineProvider", "AuthType", "AuthUserFile",
    "AuthzDBDLoginToReferer", "AuthzDBDQuery", "AuthzDBDRedirectQuery", "AuthzDBMType",
    "AuthzSendForbiddenOnFailure", "BalancerGrowth", "BalancerInherit", "BalancerMember",
    "BalancerPersist", "BrotliAlterETag", "BrotliCompressionMaxInputBlock",
    "BrotliCompressionQuality", "BrotliCompressionWindow", "BrotliFilterNote",
    "BufferSize", "CacheDefaultExpire", "CacheDetailHeader",
    "CacheDirLength", "CacheDirLevels", "CacheDisable", "CacheEnable", "CacheFile", "CacheHeader",
    "CacheIgnoreCacheControl", "CacheIgnoreHeaders", "CacheIgnoreNoLastMod",
    "CacheIgnoreQueryString", "CacheIgnoreURLSessionIdentifiers", "CacheKeyBaseURL",
    "CacheLastModifiedFactor", "CacheLock", "CacheLockMaxAge", "CacheLockPath", "CacheMaxExpire",
    "CacheMaxFileSize", "CacheMinExpire", "CacheMinFileSize", "CacheNegotiatedDocs",
    "CacheQuickHandler", "CacheReadSize", "CacheReadTime", "CacheRoot", "CacheSocache",
    "CacheSocacheMaxSize", "CacheSocacheMaxTime", "CacheSocacheMinTime", "CacheSocacheReadSize",
    "CacheSocacheReadTime", "CacheStaleOnError", "CacheStoreExpired", "CacheStoreNoStore",
    "CacheStorePrivate", "CGIDScriptTimeout", "CGIMapExtension", "CGIPassAuth", "CGIScriptTimeout",
    "CGIVar", "CharsetDefault", "CharsetOptions", "CharsetSourceEnc", "CheckBasenameMatch",
    "CheckCaseOnly", "CheckSpelling", "ChrootDir", "ClearModuleList", "ContentDigest",
    "CookieDomain", "CookieExpires", "CookieHttpOnly", "CookieName", "CookieSameSite",
    "CookieSecure", "CookieStyle", "CookieTracking", "CoreDumpDirectory", "DAV",
    "DAVBasePath", "DAVDepthInfinity", "DAVGenericLockDB", "DAVLockDB", "DAVLockDiscovery",
    "DAVMinTimeout", "DBDExptime", "DBDInitSQL", "DBDKeep", "DBDMax", "DBDMin", "DBDParams",
    "DBDPersist", "DBDPrepareSQL", "DBDriver", "DefaultIcon", "DefaultLanguage",
    "DefaultRuntimeDir", "DefaultType",
    "DeflateInflateLimitRequestBody",
    "DeflateInflateRatioBurst", "DeflateInflateRatioLimit",
    "DirectoryCheckHandler", "DirectoryIndexRedirect",
    "DumpIOInput", "DumpIOOutput", "EnableExceptionHook",
    "ExtendedStatus", "ExtFilterDefine", "ExtFilterOptions",
    "FancyIndexing", "FilterChain", "FilterDeclare",
    "FilterProtocol", "FilterProvider", "FilterTrace", "FlushMaxPipelined", "FlushMaxThreshold",
    "ForceLanguagePriority", "ForensicLog", "GprofDir",
    "GracefulShutdownTimeout", "Group", "H2CopyFiles", "H2Direct", "H2EarlyHint", "H2EarlyHints",
    "H2MaxDataFrameLen", "H2MaxHeaderBlockLen", "H2MaxSessionStreams", "H2MaxStreamErrors",
    "H2MaxWorkerIdleSeconds", "H2MaxWorkers", "H2MinWorkers", "H2ModernTLSOnly",
    "H2OutputBuffering", "H2Padding", "H2ProxyRequests", "H2Push", "H2PushDiarySize",
    "H2PushPriority", "H2PushResource", "H2SerializeHeaders", "H2SessionExtraFiles",
    "H2StreamMaxMemSize", "H2StreamTimeout", "H2TLSCoolDownSecs", "H2TLSWarmUpSize", "H2Upgrade",
    "H2WebSockets", "H2WindowSize", "HeaderName", "HeartbeatAddress", "HeartbeatListen",
    "HeartbeatMaxServers", "HeartbeatStorage",
    "IdentityCheck", "IdentityCheckTimeout", "ImapBase", "ImapDefault", "ImapMenu",
    "IndexHeadInsert", "IndexIgnore", "IndexIgnoreReset", "IndexOptions", "IndexOrderDefault",
    "IndexStyleSheet", "InputSed", "KeptBodySize",
    "LanguagePriority", "LDAPCacheEntries", "LDAPCacheTTL", "LDAPConnectionPoolTTL",
    "LDAPConnectionTimeout", "LDAPLibraryDebug", "LDAPOpCacheEntries", "LDAPOpCacheTTL",
    "LDAPReferralHopLimit", "LDAPReferrals", "LDAPRetries", "LDAPRetryDelay", "LDAPSharedCacheFile",
    "LDAPSharedCacheSize", "LDAPTimeout", "LDAPTrustedClientCert", "LDAPTrustedGlobalCert",
    "LDAPTrustedMode", "LDAPVerifyServerCert",
    "LimitXMLRequestBody",
    "ListenCoresBucketsRatio", "ListenTCPDeferAccept", "LoadFile", "LoadModule",
    "LockFile", "LogMessage", "Lua_____ByteCodeHack",
    "LuaAuthzProvider", "LuaCodeCache", "LuaHookAccessChecker", "LuaHookAuthChecker",
    "LuaHookCheckUserID", "LuaHookFixups", "LuaHookInsertFilter", "LuaHookLog",
    "LuaHookMapToStorage", "LuaHookPreTranslateName", "LuaHookTranslateName", "LuaHookTypeChecker",
    "LuaInherit", "LuaInputFilter", "LuaMapHandler", "LuaOutputFilter", "LuaPackageCPath",
    "LuaPackagePath", "LuaQuickHandler", "LuaRoot", "LuaScope", "MacroIgnoreBadNesting",
    "MacroIgnoreEmptyArgs", "MaxClients", "MaxConnectionsPerChild", 
    "MaxMemFree", "MaxRequestsPerChild",
    "MaxRequestsPerThread", "MaxRequestWorkers", "MaxSpareServers", "MaxSpareThreads",
    "MDActivationDelay", "MDBaseServer", "MDCACertificateFile", "MDCAChallenges",
    "MDCertificateAgreement", "MDCertificateAuthority", "MDCertificateCheck", "MDCertificateFile",
    "MDCertificateKeyFile", "MDCertificateProtocol", "MDCertificateStatus", "MDChallengeDns01",
    "MDChallengeDns01Version", "MDCheckInterval", "MDContactEmail", "MDDriveMode",
    "MDExternalAccountBinding", "MDHttpProxy", "MDHttpProxyCACertificateFile", "MDInitialDelay",
    "MDMatchNames", "MDMember", "MDMembers", "MDMessageCmd", "MDMustStaple", "MDNotifyCmd",
    "MDomain", "MDPortMap", "MDPrivateKeys", "MDProfile", "MDProfileMandatory", "MDRenewMode",
    "MDRenewViaARI", "MDRenewWindow", "MDRequireHttps", "MDRetryDelay", "MDRetryFailover",
    "MDServerStatus", "MDStapleOthers", "MDStapling", "MDStaplingKeepResponse",
    "MDStaplingRenewWindow", "MDStoreDir", "MDStoreLocks", "MDWarnWindow", "MemcacheConnTTL",
    "MergeTrailers", "MetaDir", "MetaFiles", "MetaSuffix", "MimeMagicFile", "MinSpareServers",
    "MinSpareThreads", "MMapFile", "ModemStandard", "ModMimeUsePathInfo", "MultiviewsMatch",
    "Mutex", "NameVirtualHost", "NoProxy", "NWSSLTrustedCerts", "NWSSLUpgradeable",
    "OutputSed", "PassengerEnabled", "PassengerRoot", "PassengerRuby", "php_admin_flag",
    "php_admin_value", "php_flag", "php_value", "PidFile", "Port", "Protocol", "ProtocolEcho",
    "ProtocolsHonorOrder", "Proxy100Continue", "ProxyAddHeaders", "ProxyBadHeader",
    "ProxyBlock", "ProxyDomain", "ProxyErrorOverride", "ProxyExpressDBMFile", "ProxyExpressDBMType",
    "ProxyExpressEnable", "ProxyFCGIBackendType", "ProxyFCGISetEnvIf", "ProxyFtpDirCharset",
    "ProxyFtpEscapeWildcards", "ProxyFtpListOnWildcard", "ProxyHCExpr", "ProxyHCTemplate",
    "ProxyHCTPsize", "ProxyHTMLBufSize", "ProxyHTMLCharsetOut", "ProxyHTMLDoctype",
    "ProxyHTMLEnable", "ProxyHTMLEvents", "ProxyHTMLExtended", "ProxyHTMLFixups", "ProxyHTMLInterp",
    "ProxyHTMLLinks", "ProxyHTMLMeta", "ProxyHTMLStripComments", "ProxyHTMLURLMap",
    "ProxyIOBufferSize", "ProxyMaxForwards", "ProxyPass", "ProxyPassInherit",
    "ProxyPassInterpolateEnv", "ProxyPassMatch", "ProxyPassReverse", "ProxyPassReverseCookieDomain",
    "ProxyPassReverseCookiePath", "ProxyPreserveHost", "ProxyReceiveBufferSize", "ProxyRemote",
    "ProxyRemoteMatch", "ProxyRequests", "ProxySCGIInternalRedirect", "ProxySCGISendfile",
    "ProxySet", "ProxySourceAddress", "ProxyStatus", "ProxyTimeout", "ProxyVia",
    "ProxyWebsocketFallbackToProxyHttp", "QualifyRedirectURL", "ReadBufferSize", "ReadmeName",
    "ReceiveBufferSize", "RedirectRelative",
    "RedisConnPoolTTL", "RedisTimeout", "RefererLog", "ReflectorHeader",
    "RegexDefaultOptions",
    "RemoteIPProxyProtocol",
    "RemoteIPProxyProtocolExceptions", 
    "RemoveInputFilter",
    "ResourceConfig",
    "RLimitCPU", "RLimitMEM", "RLimitNPROC", "ScoreBoardFile", "Script",
    "ScriptLog", "ScriptLogBuffer", "ScriptLogLength", "ScriptSock",
    "SecAction", "SecAuditLog", "SecRule", "SecRuleEngine", "SecureListen", "SeeRequestTail",
    "SendBufferSize", "ServerLimit", "ServerPath",
    "ServerType", "Session", "SessionCookieName", "SessionCookieName2", "SessionCookieRemove",
    "SessionCryptoCipher", "SessionCryptoDriver", "SessionCryptoPassphrase",
    "SessionCryptoPassphraseFile", "SessionDBDCookieName", "SessionDBDCookieName2",
    "SessionDBDCookieRemove", "SessionDBDDeleteLabel", "SessionDBDInsertLabel", "SessionDBDPerUser",
    "SessionDBDSelectLabel", "SessionDBDUpdateLabel", "SessionEnv", "SessionExclude",
    "SessionExpiryUpdateInterval", "SessionHeader", "SessionInclude", "SessionMaxAge",
    "SetInputFilter",
    "SSIEndTag", "SSIErrorMsg", "SSIEtag", "SSILastModified", "SSILegacyExprParser", "SSIStartTag",
    "SSITimeFormat", "SSIUndefinedEcho",
    "SSLCADNRequestFile", "SSLCADNRequestPath", "SSLLog", "SSLLogLevel",
    "SSLOCSPDefaultResponder", "SSLOCSPNoVerify", "SSLOCSPOverrideResponder",
    "SSLOCSPProxyURL", "SSLOCSPResponderCertificateFile", "SSLOCSPResponderTimeout",
    "SSLOCSPResponseMaxAge", "SSLOCSPResponseTimeSkew", "SSLOCSPUseRequestNonce",
    "SSLProxyCACertificateFile", "SSLProxyCACertificatePath", "SSLProxyCARevocationCheck",
    "SSLProxyCARevocationFile", "SSLProxyCARevocationPath", "SSLProxyCheckPeerCN",
    "SSLProxyCheckPeerExpire", "SSLProxyCheckPeerName", "SSLProxyCipherSuite", "SSLProxyEngine",
    "SSLProxyMachineCertificateChainFile", "SSLProxyMachineCertificateFile",
    "SSLProxyMachineCertificatePath", "SSLProxyProtocol", "SSLProxyVerify", "SSLProxyVerifyDepth", "SSLRenegBufferSize", "SSLRequire", "SSLSessionTicketKeyFile",
    "SSLSRPUnknownUserSeed", "SSLSRPVerifierFile",
    "SSLStaplingErrorCacheTimeout", "SSLStaplingFakeTryLater", "SSLStaplingForceURL",
    "SSLStaplingResponderTimeout", "SSLStaplingResponseMaxAge", "SSLStaplingResponseTimeSkew",
    "SSLStaplingReturnResponderErrors", "SSLStaplingStandardCacheTimeout", "SSLVHostSNIPolicy",
    "StartServers", "StartThreads", "StrictHostCheck", "Substitute", "SubstituteInheritBefore",
    "SubstituteMaxLineLength", "Suexec", "SuexecUserGroup", "ThreadLimit", "ThreadsPerChild",
    "ThreadStackSize",
    "UnlimitedRequestBody", "User",
    "UserDir", "VirtualDocumentRoot", "VirtualDocumentRootIP", "VirtualScriptAlias",
    "VirtualScriptAliasIP", "WatchdogInterval", "Win32DisableAcceptEx", "WSGIApplicationGroup",
    "WSGIDaemonProcess", "WSGIProcessGroup", "WSGIPythonPath", "WSGIScriptAlias", "XBitHack",
    "xml2EncAlias", "xml2EncDefault", "xml2StartParse",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted() {
        let lower: Vec<_> = DIRECTIVES.iter().map(|d| d.to_ascii_lowercase()).collect();
        assert!(lower.is_sorted_by(|a, b| a < b));
        assert!(OF_THE_PROGRAM.iter().all(|name| contains(name)));
        assert!(contains("ThreadLimit") && contains("sslrequire") && !contains("JkMount"));
    }
}

package profile

import (
	"strings"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Place is the kind of section in which a property has its meaning: property ids are used again from one to another.
type Place string

// Kinds of sections.
const (
	PlaceExchange Place = "exchange" // the Exchange section of a profile: the global one, or that of an account
	PlaceProvider Place = "provider" // a message store, address book or transport
	PlaceService  Place = "service"
	PlaceProfile  Place = "profile" // the profile's own section, which lists services and providers
	PlaceOutlook  Place = "outlook" // Outlook's own section
)

// Property describes a property of profiles.
type Property struct {
	Name     string // MAPI's; where there are two, the one of the public headers
	Tag      mapi.Tag
	Place    Place
	Meaning  string
	Evidence string // marks as docs/settings.md explains them
	Secret   bool   // its value lies in the store of secrets
}

// Tags of the properties that the connection is made from.
const (
	TagConfigFlags       mapi.Tag = 0x66010003
	TagHomeServer        mapi.Tag = 0x6602001E
	TagUser              mapi.Tag = 0x6603001E
	TagConnectFlags      mapi.Tag = 0x66040003
	TagTransportFlags    mapi.Tag = 0x66050003
	TagUnresolvedName    mapi.Tag = 0x6607001F
	TagUnresolvedServer  mapi.Tag = 0x6608001F
	TagBindingOrder      mapi.Tag = 0x6609001E
	TagHomeServerDN      mapi.Tag = 0x6612001E
	TagAuthPackage       mapi.Tag = 0x66190003
	TagROHProxyServer    mapi.Tag = 0x6622001F
	TagROHFlags          mapi.Tag = 0x66230003
	TagROHPrincipalName  mapi.Tag = 0x6625001F
	TagROHAuthScheme     mapi.Tag = 0x66270003
	TagUserSMTPAddress   mapi.Tag = 0x6641001F
	TagAuthUser          mapi.Tag = 0x66A0001F
	TagAuthPassword      mapi.Tag = 0x66A10102
	TagOpenFlags         mapi.Tag = 0x66090003
	TagProfileMailbox    mapi.Tag = 0x660B001E
	TagProfileServer     mapi.Tag = 0x660C001E
	TagEMSMDBSectionUID  mapi.Tag = 0x3D150102
	TagEMSMDBLegacy      mapi.Tag = 0x3D18000B
	TagPSTPath           mapi.Tag = 0x6700001F
	TagPSTPassword       mapi.Tag = 0x6703001E
	TagSecureMailbox     mapi.Tag = 0x67F00102
	tagProfileVersion    mapi.Tag = 0x66000003
	profileVersion       int32    = 0x501
	tagProfileType       mapi.Tag = 0x660A0003
	tagServiceEntryName  mapi.Tag = 0x3D0B001F
	tagServiceUID        mapi.Tag = 0x3D0C0102
	tagServices          mapi.Tag = 0x3D0E0102
	tagServiceName       mapi.Tag = 0x3D09001F
	tagServiceDLL        mapi.Tag = 0x3D0A001F
	tagStoreProviders    mapi.Tag = 0x3D000102
	tagAddressBooks      mapi.Tag = 0x3D010102
	tagTransports        mapi.Tag = 0x3D020102
	tagResourceType      mapi.Tag = 0x3E030003
	tagResourceFlags     mapi.Tag = 0x30090003
	tagProviderDLL       mapi.Tag = 0x300A001F
	tagProviderDisplay   mapi.Tag = 0x3006001F
	tagDisplayName       mapi.Tag = 0x3001001F
	tagStoreProviderUID  mapi.Tag = 0x34140102
	tagOfflineStorePath  mapi.Tag = 0x6610001E
	tagReconnectInterval mapi.Tag = 0x661A0003
)

// Properties are the documented ones.
var Properties = []Property{
	{"PR_PROFILE_VERSION", tagProfileVersion, PlaceExchange, "Version of the section: 0x501.", "S", false},
	{"PR_PROFILE_CONFIG_FLAGS", TagConfigFlags, PlaceExchange, "CONFIG_... bits: caching, prompts.", "S", false},
	{"PR_PROFILE_HOME_SERVER", TagHomeServer, PlaceExchange, "The server after resolution; from Exchange 2013 on a personalised name (guid@domain).", "S; personalised name I", false},
	{"PR_PROFILE_USER", TagUser, PlaceExchange, "Legacy DN of the mailbox, after resolution.", "S; DN K", false},
	{"PR_PROFILE_CONNECT_FLAGS", TagConnectFlags, PlaceExchange, "CONNECT_... bits, which become the flags of the connect call.", "S", false},
	{"PR_PROFILE_TRANSPORT_FLAGS", TagTransportFlags, PlaceExchange, "1 download, 2 upload.", "S", false},
	{"PR_PROFILE_UI_STATE", 0x66060003, PlaceExchange, "State of dialogs.", "S", false},
	{"PR_PROFILE_UNRESOLVED_NAME", TagUnresolvedName, PlaceExchange, "Alias, SMTP address or legacy DN of the mailbox, before resolution. The 8-bit form has type 0x001E.", "S", false},
	{"PR_PROFILE_UNRESOLVED_SERVER", TagUnresolvedServer, PlaceExchange, "The server before resolution; from Exchange 2013 on a personalised name. The 8-bit form has type 0x001E.", "S", false},
	{"PR_PROFILE_BINDING_ORDER", TagBindingOrder, PlaceExchange, "RPC protocol sequences to try, in order.", "S", false},
	{"PR_PROFILE_MAX_RESTRICT", 0x660D0003, PlaceExchange, "Limit of restrictions.", "S; meaning U", false},
	{"PR_PROFILE_AB_FILES_PATH", 0x660E001E, PlaceExchange, "Folder of the offline address book.", "S", false},
	{"PR_PROFILE_OFFLINE_STORE_PATH", tagOfflineStorePath, PlaceExchange, "Path of the OST file.", "S", false},
	{"PR_PROFILE_OFFLINE_INFO", 0x66110102, PlaceExchange, "State of the OST file.", "S; meaning U", false},
	{"PR_PROFILE_HOME_SERVER_DN", TagHomeServerDN, PlaceExchange, "Legacy DN of the server.", "S", false},
	{"PR_PROFILE_HOME_SERVER_ADDRS", 0x6613101E, PlaceExchange, "Addresses of the server.", "S", false},
	{"PR_PROFILE_AUTH_PACKAGE", TagAuthPackage, PlaceExchange, "RPC authentication: 0 none, 9 negotiate, 10 NTLM, 16 Kerberos, 0x8000F001 anonymous.", "S; numbers but 0 and 10 K", false},
	{"PR_PROFILE_RECONNECT_INTERVAL", tagReconnectInterval, PlaceExchange, "Seconds between attempts to connect again.", "S; unit U", false},
	{"PR_PROFILE_SERVER_VERSION", 0x661B0003, PlaceExchange, "Version of the server, written after the first connection.", "S", false},
	{"PR_PROFILE_ACCT_NAME", 0x6620001F, PlaceExchange, "Name of the account; the property of AccountName in .prf files.", "S", false},
	{"PR_ROH_PROXY_SERVER", TagROHProxyServer, PlaceExchange, "RPC proxy: a host, without http:// or https://. Also PR_PROFILE_RPC_PROXY_SERVER.", "S", false},
	{"PR_ROH_FLAGS", TagROHFlags, PlaceExchange, "ROHFLAGS_... bits. Also PR_PROFILE_RPC_PROXY_SERVER_FLAGS.", "S", false},
	{"PR_ROH_PROXY_PRINCIPAL_NAME", TagROHPrincipalName, PlaceExchange, "msstd:HOST, the name that the proxy's certificate must have; needed with ROHFLAGS_MUTUAL_AUTH.", "S", false},
	{"PR_ROH_PROXY_AUTH_SCHEME", TagROHAuthScheme, PlaceExchange, "HTTP authentication: 1 basic, 2 NTLM, 4 passport, 8 digest, 16 negotiate, 0x10000 certificate. Also PR_PROFILE_RPC_PROXY_SERVER_AUTH_PACKAGE.", "S for 1 and 2; others K", false},
	{"PR_PROFILE_CACHED_EXCHANGE_CONFIG_FLAGS", 0x66290003, PlaceExchange, "Caching; the property of CachedExchangeConfigFlags in .prf files.", "S for the number; name U", false},
	{"PR_PROFILE_HOME_SERVER_FQDN", 0x662A001F, PlaceExchange, "Domain of the directory server; lets Kerberos reach a domain controller (Exchange 2007 and before).", "S", false},
	{"PR_PROFILE_ABP_ALLOW_RECONNECT", 0x66390003, PlaceExchange, "Whether the address book reconnects.", "S; meaning U", false},
	{"PR_PROFILE_ABP_MTHREAD_TIMEOUT_SECS", 0x663A0003, PlaceExchange, "Timeout of the address book in seconds.", "S; meaning U", false},
	{"PR_PROFILE_SERVER_FULL_VERSION", 0x663B0102, PlaceExchange, "Version of the server in full, written after the first connection.", "S", false},
	{"PR_PROFILE_USER_SMTP_EMAIL_ADDRESS", TagUserSMTPAddress, PlaceExchange, "SMTP address, with or without =SMTP: before it; Outlook 2016 and later need little else.", "S", false},
	{"PR_PROFILE_EXCHANGE_CONSUMER_ACCOUNT", 0x665E000B, PlaceExchange, "The account is a consumer's.", "S; meaning U", false},
	{"PR_PROFILE_MOAB", 0x667B001E, PlaceExchange, "Offline address book.", "S; meaning U", false},
	{"PR_PROFILE_MOAB_GUID", 0x667C001E, PlaceExchange, "Offline address book.", "S; meaning U", false},
	{"PR_PROFILE_MOAB_SEQ", 0x667D0003, PlaceExchange, "Offline address book.", "S; meaning U", false},
	{"PR_PROFILE_AUTH_USER", TagAuthUser, PlaceExchange, "User name for Basic authentication (Exchange's MAPI).", "S; use I", false},
	{"PR_PROFILE_AUTH_PASSWORD", TagAuthPassword, PlaceExchange, "Password. Exchange's MAPI encrypts it in a way that isn't published; here it lies in the store of secrets.", "S; encryption U", true},
	{"PR_PROFILE_SECURE_MAILBOX", TagSecureMailbox, PlaceExchange, "Secure property.", "S; meaning U", true},

	{"PR_PROFILE_OPEN_FLAGS", TagOpenFlags, PlaceProvider, "OPENSTORE_... bits.", "S", false},
	{"PR_PROFILE_TYPE", tagProfileType, PlaceProvider, "1 primary user, 2 delegate, 3 public store, 4 subscription.", "S", false},
	{"PR_PROFILE_MAILBOX", TagProfileMailbox, PlaceProvider, "Legacy DN of the mailbox.", "S", false},
	{"PR_PROFILE_SERVER", TagProfileServer, PlaceProvider, "Server of the mailbox.", "S", false},
	{"PR_PROFILE_SERVER_DN", 0x6614001E, PlaceProvider, "Legacy DN of that server.", "S", false},
	{"PR_PROFILE_FAVFLD_DISPLAY_NAME", 0x660F001E, PlaceProvider, "Display name of the favourites of the public folders.", "S", false},
	{"PR_PROFILE_FAVFLD_COMMENT", 0x6615001E, PlaceProvider, "Comment of the favourites.", "S", false},
	{"PR_PROFILE_ALLPUB_DISPLAY_NAME", 0x6616001E, PlaceProvider, "Display name of all public folders.", "S", false},
	{"PR_PROFILE_ALLPUB_COMMENT", 0x6617001E, PlaceProvider, "Comment of all public folders.", "S", false},
	{"PR_PROFILE_MDB_DN", 0x7CFF001E, PlaceProvider, "DN of the database.", "S", false},
	{"PR_PST_PATH", TagPSTPath, PlaceProvider, "Path of a PST file.", "K", false},
	{"PR_PST_REMEMBER_PW", 0x6701000B, PlaceProvider, "The password of the PST file is kept.", "K", false},
	{"PR_PST_ENCRYPTION", 0x67020003, PlaceProvider, "Encryption of a new PST file: 0x80000000 none, 0x40000000 compressible, 0x20000000 high.", "K", false},
	{"PR_PST_PW_SZ_OLD", TagPSTPassword, PlaceProvider, "Password of the PST file.", "K", true},
	{"PR_STORE_PROVIDERS", tagStoreProviders, PlaceService, "UIDs of the message stores.", "S", false},
	{"PR_AB_PROVIDERS", tagAddressBooks, PlaceService, "UIDs of the address books.", "S", false},
	{"PR_TRANSPORT_PROVIDERS", tagTransports, PlaceService, "UIDs of the transports.", "S", false},
	{"PR_SERVICE_NAME", tagServiceName, PlaceService, "Name in mapisvc.inf: MSEMS is Exchange.", "S", false},
	{"PR_SERVICE_DLL_NAME", tagServiceDLL, PlaceService, "Library of the service.", "S", false},
	{"PR_SERVICE_ENTRY_NAME", tagServiceEntryName, PlaceService, "Its entry point.", "S", false},
	{"PR_EMSMDB_SECTION_UID", TagEMSMDBSectionUID, PlaceService, "UID of the account's Exchange section (Outlook 2010 and later).", "S", false},
	{"PR_EMSMDB_LEGACY", TagEMSMDBLegacy, PlaceService, "The account that the fixed UID of the Exchange section stands for.", "S", false},
	{"PR_SERVICES", tagServices, PlaceProfile, "UIDs of the services.", "S", false},
}

// flagNames are the bits of flag properties, and the values of others.
var flagNames = map[mapi.Tag][]struct {
	bit  uint32
	name string
}{
	TagConnectFlags: {{0x1, "CONNECT_USE_ADMIN_PRIVILEGE"}, {0x2, "CONNECT_NO_RPC_ENCRYPTION"}, {0x4, "CONNECT_USE_SEPARATE_CONNECTION"},
		{0x8, "CONNECT_NO_UNDER_COVER_CONNECTION"}, {0x10, "CONNECT_ANONYMOUS_ACCESS"}, {0x20, "CONNECT_NO_NOTIFICATIONS"},
		{0x40, "CONNECT_NO_ADDRESS_RESOLUTION"}, {0x80, "CONNECT_RESTORE_DATABASE"}, {0x8000, "CONNECT_IGNORE_NO_PF"}},
	TagConfigFlags: {{0x1, "CONFIG_SERVICE"}, {0x2, "CONFIG_SHOW_STARTUP_UI"}, {0x4, "CONFIG_SHOW_CONNECT_UI"},
		{0x8, "CONFIG_PROMPT_FOR_CREDENTIALS"}, {0x10, "CONFIG_NO_AUTO_DETECT"}, {0x20, "CONFIG_OST_CACHE_ONLY"},
		{0x40, "CONFIG_USE_SMTP_ADDRESSES"}, {0x180, "CONFIG_OST_CACHE_PRIVATE"}, {0x400, "CONFIG_OST_CACHE_PUBLIC"}},
	TagROHFlags: {{0x1, "ROHFLAGS_USE_ROH"}, {0x2, "ROHFLAGS_SSL_ONLY"}, {0x4, "ROHFLAGS_MUTUAL_AUTH"},
		{0x8, "ROHFLAGS_HTTP_FIRST_ON_FAST"}, {0x10, "PRXF_IGNORE_SEC_WARNING"}, {0x20, "ROHFLAGS_HTTP_FIRST_ON_SLOW"}},
	TagTransportFlags: {{0x1, "TRANSPORT_DOWNLOAD"}, {0x2, "TRANSPORT_UPLOAD"}},
	TagOpenFlags: {{0x1, "OPENSTORE_USE_ADMIN_PRIVILEGE"}, {0x2, "OPENSTORE_PUBLIC"}, {0x4, "OPENSTORE_HOME_LOGON"},
		{0x8, "OPENSTORE_TAKE_OWNERSHIP"}, {0x10, "OPENSTORE_OVERRIDE_HOME_MDB"}, {0x20, "OPENSTORE_TRANSPORT"},
		{0x40, "OPENSTORE_REMOTE_TRANSPORT"}, {0x80, "OPENSTORE_INTERNET_ANONYMOUS"}, {0x100, "OPENSTORE_ALTERNATE_SERVER"},
		{0x200, "OPENSTORE_IGNORE_HOME_MDB"}, {0x400, "OPENSTORE_NO_MAIL"}, {0x800, "OPENSTORE_OVERRIDE_LAST_MODIFIER"},
		{0x1000, "OPENSTORE_CALLBACK_LOGON"}, {0x2000, "OPENSTORE_LOCAL"}, {0x4000, "OPENSTORE_FAIL_IF_NO_MAILBOX"},
		{0x8000, "OPENSTORE_CACHE_EXCHANGE"}, {0x10000, "OPENSTORE_CLI_WITH_NAMEDPROP_FIX"},
		{0x20000, "OPENSTORE_ENABLE_LAZY_LOGGING"}, {0x40000, "OPENSTORE_CLI_WITH_REPLID_GUID_MAPPING_FIX"},
		{0x80000, "OPENSTORE_NO_LOCALIZATION"}, {0x100000, "OPENSTORE_RESTORE_DATABASE"}, {0x200000, "OPENSTORE_XFOREST_MOVE"}},
}

// FlagNames spells the bits of a flag property out, with "|" between them; "" where the property has no named bits.
func FlagNames(t mapi.Tag, value int32) string {
	var names []string
	for _, f := range flagNames[t] {
		if uint32(value)&f.bit != 0 {
			names = append(names, f.name)
		}
	}
	return strings.Join(names, "|")
}

// describe finds a property by its place and id; the type may be the other kind of string.
func describe(place Place, t mapi.Tag) (*Property, bool) {
	for i := range Properties {
		p := &Properties[i]
		if p.Place == place && p.Tag.ID() == t.ID() && textual(p.Tag.Type()) == textual(t.Type()) {
			return p, true
		}
	}
	return nil, false
}

// textual folds the two kinds of strings to one.
func textual(t mapi.Type) mapi.Type {
	if t.Base() == mapi.TypeString8 {
		return t&mapi.MultiValue | mapi.TypeString
	}
	return t
}

// NameOf is the MAPI name of a property in a kind of section, or "".
func NameOf(place Place, t mapi.Tag) string {
	p, ok := describe(place, t)
	if !ok {
		return pid.MAPIName(t)
	}
	switch { // both kinds of strings are used: the name says which one it is
	case textual(t.Type()) != t.Type() && p.Tag.Type() != t.Type():
		return p.Name + "_A"
	case textual(p.Tag.Type()) != p.Tag.Type() && p.Tag.Type() != t.Type():
		return p.Name + "_W"
	}
	return p.Name
}

// ByName finds a property by its MAPI name, in any case, with or without _A or _W behind it, or by its tag in hexadecimal, as 0x6622001F.
func ByName(place Place, name string) (mapi.Tag, bool) {
	for i := range Properties {
		p := &Properties[i]
		if p.Place != place {
			continue
		}
		base, ending := strings.ToUpper(name), mapi.Type(0)
		if !strings.EqualFold(base, p.Name) {
			if b, ok := strings.CutSuffix(base, "_W"); ok {
				base, ending = b, mapi.TypeString
			} else if b, ok := strings.CutSuffix(base, "_A"); ok {
				base, ending = b, mapi.TypeString8
			}
		}
		if !strings.EqualFold(base, p.Name) && !strings.EqualFold(base, otherNames[p.Tag]) {
			continue
		}
		if ending != 0 {
			return p.Tag.WithType(p.Tag.Type()&mapi.MultiValue | ending), true
		}
		return p.Tag, true
	}
	if t, ok := parseTag(name); ok {
		return t, true
	}
	if k, ok := pid.ByName(strings.ToUpper(name)); ok && !k.Named() {
		return k.Tag, true
	}
	return 0, false
}

// otherNames are second names in the public headers.
var otherNames = map[mapi.Tag]string{TagROHProxyServer: "PR_PROFILE_RPC_PROXY_SERVER", TagROHFlags: "PR_PROFILE_RPC_PROXY_SERVER_FLAGS",
	TagROHAuthScheme: "PR_PROFILE_RPC_PROXY_SERVER_AUTH_PACKAGE"}

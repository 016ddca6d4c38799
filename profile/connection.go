package profile

import (
	"cmp"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/opencdo/opencdo/internal/secret"
	"github.com/opencdo/opencdo/internal/settings"
	"github.com/opencdo/opencdo/mapi"
)

// Connection says how a mailbox is reached: what a profile and the settings come to. Nothing in it has been asked of a server.
type Connection struct {
	// Profile is the name of the static profile, empty for a dynamic one.
	Profile string
	// Server is the server as it is named: a personalised name (guid@domain), a host, a URL, or a legacy DN. It is empty where
	// only an SMTP address is known, for Autodiscover to find it.
	Server string
	// ServerDN is the server's legacy DN where the profile has it.
	ServerDN string
	// Mailbox names the mailbox: an alias, an SMTP address or a legacy DN. Unless Resolved, the address book has to find it.
	Mailbox string
	// Resolved tells that Mailbox and Server come from PR_PROFILE_USER and PR_PROFILE_HOME_SERVER, which an earlier logon wrote.
	Resolved bool
	// SMTP is the mailbox's address where it is known.
	SMTP string
	// User is who logs on. Empty: nobody is named, and the owner of the mailbox is meant.
	User string
	// Password names the password in the store of secrets; empty: the profile keeps none.
	Password secret.Name
	// Anonymous is access to public folders without credentials (CONNECT_ANONYMOUS_ACCESS).
	Anonymous bool

	// Proxy is the host that serves the server, with its scheme and perhaps a port. Nil: none is known, and Autodiscover or the
	// server itself has to be asked. A personalised server name cannot be reached without.
	Proxy *url.URL
	// HTTPAuth are the ways to authenticate to the proxy, the first one first. Empty: any that the server offers, the strongest
	// first.
	HTTPAuth []HTTPAuth
	// RPCAuth is authentication inside of RPC.
	RPCAuth RPCAuth
	// Transports are those that may be used, in order.
	Transports []Transport
	// BindingOrder are RPC protocol sequences of PR_PROFILE_BINDING_ORDER ("ncacn_http"), in order.
	BindingOrder []string
	// Certificate says which certificates of the proxy are accepted.
	Certificate CertificateRule
	// Encrypt asks for RPC privacy, where the transport has it. It is false with CONNECT_NO_RPC_ENCRYPTION only.
	Encrypt bool

	// ConnectFlags are PR_PROFILE_CONNECT_FLAGS: the flags of the connect call, CONNECT_USE_ADMIN_PRIVILEGE among them.
	ConnectFlags ConnectFlags
	// ROHFlags are PR_ROH_FLAGS of the profile, 0 where a map gave the proxy.
	ROHFlags ROHFlags
	// ConfigFlags are PR_PROFILE_CONFIG_FLAGS.
	ConfigFlags ConfigFlags
	// Cached and CachedPublic tell that the profile works on a copy of the mailbox or of public folder favourites, which this
	// project doesn't: it always works online.
	Cached, CachedPublic bool
	// PublicFolders tells that the profile has the store of public folders.
	PublicFolders bool
	// IgnoreNoPF is CONNECT_IGNORE_NO_PF: log on though the organisation may have no public folders.
	IgnoreNoPF bool
	// ClientVersion is what servers are told.
	ClientVersion Version
	// ReconnectSeconds is PR_PROFILE_RECONNECT_INTERVAL, 0 where it isn't set.
	ReconnectSeconds int
	// Autodiscover has the steps that are switched off.
	Autodiscover Exclusions

	// Source says what gave the proxy: "profile NAME", or the registry value and where it stands. Empty: nothing did.
	Source string
	// Searched are the values of RpcHttpProxyMap that were looked at, in order.
	Searched []MapValue
	// Warnings are for the user: values that aren't used, and why.
	Warnings []string
}

// HTTPAuth is a way to authenticate to an HTTP server.
type HTTPAuth string

// Ways to authenticate, as RpcHttpProxyMap names them. WinNT is NTLM.
const (
	HTTPBasic       HTTPAuth = "basic"
	HTTPNTLM        HTTPAuth = "ntlm"
	HTTPNegotiate   HTTPAuth = "negotiate"
	HTTPDigest      HTTPAuth = "digest"
	HTTPPassport    HTTPAuth = "passport"
	HTTPCertificate HTTPAuth = "certificate"
)

// httpSchemes are values of PR_ROH_PROXY_AUTH_SCHEME, the strongest first.
var httpSchemes = []struct {
	bit  int32
	auth HTTPAuth
}{{0x10000, HTTPCertificate}, {0x10, HTTPNegotiate}, {0x2, HTTPNTLM}, {0x8, HTTPDigest}, {0x4, HTTPPassport}, {0x1, HTTPBasic}}

// RPCAuth is an authentication service of RPC ([MS-RPCE] 2.2.1.1.7).
type RPCAuth uint32

// Authentication services, as PR_PROFILE_AUTH_PACKAGE numbers them.
const (
	RPCNone      RPCAuth = 0
	RPCNegotiate RPCAuth = 9
	RPCWinNT     RPCAuth = 10 // NTLM
	RPCSchannel  RPCAuth = 14
	RPCKerberos  RPCAuth = 16
	RPCDefault   RPCAuth = 0xFFFFFFFF
	RPCAnonymous RPCAuth = 0x8000F001
)

var rpcAuthNames = map[RPCAuth]string{RPCNone: "none", RPCNegotiate: "negotiate", RPCWinNT: "ntlm", RPCSchannel: "schannel",
	RPCKerberos: "kerberos", RPCDefault: "default", RPCAnonymous: "anonymous"}

// String is the name, or the number of one that has none.
func (a RPCAuth) String() string {
	if n, ok := rpcAuthNames[a]; ok {
		return n
	}
	return strconv.FormatUint(uint64(a), 10)
}

// ParseRPCAuth reads a name, "winnt" for NTLM among them, or a number.
func ParseRPCAuth(s string) (RPCAuth, error) {
	for a, n := range rpcAuthNames {
		if strings.EqualFold(s, n) {
			return a, nil
		}
	}
	if strings.EqualFold(s, "winnt") {
		return RPCWinNT, nil
	}
	n, err := parseNumber(s, 32)
	return RPCAuth(uint32(n)), err
}

// Transport is a way to carry remote operations.
type Transport string

// Transports. MAPI/CDO had RPC over HTTP, and where neither map nor profile names a proxy RPC over TCP.
const (
	MAPIHTTP Transport = "mapihttp"
	RPCHTTP  Transport = "rpchttp"
	RPCTCP   Transport = "rpctcp" // Exchange 2003 to 2010; later ones refuse it
)

// ConnectFlags are the bits of PR_PROFILE_CONNECT_FLAGS (CONNECT_...).
type ConnectFlags uint32

// Bits of ConnectFlags.
const (
	ConnectUseAdminPrivilege      ConnectFlags = 0x1
	ConnectNoRPCEncryption        ConnectFlags = 0x2
	ConnectUseSeparateConnection  ConnectFlags = 0x4
	ConnectNoUnderCoverConnection ConnectFlags = 0x8
	ConnectAnonymousAccess        ConnectFlags = connectAnonymous
	ConnectNoNotifications        ConnectFlags = 0x20
	ConnectNoAddressResolution    ConnectFlags = 0x40
	ConnectRestoreDatabase        ConnectFlags = 0x80
	ConnectIgnoreNoPF             ConnectFlags = connectIgnoreNoPF
	connectAnonymous                           = 0x10
)

// ROHFlags are the bits of PR_ROH_FLAGS.
type ROHFlags uint32

// Bits of ROHFlags.
const (
	ROHUseROH           ROHFlags = 0x1
	ROHSSLOnly          ROHFlags = 0x2
	ROHMutualAuth       ROHFlags = 0x4
	ROHHTTPFirstOnFast  ROHFlags = 0x8
	ROHIgnoreSecWarning ROHFlags = 0x10
	ROHHTTPFirstOnSlow  ROHFlags = 0x20
)

// ConfigFlags are the bits of PR_PROFILE_CONFIG_FLAGS (CONFIG_...).
type ConfigFlags uint32

// Bits of ConfigFlags.
const (
	ConfigPromptForCredentials ConfigFlags = 0x8
	ConfigOSTCacheOnly         ConfigFlags = 0x20
	ConfigOSTCachePrivate      ConfigFlags = 0x180
	ConfigOSTCachePublic       ConfigFlags = 0x400
)

// CertificateRule says which certificates of a server are accepted.
type CertificateRule struct {
	// Ignore accepts any: the last field of RpcHttpProxyMap, or PRXF_IGNORE_SEC_WARNING. The user is to be warned.
	Ignore bool
	// Name is the name that the certificate must have, where that isn't the proxy's own: PR_ROH_PROXY_PRINCIPAL_NAME without
	// "msstd:", demanded by ROHFLAGS_MUTUAL_AUTH.
	Name string
	// CAFile has certificates (PEM) to trust besides the system's.
	CAFile string
	// Pins are SHA-256 digests of certificates. Where there are any, the server's certificate must be one of these; it need not
	// be trusted otherwise.
	Pins [][32]byte
}

// Version is a version of client or server: major and minor version, major and minor build.
type Version [4]uint16

// ParseVersion reads up to four numbers with points between them.
func ParseVersion(s string) (v Version, err error) {
	parts := strings.Split(s, ".")
	if len(parts) < 2 || len(parts) > len(v) {
		return v, fmt.Errorf("%q isn't a version: two to four numbers with points between them", s)
	}
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || i < 2 && n > 0xFF || i == 2 && n > 0x7FFF {
			return Version{}, fmt.Errorf("%q isn't a version: %q is no number, or too large for its place", s, p)
		}
		v[i] = uint16(n)
	}
	return v, nil
}

// String is the version with points.
func (v Version) String() string { return fmt.Sprintf("%d.%d.%d.%d", v[0], v[1], v[2], v[3]) }

// Words are the three words of EcDoConnectEx's rgwClientVersion ([MS-OXCRPC] 3.1.4.1.3.1): major and minor in one, and the
// high bit of the second says so.
func (v Version) Words() [3]uint16 { return [3]uint16{v[0]<<8 | v[1]&0xFF, 0x8000 | v[2], v[3]} }

// Exclusions are steps of Autodiscover that settings switch off (Exclude... of Outlook).
type Exclusions struct {
	SCP, RootDomain, AutodiscoverDomain, Redirect, SRV bool
}

// ValueError is a value of a profile or a setting that cannot be used: which one, where it stands, and why. It answers
// errors.Is for what Err answers, and for mapi.ErrInvalidParameter.
type ValueError struct {
	Name   string // of the value: "RpcHttpProxyMap" or "PR_ROH_FLAGS"
	Where  string // its key or section
	Origin settings.Origin
	Err    error
}

func (e *ValueError) Error() string {
	s := e.Name + " of " + e.Where
	if e.Origin.File != "" {
		s += " (" + e.Origin.String() + ")"
	}
	return s + ": " + e.Err.Error()
}

// Unwrap gives the cause.
func (e *ValueError) Unwrap() error { return e.Err }

// Is implements errors.Is.
func (e *ValueError) Is(target error) bool { return target == mapi.ErrInvalidParameter }

// Connection resolves a dynamic profile: the proxy comes from RpcHttpProxyMap, the flags from "Ignore No PF". Errors are
// [*ValueError].
func (i Info) Connection(set *settings.Settings) (*Connection, error) {
	c := &Connection{Server: i.Server, Mailbox: i.Mailbox, Anonymous: i.Anonymous, Encrypt: true, IgnoreNoPF: set.On(settings.IgnoreNoPF),
		RPCAuth: RPCWinNT}
	if strings.Contains(i.Mailbox, "@") {
		c.SMTP = i.Mailbox
	}
	if i.Anonymous {
		c.ConnectFlags |= ConnectAnonymousAccess
	}
	if c.IgnoreNoPF {
		c.ConnectFlags |= ConnectIgnoreNoPF
	}
	if err := c.fromMap(set); err != nil {
		return nil, err
	}
	return c, c.common(set)
}

// Connection resolves a static profile. Where it is configured for RPC over HTTP (ROHFLAGS_USE_ROH) its own proxy counts; else
// RpcHttpProxyMap is asked for the server. A profile without an Exchange service is mapi.ErrNotFound; other errors are
// [*ValueError].
func (p *Profile) Connection(set *settings.Settings) (*Connection, error) {
	s, ok := p.Exchange()
	if !ok {
		return nil, &mapi.Error{Op: "connect by profile", Object: p.Name, Code: mapi.ErrNotFound, Err: fmt.Errorf("it has no Exchange service (%s)", MSEMS)}
	}
	flag := func(t mapi.Tag) uint32 {
		n, _ := s.Number(t)
		return uint32(n)
	}
	c := &Connection{Profile: p.Name, ServerDN: s.Text(TagHomeServerDN), User: s.Text(TagAuthUser), SMTP: smtpOf(s.Text(TagUserSMTPAddress)),
		ConnectFlags: ConnectFlags(flag(TagConnectFlags)), ConfigFlags: ConfigFlags(flag(TagConfigFlags)),
		ReconnectSeconds: int(flag(tagReconnectInterval)), RPCAuth: RPCWinNT}
	c.Server, c.Mailbox = s.Text(TagHomeServer), s.Text(TagUser)
	c.Resolved = c.Server != "" && c.Mailbox != ""
	c.Server = cmp.Or(c.Server, s.Text(TagUnresolvedServer))
	c.Mailbox = cmp.Or(c.Mailbox, s.Text(TagUnresolvedName), c.SMTP)
	if c.SMTP == "" && strings.Contains(c.Mailbox, "@") {
		c.SMTP = c.Mailbox
	}
	if c.Mailbox == "" && c.ConnectFlags&ConnectAnonymousAccess == 0 {
		return nil, &ValueError{Name: "PR_PROFILE_UNRESOLVED_NAME", Where: p.where(s), Err: fmt.Errorf("there is no mailbox: neither this nor PR_PROFILE_USER nor an SMTP address is set")}
	}
	for _, t := range s.Secrets() {
		if t.ID() == TagAuthPassword.ID() {
			c.Password = p.SecretName(s, t)
		}
	}
	c.Anonymous = c.ConnectFlags&ConnectAnonymousAccess != 0
	c.Encrypt = c.ConnectFlags&ConnectNoRPCEncryption == 0
	c.IgnoreNoPF = c.ConnectFlags&ConnectIgnoreNoPF != 0
	c.Cached = c.ConfigFlags&(ConfigOSTCachePrivate|ConfigOSTCacheOnly) != 0
	c.CachedPublic = c.ConfigFlags&ConfigOSTCachePublic != 0
	for _, svc := range p.Services() {
		for _, pr := range svc.Providers {
			c.PublicFolders = c.PublicFolders || pr.Type == PublicStore
		}
	}
	for _, b := range strings.FieldsFunc(s.Text(TagBindingOrder), func(r rune) bool { return r == ',' || r == ' ' }) {
		c.BindingOrder = append(c.BindingOrder, strings.ToLower(b))
	}
	var err error
	if flags := ROHFlags(flag(TagROHFlags)); flags&ROHUseROH != 0 {
		c.ROHFlags = flags
		err = c.fromROH(p, s)
	} else {
		err = c.fromMap(set)
	}
	if err != nil {
		return nil, err
	}
	if n, ok := s.Number(TagAuthPackage); ok { // the profile knows better than a map for all
		c.RPCAuth = RPCAuth(uint32(n))
	}
	if c.Cached || c.CachedPublic {
		c.Warnings = append(c.Warnings, fmt.Sprintf("profile %s asks for cached mode; mailboxes are opened online", p.Name))
	}
	return c, c.common(set)
}

// where names a section for people.
func (p *Profile) where(s *Section) string {
	return fmt.Sprintf("profile %s, section %s", p.Name, s.UID)
}

// smtpOf reads PR_PROFILE_USER_SMTP_EMAIL_ADDRESS, which Microsoft's example writes as =SMTP:user@domain.
func smtpOf(s string) string {
	if _, rest, ok := strings.Cut(s, ":"); ok && strings.EqualFold(s[:len(s)-len(rest)], "=SMTP:") {
		return rest
	}
	return s
}

// fromROH takes the proxy of a profile that is configured for RPC over HTTP.
func (c *Connection) fromROH(p *Profile, s *Section) error {
	bad := func(t mapi.Tag, format string, args ...any) error {
		return &ValueError{Name: NameOf(PlaceExchange, t), Where: p.where(s), Err: fmt.Errorf(format, args...)}
	}
	host := s.Text(TagROHProxyServer)
	if host == "" {
		return bad(TagROHProxyServer, "it is missing, and PR_ROH_FLAGS says that the profile has a proxy")
	}
	scheme := "http"
	if c.ROHFlags&ROHSSLOnly != 0 {
		scheme = "https"
	}
	proxy, err := parseProxy(scheme + "://" + host)
	if err != nil {
		return bad(TagROHProxyServer, "%q must be a host, without http:// or https:// before it", host)
	}
	c.Proxy, c.Source = proxy, "profile "+p.Name
	if n, ok := s.Number(TagROHAuthScheme); ok && n != 0 {
		left := n
		for _, a := range httpSchemes {
			if n&a.bit != 0 {
				c.HTTPAuth, left = append(c.HTTPAuth, a.auth), left&^a.bit
			}
		}
		if left != 0 {
			return bad(TagROHAuthScheme, "0x%x has bits that stand for no way to authenticate", uint32(n))
		}
	}
	c.Certificate.Ignore = c.ROHFlags&ROHIgnoreSecWarning != 0
	name := s.Text(TagROHPrincipalName)
	if c.ROHFlags&ROHMutualAuth == 0 || strings.EqualFold(name, "none") {
		return nil
	}
	if name == "" { // as Autodiscover has it: msstd: and the proxy
		c.Certificate.Name = proxy.Hostname()
		return nil
	}
	rest, ok := cutPrefixFold(name, "msstd:")
	if !ok || rest == "" || strings.ContainsAny(rest, "/: ") {
		return bad(TagROHPrincipalName, "%q isn't msstd: and a host", name)
	}
	c.Certificate.Name = strings.ToLower(rest)
	return nil
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

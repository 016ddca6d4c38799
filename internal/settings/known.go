package settings

import (
	"runtime"
	"slices"
	"strings"
)

// Keys of the values that MAPI/CDO read. Those of the machine are the native ones; MAPI/CDO, being 32-bit only, read them
// below Wow6432Node on 64-bit Windows, and so both are looked at.
const (
	// Messaging holds RpcHttpProxyMap.
	Messaging = CurrentUser + `\Software\Microsoft\Windows NT\CurrentVersion\Windows Messaging Subsystem`
	// MessagingMachine is the same for all users; the user's value comes first.
	MessagingMachine = LocalMachine + `\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Windows Messaging Subsystem`
	// MessagingOld is another key, without "Windows NT\CurrentVersion".
	MessagingOld = LocalMachine + `\SOFTWARE\Microsoft\Windows Messaging Subsystem`
	// CDO holds "Ignore No PF".
	CDO = MessagingOld + `\CDO`
	// Exchange holds MapiHttpDisabled.
	Exchange = CurrentUser + `\Software\Microsoft\Exchange`
	// Autodiscover holds the switches of Autodiscover's steps.
	Autodiscover = CurrentUser + `\Software\Microsoft\Office\16.0\Outlook\AutoDiscover`
	// MailClients holds the default mail client.
	MailClients = LocalMachine + `\SOFTWARE\Clients\Mail`
	// Own holds what neither MAPI nor CDO had a place for.
	Own = CurrentUser + `\Software\OpenCDO`
	// OwnMachine is the same for all users; the user's value comes first.
	OwnMachine = LocalMachine + `\SOFTWARE\OpenCDO`
	// MisspeltMessaging is how two published descriptions spell the key Messaging. MAPI doesn't read it.
	MisspeltMessaging = CurrentUser + `\Software\Microsoft\Windows NT\Current Version\Windows Messaging Subsystem`
)

// Names of known values.
const (
	RpcHttpProxyMap  = "RpcHttpProxyMap"
	IgnoreNoPF       = "Ignore No PF"
	MapiHttpDisabled = "MapiHttpDisabled"
	ClientVersion    = "Client Version"
	ApplicationTag   = "Application Tag"
	MergeProxyMaps   = "Merge Proxy Maps"
	MatchSubstring   = "Match Substring"
	Transports       = "Transports"
	CAFile           = "CA File"
	CertificatePins  = "Certificate Pins"
	DefaultProfile   = "DefaultProfile"
	SecretStore      = "Secret Store"

	ExcludeScpLookup               = "ExcludeScpLookup"
	ExcludeHttpsRootDomain         = "ExcludeHttpsRootDomain"
	ExcludeHttpsAutoDiscoverDomain = "ExcludeHttpsAutoDiscoverDomain"
	ExcludeHttpRedirect            = "ExcludeHttpRedirect"
	ExcludeSrvRecord               = "ExcludeSrvRecord"
)

// CurrentClientVersion is the version that is sent to servers where no setting says otherwise: new enough for MAPI over HTTP,
// and above all versions that servers refuse for want of public folders ([MS-OXCRPC] 3.1.4.1). MAPI/CDO's own is 6.5.
const CurrentClientVersion = "15.20.1.0"

// Setting describes a value that is read.
type Setting struct {
	Name     string   // empty: the key's default value
	Keys     []string // where it is looked for, the first one first
	Type     Type
	Tagged   bool // Name_<tag> is read, too, and comes first
	Meaning  string
	Default  string
	Evidence string // what this rests on: marks as docs/settings.md explains them, where needed with what they are for
	Unused   bool   // MAPI or Outlook read it; OpenCDO only shows it
}

// All are the known settings.
var All = []Setting{
	{Name: RpcHttpProxyMap, Keys: userAndMachine(Messaging, MessagingMachine), Type: TypeString, Tagged: true,
		Meaning: "Which proxy serves which server: SERVER=https://PROXY,HTTP-AUTH,RPC-AUTH,IGNORE-CERTIFICATE[;...]. SERVER is a name, a domain suffix, or with * and ? a pattern for the whole name; HTTP-AUTH is basic, ntlm, negotiate or winnt; RPC-AUTH is ntlm, negotiate, winnt, anonymous or none; IGNORE-CERTIFICATE is true or false. The first entry that matches counts.",
		Default: "none: the server is asked by Autodiscover", Evidence: "S; grammar K; machine key, separator and order U"},
	{Name: IgnoreNoPF, Keys: key32(CDO), Type: TypeDWord,
		Meaning: "1: dynamic profiles log on with CONNECT_IGNORE_NO_PF, so that an organisation without public folders doesn't refuse a client version below 12.",
		Default: "0", Evidence: "S; type and 64-bit path K"},
	{Name: MapiHttpDisabled, Keys: []string{Exchange}, Type: TypeDWord,
		Meaning: "1: no MAPI over HTTP; RPC over HTTP only.", Default: "0", Evidence: "K"},
	{Name: ExcludeScpLookup, Keys: []string{Autodiscover}, Type: TypeDWord, Meaning: "1: Autodiscover doesn't look for service connection points in the directory.",
		Default: "0", Evidence: "K"},
	{Name: ExcludeHttpsRootDomain, Keys: []string{Autodiscover}, Type: TypeDWord, Meaning: "1: Autodiscover doesn't ask https://DOMAIN.",
		Default: "0", Evidence: "K"},
	{Name: ExcludeHttpsAutoDiscoverDomain, Keys: []string{Autodiscover}, Type: TypeDWord, Meaning: "1: Autodiscover doesn't ask https://autodiscover.DOMAIN.",
		Default: "0", Evidence: "K"},
	{Name: ExcludeHttpRedirect, Keys: []string{Autodiscover}, Type: TypeDWord, Meaning: "1: Autodiscover doesn't ask http://autodiscover.DOMAIN for a redirection.",
		Default: "0", Evidence: "K"},
	{Name: ExcludeSrvRecord, Keys: []string{Autodiscover}, Type: TypeDWord, Meaning: "1: Autodiscover doesn't ask DNS for _autodiscover._tcp.DOMAIN.",
		Default: "0", Evidence: "K"},
	{Name: DefaultProfile, Keys: own(), Type: TypeString, Meaning: "The static profile that is used when none is named. MAPI keeps its own below the key Profiles of Windows Messaging Subsystem; that one isn't touched.",
		Default: "none", Evidence: "P"},
	{Name: ClientVersion, Keys: own(), Type: TypeString,
		Meaning: "The version of the client that is told to servers: four numbers with points between them. MAPI/CDO's own is 6.5; servers treat versions below 12 differently.",
		Default: CurrentClientVersion, Evidence: "P"},
	{Name: ApplicationTag, Keys: own(), Type: TypeString,
		Meaning: "The tag in RpcHttpProxyMap_<tag>.", Default: "the name of the program, without .exe", Evidence: "P; the rule U"},
	{Name: MergeProxyMaps, Keys: own(), Type: TypeDWord,
		Meaning: "1: all values are read whose names begin with RpcHttpProxyMap, not only that of the tag and the plain one.", Default: "0", Evidence: "P"},
	{Name: MatchSubstring, Keys: own(), Type: TypeDWord,
		Meaning: "1: a server pattern of RpcHttpProxyMap without wildcards matches anywhere in a name, not only at its end.", Default: "0", Evidence: "P"},
	{Name: Transports, Keys: own(), Type: TypeString,
		Meaning: "Which transports are tried, in order, with commas between them: mapihttp, rpchttp, rpctcp.", Default: "mapihttp,rpchttp,rpctcp", Evidence: "P"},
	{Name: CAFile, Keys: own(), Type: TypeString,
		Meaning: "File with certificates (PEM) to trust besides the system's.", Default: "none", Evidence: "P"},
	{Name: CertificatePins, Keys: own(), Type: TypeString,
		Meaning: "SHA-256 digests (hexadecimal) of server certificates that are trusted, with commas between them; any other is refused.", Default: "none", Evidence: "P"},
	{Name: SecretStore, Keys: own(), Type: TypeString,
		Meaning: "Where passwords are kept: auto, keyring or file. auto is the encrypted file where a passphrase is at hand, else the keyring.", Default: "auto", Evidence: "P"},
	{Name: "", Keys: []string{MailClients}, Type: TypeString, Meaning: "The default mail client, whose MAPI the system's mapi32.dll loads.", Default: "", Evidence: "S", Unused: true},
	{Name: "MAPI", Keys: key32(MessagingOld), Type: TypeString, Meaning: "1: Simple MAPI is installed.", Default: "", Evidence: "S", Unused: true},
	{Name: "MAPIX", Keys: key32(MessagingOld), Type: TypeString, Meaning: "1: Extended MAPI is installed.", Default: "", Evidence: "S", Unused: true},
	{Name: "MAPIXVER", Keys: key32(MessagingOld), Type: TypeString, Meaning: "The version of Extended MAPI.", Default: "", Evidence: "S", Unused: true},
}

func own() []string { return []string{Own, OwnMachine} }

func userAndMachine(user, machine string) []string {
	return append([]string{user}, key32(machine)...)
}

// Lookup finds the description of a value by its name, in any case; tagged names are found as their plain ones.
func Lookup(name string) (*Setting, bool) {
	for i := range All {
		s := &All[i]
		if strings.EqualFold(s.Name, name) || s.Tagged && len(name) > len(s.Name) && strings.EqualFold(s.Name+"_", name[:len(s.Name)+1]) {
			return s, name != ""
		}
	}
	return nil, false
}

// KeyToSet is the key under which a setting is to be set: where it is set already, else the first of its keys. What 64-bit
// Windows has in two views, other systems have in one.
func (s *Settings) KeyToSet(known *Setting, name string) string {
	if f, ok := s.Find(name); ok {
		return f.Key
	}
	for _, k := range known.Keys {
		if runtime.GOOS == "windows" || !strings.HasPrefix(k, LocalMachine+wow6432) {
			return k
		}
	}
	return known.Keys[0]
}

func knownKeys() []string {
	list := []string{MisspeltMessaging}
	for _, s := range All {
		for _, k := range s.Keys {
			if !slices.Contains(list, k) {
				list = append(list, k)
			}
		}
	}
	return list
}

// Found is a value that a known setting has.
type Found struct {
	Key, Name string
	Value     Value
	Origin    Origin
}

// Find gives the value of a known setting: that of the first of its keys which has one. The name may be a tagged one.
func (s *Settings) Find(name string) (Found, bool) {
	known, ok := Lookup(name)
	if !ok {
		return Found{}, false
	}
	for _, k := range known.Keys {
		if v, origin, ok := s.Value(k, name); ok {
			return Found{k, name, v, origin}, true
		}
	}
	return Found{}, false
}

// TextOf is the text of a known setting, or "" where it isn't set; blanks around it don't count.
func (s *Settings) TextOf(name string) string {
	if f, ok := s.Find(name); ok {
		if t, ok := f.Value.Text(); ok {
			return strings.TrimSpace(t)
		}
	}
	return ""
}

// On tells whether a known setting is a number other than zero.
func (s *Settings) On(name string) bool {
	f, _ := s.Find(name)
	n, ok := f.Value.Number()
	return ok && n != 0
}

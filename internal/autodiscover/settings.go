package autodiscover

import (
	"fmt"
	"strconv"
	"strings"
)

// ServerVersion is a server's version, such as 15.1.2507.39.
type ServerVersion struct {
	Major    int `xml:"MajorVersion"`
	Minor    int `xml:"MinorVersion"`
	Build    int `xml:"MajorBuildNumber"`
	Revision int `xml:"MinorBuildNumber"`
}

func (v ServerVersion) String() string {
	s := fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Build)
	if v.Revision != 0 {
		s += "." + strconv.Itoa(v.Revision)
	}
	return s
}

// Fields of the ServerVersion element, from the highest bit ([MS-OXDSCLI] 2.2.4.1.1.2): 4 bits that are 7, 6 of the major,
// 6 of the minor version, a bit that is 1, 15 of the build.
const (
	versionForm  = 7 << 28
	versionBuild = 1 << 15
)

// Hex is the value of the ServerVersion element, 8 hex digits. It has no revision.
func (v ServerVersion) Hex() string {
	return fmt.Sprintf("%08X", versionForm|uint32(v.Major&0x3F)<<22|uint32(v.Minor&0x3F)<<16|versionBuild|uint32(v.Build&0x7FFF))
}

// ParseServerVersion reads what Hex or String wrote; also 15.01.2507.039.
func ParseServerVersion(s string) (v ServerVersion, ok bool) {
	if parts := strings.Split(s, "."); len(parts) > 1 {
		into := []*int{&v.Major, &v.Minor, &v.Build, &v.Revision}
		if len(parts) > len(into) {
			return ServerVersion{}, false
		}
		for i, p := range parts {
			n, err := strconv.ParseUint(p, 10, 16)
			if err != nil {
				return ServerVersion{}, false
			}
			*into[i] = int(n)
		}
		return v, true
	}
	n, err := strconv.ParseUint(s, 16, 32)
	if err != nil || len(s) != 8 || n>>28 != versionForm>>28 {
		return v, false
	}
	return ServerVersion{Major: int(n >> 22 & 0x3F), Minor: int(n >> 16 & 0x3F), Build: int(n & 0x7FFF)}, true
}

// Settings that aren't a text at one place of POX.
const (
	settingAlternateMailboxes = "AlternateMailboxes"
	settingMapiHttpEnabled    = "MapiHttpEnabled"
)

// userSettings tells where POX has what a setting holds. Of two settings in one place the first is asked for, and the
// second only read.
var userSettings = []struct {
	name string
	at   func(*settingPlaces) *string
}{
	{"UserDisplayName", func(p *settingPlaces) *string { return &p.user.DisplayName }},
	{"UserDN", func(p *settingPlaces) *string { return &p.user.LegacyDN }},
	{"UserDeploymentId", func(p *settingPlaces) *string { return &p.user.DeploymentId }},
	{"AutoDiscoverSMTPAddress", func(p *settingPlaces) *string { return &p.user.AutoDiscoverSMTPAddress }},
	{"InternalRpcClientServer", func(p *settingPlaces) *string { return &p.exch.Server }},
	{"InternalMailboxServer", func(p *settingPlaces) *string { return &p.exch.Server }},
	{"InternalMailboxServerDN", func(p *settingPlaces) *string { return &p.exch.ServerDN }},
	{"CasVersion", func(p *settingPlaces) *string { return &p.exch.ServerVersion }},
	{"PublicFolderServer", func(p *settingPlaces) *string { return &p.exch.PublicFolderServer }},
	{"ActiveDirectoryServer", func(p *settingPlaces) *string { return &p.exch.AD }},
	{"InternalEwsUrl", func(p *settingPlaces) *string { return &p.exch.EwsURL }},
	{"InternalOABUrl", func(p *settingPlaces) *string { return &p.exch.OABURL }},
	{"ExternalMailboxServer", func(p *settingPlaces) *string { return &p.expr.Server }},
	{"ExternalMailboxServerRequiresSSL", func(p *settingPlaces) *string { return &p.expr.SSL }},
	{"ExternalMailboxServerAuthenticationMethods", func(p *settingPlaces) *string { return &p.expr.AuthPackage }},
	{"ExternalEwsUrl", func(p *settingPlaces) *string { return &p.expr.EwsURL }},
	{"ExternalOABUrl", func(p *settingPlaces) *string { return &p.expr.OABURL }},
	{settingMapiHttpEnabled, func(p *settingPlaces) *string { return &p.mapiHttp }},
}

// settingNames are the settings to ask for.
func settingNames() []string {
	names := make([]string, 0, len(userSettings)+1)
	for _, s := range userSettings {
		names = append(names, s.name)
	}
	return append(names, settingAlternateMailboxes)
}

type settingPlaces struct {
	user       User
	exch, expr Protocol
	mapiHttp   string
}

// Boolean values, as XML and POX have them.
const (
	isTrue, isFalse = "True", "False"
	sslOn, sslOff   = "On", "Off"
)

// fromSettings makes a POX answer of user settings. They have no URLs of MAPI/HTTP.
func fromSettings(settings []UserSetting) *Response {
	p := settingPlaces{exch: Protocol{Type: EXCH}, expr: Protocol{Type: EXPR}}
	account := &Account{AccountType: "email", Action: ActionSettings}
	values := map[string]string{}
	for _, s := range settings {
		if strings.EqualFold(s.Name, settingAlternateMailboxes) {
			account.AlternativeMailbox = append(account.AlternativeMailbox, s.Mailboxes...)
		} else {
			values[strings.ToLower(s.Name)] = strings.TrimSpace(s.Value)
		}
	}
	for _, s := range userSettings {
		if at := s.at(&p); *at == "" {
			*at = values[strings.ToLower(s.name)]
		}
	}
	if p.exch.Server != "" {
		account.Protocol = append(account.Protocol, p.exch)
	}
	if p.expr.Server != "" {
		p.expr.SSL = sslOff
		if !strings.EqualFold(values["externalmailboxserverrequiresssl"], isFalse) {
			p.expr.SSL = sslOn
		}
		account.Protocol = append(account.Protocol, p.expr)
	}
	return &Response{User: &p.user, Account: account}
}

// toSettings takes the settings that were asked for from a POX answer. What it hasn't is an error of that setting.
func toSettings(r *Response, names []string) (settings []UserSetting, failures []UserSettingError) {
	var p settingPlaces
	if r.User != nil {
		p.user = *r.User
	}
	p.mapiHttp = isFalse
	for _, protocol := range r.Account.Protocol {
		switch kind := protocol.Kind(); {
		case kind == EXCH:
			p.exch = protocol
			if v, ok := ParseServerVersion(protocol.ServerVersion); ok {
				p.exch.ServerVersion = v.String()
			}
		case kind == EXPR:
			p.expr = protocol
			p.expr.SSL = isFalse
			if strings.EqualFold(protocol.SSL, sslOn) {
				p.expr.SSL = isTrue
			}
		case strings.EqualFold(kind, MapiHttp):
			p.mapiHttp = isTrue
		}
	}
	for _, name := range names {
		if name == settingAlternateMailboxes {
			settings = append(settings, UserSetting{Type: mailboxesSetting, Name: name, Mailboxes: r.Account.AlternativeMailbox})
			continue
		}
		value, known := "", false
		for _, s := range userSettings {
			if s.name == name {
				value, known = *s.at(&p), true
			}
		}
		switch {
		case value != "":
			settings = append(settings, UserSetting{Type: stringSetting, Name: name, Value: value})
		case known:
			failures = append(failures, UserSettingError{SOAPSettingNotAvailable, "The setting isn't available.", name})
		default:
			failures = append(failures, UserSettingError{SOAPInvalidSetting, "The setting isn't known.", name})
		}
	}
	return settings, failures
}

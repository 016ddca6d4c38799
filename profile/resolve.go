package profile

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/opencdo/opencdo/internal/settings"
)

// MapValue is a value of RpcHttpProxyMap.
type MapValue struct {
	Key, Name string
	Value     string
	Origin    settings.Origin
}

// String names the value for people.
func (v MapValue) String() string {
	s := v.Key + `\` + v.Name
	if v.Origin.File != "" {
		s += " (" + v.Origin.String() + ")"
	}
	return s
}

// MapValues gives the values of RpcHttpProxyMap in the order in which they count: that of the application's tag before the
// plain one, and of each the user's before the machine's. With the setting "Merge Proxy Maps", those of other tags follow.
func MapValues(set *settings.Settings) []MapValue {
	known, _ := settings.Lookup(settings.RpcHttpProxyMap)
	names := []string{settings.RpcHttpProxyMap + "_" + applicationTag(set), settings.RpcHttpProxyMap}
	var list []MapValue
	add := func(key, name string) {
		v, origin, ok := set.Value(key, name)
		if text, isText := v.Text(); ok && isText {
			list = append(list, MapValue{key, name, text, origin})
		}
	}
	for _, name := range names {
		for _, key := range known.Keys {
			add(key, name)
		}
	}
	if !set.On(settings.MergeProxyMaps) {
		return list
	}
	for _, key := range known.Keys {
		for _, name := range set.Names(key) {
			if _, tagged := cutPrefixFold(name, settings.RpcHttpProxyMap+"_"); tagged && !strings.EqualFold(name, names[0]) {
				add(key, name)
			}
		}
	}
	return list
}

func applicationTag(set *settings.Settings) string {
	if t := set.TextOf(settings.ApplicationTag); t != "" {
		return t
	}
	name := filepath.Base(os.Args[0])
	if ext := filepath.Ext(name); strings.EqualFold(ext, ".exe") {
		return strings.TrimSuffix(name, ext)
	}
	return name
}

// nameOfServer is what patterns are compared with: of a legacy DN its last common name.
func nameOfServer(server string) string {
	if i := strings.LastIndex(strings.ToLower(server), "/cn="); strings.HasPrefix(server, "/") && i >= 0 {
		return server[i+len("/cn="):]
	}
	return server
}

// fromMap looks for the server in the values of RpcHttpProxyMap.
func (c *Connection) fromMap(set *settings.Settings) error {
	if c.Server == "" {
		return nil
	}
	c.Searched = MapValues(set)
	substring, server := set.On(settings.MatchSubstring), nameOfServer(c.Server)
	for _, v := range c.Searched {
		m, err := ParseProxyMap(v.Value)
		if err != nil {
			return &ValueError{Name: v.Name, Where: v.Key, Origin: v.Origin, Err: err}
		}
		e, ok := m.Find(server)
		if !ok && substring {
			e, ok = m.findSubstring(server)
		}
		if !ok {
			continue
		}
		c.Proxy, c.Source = e.Proxy, v.String()
		c.Certificate.Ignore = e.IgnoreCertificate
		c.HTTPAuth = []HTTPAuth{HTTPAuth(e.HTTPAuth)}
		if e.HTTPAuth == "winnt" {
			c.HTTPAuth[0] = HTTPNTLM
		}
		if c.RPCAuth, err = ParseRPCAuth(e.RPCAuth); err != nil {
			return &ValueError{Name: v.Name, Where: v.Key, Origin: v.Origin, Err: err}
		}
		return nil
	}
	if len(c.Searched) == 0 && len(set.Names(settings.MisspeltMessaging)) > 0 {
		c.Warnings = append(c.Warnings, fmt.Sprintf("the key %s isn't read: its name has a blank too many (it should be %s)", settings.MisspeltMessaging, settings.Messaging))
	}
	return nil
}

// findSubstring gives the first entry whose pattern is part of a server name.
func (m ProxyMap) findSubstring(server string) (ProxyEntry, bool) {
	for _, e := range m {
		if strings.Contains(strings.ToLower(server), strings.ToLower(e.Server)) {
			return e, true
		}
	}
	return ProxyEntry{}, false
}

// common takes what settings say for all profiles.
func (c *Connection) common(set *settings.Settings) error {
	bad := func(name string, err error) error {
		f, _ := set.Find(name)
		return &ValueError{Name: name, Where: f.Key, Origin: f.Origin, Err: err}
	}
	version := set.TextOf(settings.ClientVersion)
	if version == "" {
		version = settings.CurrentClientVersion
	}
	var err error
	if c.ClientVersion, err = ParseVersion(version); err != nil {
		return bad(settings.ClientVersion, err)
	}
	if c.Transports, err = transports(set); err != nil {
		return bad(settings.Transports, err)
	}
	c.Certificate.CAFile = set.TextOf(settings.CAFile)
	for _, pin := range fields(set.TextOf(settings.CertificatePins)) {
		b, err := hex.DecodeString(strings.ReplaceAll(pin, ":", ""))
		if err != nil || len(b) != 32 {
			return bad(settings.CertificatePins, fmt.Errorf("%q isn't a SHA-256 digest of 64 hexadecimal digits", pin))
		}
		c.Certificate.Pins = append(c.Certificate.Pins, [32]byte(b))
	}
	c.Autodiscover = Exclusions{SCP: set.On(settings.ExcludeScpLookup), RootDomain: set.On(settings.ExcludeHttpsRootDomain),
		AutodiscoverDomain: set.On(settings.ExcludeHttpsAutoDiscoverDomain), Redirect: set.On(settings.ExcludeHttpRedirect),
		SRV: set.On(settings.ExcludeSrvRecord)}
	return nil
}

func fields(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ';' || r == ' ' })
}

// transports gives those of the settings, without MAPI over HTTP where that is switched off.
func transports(set *settings.Settings) ([]Transport, error) {
	list := []Transport{MAPIHTTP, RPCHTTP, RPCTCP}
	if names := fields(set.TextOf(settings.Transports)); len(names) > 0 {
		list = nil
		for _, n := range names {
			t := Transport(strings.ToLower(n))
			if t != MAPIHTTP && t != RPCHTTP && t != RPCTCP {
				return nil, fmt.Errorf("%q is no transport: %s, %s or %s", n, MAPIHTTP, RPCHTTP, RPCTCP)
			}
			list = append(list, t)
		}
	}
	var out []Transport
	for _, t := range list {
		if t != MAPIHTTP || !set.On(settings.MapiHttpDisabled) {
			out = append(out, t)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no transport is left: %s is switched off by %s", MAPIHTTP, settings.MapiHttpDisabled)
	}
	return out, nil
}

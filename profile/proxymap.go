package profile

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/opencdo/opencdo/mapi"
)

// ProxyMap is the registry value RpcHttpProxyMap: which proxy serves which server, how to authenticate there and whether
// its certificate must be trusted. Its full grammar was never published; what is accepted here is the union of what is known:
// entries separated by ";" or line ends, blanks trimmed, trailing fields optional, case ignored.
type ProxyMap []ProxyEntry

// ProxyEntry is one entry: server=proxy,http-auth,rpc-auth,ignore-certificate.
type ProxyEntry struct {
	Server            string // a pattern: a name or domain suffix, or with "*" and "?" the whole name
	Proxy             *url.URL
	HTTPAuth          string // "basic", "ntlm", "negotiate", "winnt"
	RPCAuth           string // "ntlm", "negotiate", "winnt", "anonymous", "none"
	IgnoreCertificate bool   // accept a certificate that isn't trusted
}

// Defaults of omitted fields.
const (
	defaultHTTPAuth = "ntlm"
	defaultRPCAuth  = "ntlm"
)

// ParseProxyMap reads the value. Errors name the entry and are mapi.ErrInvalidParameter.
func ParseProxyMap(value string) (ProxyMap, error) {
	var m ProxyMap
	for i, text := range strings.FieldsFunc(value, func(r rune) bool { return r == ';' || r == '\n' || r == '\r' }) {
		if strings.TrimSpace(text) == "" {
			continue
		}
		e, err := parseEntry(text)
		if err != nil {
			return nil, &mapi.Error{Op: "read RpcHttpProxyMap", Object: fmt.Sprintf("entry %d (%s)", i+1, strings.TrimSpace(text)),
				Code: mapi.ErrInvalidParameter, Err: err}
		}
		m = append(m, e)
	}
	return m, nil
}

func parseEntry(text string) (ProxyEntry, error) {
	server, rest, ok := strings.Cut(text, "=")
	e := ProxyEntry{Server: strings.TrimSpace(server), HTTPAuth: defaultHTTPAuth, RPCAuth: defaultRPCAuth}
	if !ok || e.Server == "" {
		return e, fmt.Errorf("no server before \"=\"")
	}
	f := strings.Split(rest, ",")
	for i := range f {
		f[i] = strings.ToLower(strings.TrimSpace(f[i]))
	}
	if len(f) > 4 {
		return e, fmt.Errorf("%d fields where 4 are known", len(f))
	}
	u, err := parseProxy(f[0])
	if err != nil {
		return e, err
	}
	e.Proxy = u
	if len(f) > 1 && f[1] != "" {
		switch e.HTTPAuth = f[1]; e.HTTPAuth {
		case "basic", "ntlm", "negotiate", "winnt":
		default:
			return e, fmt.Errorf("HTTP authentication %q isn't basic, ntlm, negotiate or winnt", f[1])
		}
	}
	if len(f) > 2 && f[2] != "" {
		switch e.RPCAuth = f[2]; e.RPCAuth {
		case "ntlm", "negotiate", "winnt", "anonymous", "none":
		default:
			return e, fmt.Errorf("RPC authentication %q isn't ntlm, negotiate, winnt, anonymous or none", f[2])
		}
	}
	if len(f) > 3 && f[3] != "" {
		switch f[3] {
		case "true":
			e.IgnoreCertificate = true
		case "false":
		default:
			return e, fmt.Errorf("the certificate rule %q isn't true or false", f[3])
		}
	}
	return e, nil
}

// parseProxy reads a scheme and a host, perhaps with a port.
func parseProxy(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("the proxy %q must begin with https:// or http://", s)
	}
	if u.Hostname() == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, fmt.Errorf("the proxy %q must be a host after its scheme", s)
	}
	u.Path = ""
	return u, nil
}

// Find gives the first entry that matches a server name.
func (m ProxyMap) Find(server string) (ProxyEntry, bool) {
	for _, e := range m {
		if matches(strings.ToLower(e.Server), strings.ToLower(server)) {
			return e, true
		}
	}
	return ProxyEntry{}, false
}

// matches: a pattern with wildcards is for the whole name; one without is the name or a suffix of it after "." or "@".
func matches(pattern, name string) bool {
	if strings.ContainsAny(pattern, "*?") {
		return wildcard(pattern, name)
	}
	if name == pattern {
		return true
	}
	rest, ok := strings.CutSuffix(name, pattern)
	return ok && (strings.HasSuffix(rest, ".") || strings.HasSuffix(rest, "@") || pattern[0] == '.' || pattern[0] == '@')
}

// wildcard matches without recursion: after a mismatch it goes on from the last "*".
func wildcard(p, s string) bool {
	star, mark := -1, 0
	i, j := 0, 0
	for j < len(s) {
		switch {
		case i < len(p) && p[i] == '*':
			star, mark = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == s[j]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}

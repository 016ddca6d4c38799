// Package httpauth authenticates HTTP requests, on the client's and on the server's side: Basic (RFC 7617), Bearer (RFC 6750),
// and NTLM and Negotiate (RFC 4559; [MS-NTHT]), which belong to a connection.
package httpauth

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
)

// Scheme is a way to authenticate.
type Scheme uint8

// Schemes.
const (
	None Scheme = iota
	Basic
	NTLM
	Bearer
	Negotiate
	// Certificate is a client's certificate in TLS; requests carry nothing.
	Certificate
)

// strongest is the order in which clients choose.
var strongest = []Scheme{Negotiate, Bearer, NTLM, Basic}

var schemeNames = [...]string{"None", "Basic", "NTLM", "Bearer", "Negotiate", "Certificate"}

func (s Scheme) String() string {
	if int(s) < len(schemeNames) {
		return schemeNames[s]
	}
	return fmt.Sprintf("Scheme(%d)", s)
}

// ParseScheme reads a scheme's name, in upper or lower case.
func ParseScheme(name string) (Scheme, error) {
	for s, n := range schemeNames {
		if strings.EqualFold(name, n) {
			return Scheme(s), nil
		}
	}
	return None, fmt.Errorf("httpauth: unknown scheme %q; there are Basic, NTLM, Negotiate, Bearer and Certificate", name)
}

// boundToConnection says whether a success counts for all requests on a connection.
func (s Scheme) boundToConnection() bool { return s == NTLM || s == Negotiate }

// challenge is one of a WWW-Authenticate header (RFC 9110, 11.6.1).
type challenge struct {
	scheme Scheme // None for unknown ones
	token  []byte // of NTLM and Negotiate; nil: none
}

// maxToken bounds tokens in headers: tickets of users in many groups have up to 64 KiB in base64.
const maxToken = 96 << 10

// parseChallenges reads all values of a header. A value may have several challenges, and a parameter may have commas in it;
// what can't be understood is left out.
func parseChallenges(values []string) (list []challenge) {
	for _, v := range values {
		for v != "" {
			v = strings.TrimLeft(v, " \t,")
			var name string
			name, v = cutToken(v)
			if name == "" {
				break
			}
			c := challenge{}
			if s, err := ParseScheme(name); err == nil && s != Certificate {
				c.scheme = s
			}
			c.token, v = cutParameters(v)
			list = append(list, c)
		}
	}
	return list
}

// cutToken takes what looks like a token (RFC 9110, 5.6.2), or a token68 without its padding, off the front.
func cutToken(s string) (token, rest string) {
	n := strings.IndexAny(s, " \t,=\"")
	if n < 0 {
		n = len(s)
	}
	return s[:n], s[n:]
}

// cutParameters takes a challenge's token68 or parameters off.
func cutParameters(s string) (token []byte, rest string) {
	for first := true; ; first = false {
		before := s
		s = strings.TrimLeft(s, " \t")
		if !first {
			if !strings.HasPrefix(s, ",") {
				return token, s
			}
			s = strings.TrimLeft(s, " \t,")
		}
		name, after := cutToken(s)
		if name == "" {
			return token, after
		}
		padded := strings.TrimLeft(after, "=")
		ends := strings.TrimLeft(padded, " \t")
		if first && (ends == "" || ends[0] == ',') {
			if b, err := base64.StdEncoding.DecodeString(name + after[:len(after)-len(padded)]); err == nil && len(b) <= maxToken {
				token = b
			}
			s = ends
			continue
		}
		value, ok := strings.CutPrefix(strings.TrimLeft(after, " \t"), "=")
		if !ok { // the next challenge's scheme
			return token, before
		}
		s = cutValue(strings.TrimLeft(value, " \t"))
	}
}

func cutValue(s string) (rest string) {
	if !strings.HasPrefix(s, `"`) {
		_, rest = cutToken(s)
		return rest
	}
	for n := 1; n < len(s); n++ {
		switch s[n] {
		case '\\':
			n++
		case '"':
			return s[n+1:]
		}
	}
	return ""
}

// Offered are the schemes that WWW-Authenticate values name, without those that nobody here knows.
func Offered(values []string) (list []Scheme) {
	for _, c := range parseChallenges(values) {
		if c.scheme != None && !slices.Contains(list, c.scheme) {
			list = append(list, c.scheme)
		}
	}
	return list
}

func offers(list []challenge, s Scheme) bool {
	for _, c := range list {
		if c.scheme == s {
			return true
		}
	}
	return false
}

// tokenFor is the server's token in a handshake; nil: there is none.
func tokenFor(list []challenge, s Scheme) []byte {
	for _, c := range list {
		if c.scheme == s && len(c.token) > 0 {
			return c.token
		}
	}
	return nil
}

// header is a value of Authorization or WWW-Authenticate.
func header(s Scheme, token []byte) string {
	if token == nil {
		return s.String()
	}
	return s.String() + " " + base64.StdEncoding.EncodeToString(token)
}

package mapihttp

import (
	"net/http"
	"strings"
)

type cookie struct{ name, value string }

// jar holds the cookies of one session context: the latest of each, in the order
// in which they first came. Domain, path and age mean nothing here, because the
// cookies go to one URL only and the server ends the context, not the client.
type jar struct {
	cookies []cookie
	// epoch counts the sequenced requests begun and answered: a parallel answer
	// may carry an older sequence cookie than the one that a sequenced request
	// brought meanwhile, and counts only if none did.
	epoch uint64
}

// header is the value of the Cookie header, empty without cookies.
func (j *jar) header() string {
	var b strings.Builder
	for i, c := range j.cookies {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(c.name)
		b.WriteByte('=')
		b.WriteString(c.value)
	}
	return b.String()
}

// store takes the Set-Cookie headers of an answer.
func (j *jar) store(h http.Header) {
	for _, line := range h["Set-Cookie"] {
		pair, _, _ := strings.Cut(line, ";")
		c, ok := parseCookie(pair)
		if !ok {
			continue
		}
		j.set(c)
	}
}

func (j *jar) set(c cookie) {
	for i := range j.cookies {
		if j.cookies[i].name == c.name {
			j.cookies[i].value = c.value
			return
		}
	}
	j.cookies = append(j.cookies, c)
}

// parseCookie splits name=value. The value is opaque and may hold bytes that
// net/http's own cookie parser refuses.
func parseCookie(pair string) (cookie, bool) {
	name, value, ok := strings.Cut(strings.TrimSpace(pair), "=")
	return cookie{strings.TrimSpace(name), strings.TrimSpace(value)}, ok && name != ""
}

// requestCookie finds a cookie among the Cookie headers of a request.
func requestCookie(h http.Header, name string) (string, bool) {
	for _, line := range h["Cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			if c, ok := parseCookie(pair); ok && c.name == name {
				return c.value, true
			}
		}
	}
	return "", false
}

package localstore

import (
	"database/sql"
	"strings"
	"unicode"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// subject is the trinity of PidTagSubject, PidTagSubjectPrefix and PidTagNormalizedSubject ([MS-OXCMSG] 2.2.1.9, 2.2.1.10,
// 2.2.1.46): the first is the other two in a row. What is missing is made of what is there; what is there is left alone.
type subject struct {
	whole, prefix, normalized string
	given                     [3]bool // in that order
	known                     bool
	narrow                    bool // one of the given is a String8
}

func subjectOf(props mapi.Props) (s subject) {
	var narrow [3]bool
	s.whole, narrow[0], s.given[0] = textOf(props, pid.TagSubject)
	s.prefix, narrow[1], s.given[1] = textOf(props, pid.TagSubjectPrefix)
	s.normalized, narrow[2], s.given[2] = textOf(props, pid.TagNormalizedSubject)
	s.narrow = narrow[0] || narrow[1] || narrow[2]
	s.known = s.given[0] || s.given[2]
	switch {
	case !s.given[0]:
		s.whole = s.prefix + s.normalized
	case !s.given[1] && s.given[2] && strings.HasSuffix(s.whole, s.normalized):
		s.prefix = strings.TrimSuffix(s.whole, s.normalized)
	case !s.given[1]:
		s.prefix = subjectPrefix(s.whole)
	}
	if !s.given[2] {
		s.normalized = strings.TrimPrefix(s.whole, s.prefix)
	}
	return s
}

// subjectPrefix finds up to three characters other than digits before a colon and a space.
func subjectPrefix(s string) string {
	n := 0
	for i, r := range s {
		if r == ':' {
			if n > 0 && strings.HasPrefix(s[i:], ": ") {
				return s[:i+2]
			}
			return ""
		}
		if n++; n > 3 || unicode.IsDigit(r) {
			return ""
		}
	}
	return ""
}

// of is a member by its tag.
func (s *subject) of(t mapi.Tag) (v string, given bool) {
	switch t {
	case pid.TagSubject:
		return s.whole, s.given[0]
	case pid.TagSubjectPrefix:
		return s.prefix, s.given[1]
	}
	return s.normalized, s.given[2]
}

func (s *subject) column(t mapi.Tag) sql.NullString {
	v, _ := s.of(t)
	return sql.NullString{String: v, Valid: s.known}
}

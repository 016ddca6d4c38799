package compare

import (
	"crypto/sha256"
	"slices"
	"strings"
	"unicode"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Stores make some properties for items that come without. An item is compared as if it had them:
//
//   - PidTagSubjectPrefix and PidTagNormalizedSubject follow from PidTagSubject ([MS-OXCMSG] 2.2.1.9, 2.2.1.10); an empty one
//     is the same as none,
//   - message flags of zero are the same as none ([MS-OXCMSG] 2.2.1.6),
//   - a search key is made of nothing ([MS-OXCPRPT] 2.2.1.9): see Node.Core.

// made are the tags of the subject's parts and of flags, as facts have them.
var (
	subjectKey    = mapi.TagKey(pid.TagSubject)
	prefixKey     = mapi.TagKey(pid.TagSubjectPrefix)
	normalizedKey = mapi.TagKey(pid.TagNormalizedSubject)
	flagsKey      = mapi.TagKey(pid.TagMessageFlags)
	searchKey     = mapi.TagKey(pid.TagSearchKey)
)

// noteSubject keeps the values that a subject is made of.
func (n *Node) noteSubject(k mapi.Key, v mapi.Value) {
	switch k = fold(k); k {
	case subjectKey, prefixKey, normalizedKey:
		if n.subject == nil {
			n.subject = map[mapi.Key]mapi.Value{}
		}
		n.subject[k] = v
	}
}

// complete makes what is missing of an item.
func (n *Node) complete() {
	part := func(k mapi.Key) (string, bool) {
		switch v := n.subject[k].(type) {
		case string:
			return v, true
		case mapi.String8:
			return decode(n.page(), v), true
		}
		return "", false
	}
	whole, hasWhole := part(subjectKey)
	prefix, hasPrefix := part(prefixKey)
	normalized, hasNormalized := part(normalizedKey)
	switch {
	case hasPrefix || !hasWhole:
	case hasNormalized && strings.HasSuffix(whole, normalized):
		prefix = strings.TrimSuffix(whole, normalized)
	default:
		prefix = subjectPrefix(whole)
	}
	if !hasNormalized {
		normalized = strings.TrimPrefix(whole, prefix)
	}
	n.Facts = slices.DeleteFunc(n.Facts, func(f Fact) bool {
		return f.Key == prefixKey || f.Key == normalizedKey || f.Key == flagsKey && f.Sum == noFlags.Sum
	})
	for _, p := range []mapi.Prop{{Key: prefixKey, Value: prefix}, {Key: normalizedKey, Value: normalized}} {
		if p.Value != "" {
			f := Fact{Key: p.Key}
			f.set(p.Value)
			n.Facts = append(n.Facts, f)
		}
	}
	n.subject = nil
}

// noFlags is what an item without message flags has.
var noFlags = func() Fact {
	f := Fact{Key: flagsKey}
	f.set(int32(0))
	return f
}()

// subjectPrefix finds up to three characters other than digits before a colon and a space ([MS-OXCMSG] 3.2.5.2).
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

// Core is one hash for all of the item but what servers add to items that lack it: by it an item is known again after a
// server has stored it.
func (n *Node) Core() [sha256.Size]byte {
	return n.digestOf(func(of Object, k mapi.Key) bool { return !mayBeAdded(of, k) })
}

// keyless is one hash for all of the item but its search key.
func (n *Node) keyless() [sha256.Size]byte {
	c := *n
	c.Facts = slices.DeleteFunc(slices.Clone(n.Facts), func(f Fact) bool { return f.Key == searchKey })
	return c.Digest()
}

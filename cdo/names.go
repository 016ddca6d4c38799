package cdo

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/opencdo/opencdo/mapi"
)

// names gives named properties the ids from 0x8000 on that Field.ID shows. They hold for the session.
type names struct {
	ids    map[mapi.PropName]uint16
	byName []mapi.PropName // from 0x8000 on
}

const (
	firstNamedID = 0x8000
	maxNamedIDs  = 0xFFFF - firstNamedID // 0xFFFF is never a name's
)

// errNameQuota is MAPI_E_NAMED_PROP_QUOTA_EXCEEDED.
const errNameQuota mapi.Code = 0x80040900

// tag is the tag of a key in this session.
func (n *names) tag(k mapi.Key) (mapi.Tag, error) {
	if n == nil || !k.Named() {
		return k.Tag, nil
	}
	id, ok := n.ids[k.Name]
	if !ok {
		if len(n.byName) == maxNamedIDs {
			return 0, errNameQuota
		}
		id = firstNamedID + uint16(len(n.byName))
		n.byName = append(n.byName, k.Name)
		if n.ids == nil {
			n.ids = map[mapi.PropName]uint16{}
		}
		n.ids[k.Name] = id
	}
	return mapi.NewTag(id, k.Type()), nil
}

// key is the reverse of tag. An id that was never given out names nothing: CdoE_NOT_FOUND.
func (n *names) key(t mapi.Tag) (mapi.Key, error) {
	if n == nil || !t.Named() {
		return mapi.TagKey(t), nil
	}
	i := int(t.ID()) - firstNamedID
	if i >= len(n.byName) {
		return mapi.Key{}, &mapi.Error{Op: "find the name of", Object: t.String(), Code: mapi.ErrNotFound}
	}
	return mapi.NamedKey(n.byName[i], t.Type()), nil
}

// maxNameLength is the limit of CDO for names of custom fields, in characters.
const maxNameLength = 120

// parsePropset reads a property set: 32 hexadecimal digits in memory order, as CDO has it, or the usual form of a GUID with or
// without braces. Empty is PS_PUBLIC_STRINGS.
func parsePropset(s string) (mapi.GUID, error) {
	inner := strings.TrimSuffix(strings.TrimPrefix(s, "{"), "}")
	switch len(inner) {
	case 0:
		return mapi.PSPublicStrings, nil
	case 32:
		var g mapi.GUID
		if _, err := hex.Decode(g[:], []byte(inner)); err == nil {
			return g, nil
		}
	case 36:
		if g, err := mapi.ParseGUID(inner); err == nil {
			return g, nil
		}
	}
	return mapi.GUID{}, &mapi.Error{Op: "read property set", Object: strconv.Quote(s), Code: CdoE_INVALID_PARAMETER}
}

// fieldName is what the string index of a field says: a tag, or a name.
type fieldName struct {
	tag  mapi.Tag // when name is zero
	name mapi.PropName
}

// parseFieldName reads the name of a field: "Name", "{GUID}Name", "{GUID}0x8208", or a tag as "0x0037001E". propset wins over
// what is in braces; where neither is given, space is the property set. A number below 0x10000 cannot be a tag: it is one of
// the property set.
func parseFieldName(s, propset string, space mapi.GUID) (n fieldName, err error) {
	whole, explicit := s, propset != ""
	if strings.HasPrefix(s, "{") {
		set, rest, ok := strings.Cut(s[1:], "}")
		if !ok {
			return n, badName(whole)
		}
		s = rest
		if !explicit {
			propset, explicit = set, true
		}
	}
	if explicit {
		if space, err = parsePropset(propset); err != nil {
			return n, err
		}
	}
	if s == "" {
		return n, badName(whole)
	}
	if len([]rune(s)) > maxNameLength {
		return n, &mapi.Error{Op: "read field name", Code: CdoE_STRING_TOO_LONG, Err: fmt.Errorf("more than %d characters", maxNameLength)}
	}
	n.name = mapi.PropName{Set: space, Name: s}
	if len(s) > 2 && (s[:2] == "0x" || s[:2] == "0X") {
		v, err := strconv.ParseUint(s[2:], 16, 32)
		switch {
		case err != nil && !explicit:
			return n, badName(whole)
		case err != nil:
		case explicit || v < 0x10000:
			n.name = mapi.PropName{Set: space, LID: uint32(v)}
		default:
			n = fieldName{tag: mapi.Tag(v)}
		}
	}
	return n, nil
}

func badName(s string) error {
	return &mapi.Error{Op: "read field name", Object: strconv.Quote(s), Code: CdoE_INVALID_PARAMETER}
}

package exchangeserver

import (
	"strings"

	"github.com/opencdo/opencdo/internal/oxcmapihttp"
	"github.com/opencdo/opencdo/internal/oxnspi"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// getMatches is GetMatches ([MS-OXNSPI] 3.1.4.1.10). With a property name it lists the entries that a property of the
// present one names, of which users have none.
func (b *book) getMatches(q *oxcmapihttp.GetMatchesRequest, r *oxcmapihttp.GetMatchesResponse) mapi.Code {
	if code := b.checkState(q.State); code != 0 {
		return code
	}
	var rows []int
	if q.PropertyName == nil {
		filter, err := mapi.NewFilter(ambiguous(q.Filter))
		if err != nil {
			return mapi.CodeOf(err)
		}
		in := make([]bool, len(b.entries))
		for i := range in {
			in[i] = q.MinIDs == nil
		}
		for _, mid := range q.MinIDs {
			if row, ok := b.row(mid); ok {
				in[row] = true
			}
		}
		for row := range b.entries {
			if !in[row] {
				continue
			}
			ok, err := filter.Match(b.record(row))
			if err != nil {
				return mapi.CodeOf(err)
			}
			if ok {
				rows = append(rows, row)
			}
		}
	}
	if len(rows) > int(min(q.RowCount, maxBookRows)) {
		return mapi.ErrTableTooBig
	}
	r.State = q.State
	r.MinIDs = b.midsOf(rows)
	if q.Columns != nil {
		r.Rows = b.rowsOf(rows, q.Columns, flagEphemeral, q.State.CodePage)
	}
	return 0
}

// record is an entry as restrictions see it.
func (b *book) record(row int) mapi.Record {
	props := b.props(row, flagEphemeral)
	return mapi.Record{Get: func(k mapi.Key) mapi.Value {
		if k.Tag.ID() == pid.TagAnr.ID() {
			return b.entries[row].names()
		}
		v := value(props, k.Tag.WithType(k.Type()&^mapi.MultiInstance), 0)
		if _, missing := v.(mapi.Code); missing {
			// A multi-valued property is tested with the tag of one value too.
			v = value(props, k.Tag.WithType(k.Type()|mapi.MultiValue), 0)
		}
		if _, missing := v.(mapi.Code); missing {
			return nil
		}
		return v
	}}
}

// names are what an entry is found by when a name is ambiguous: the display name, its parts, alias and addresses.
func (e *entry) names() []string {
	names := append([]string{e.DisplayName, e.Alias, e.SMTPAddress, e.LegacyDN}, strings.FieldsFunc(e.DisplayName, func(r rune) bool { return r == ' ' || r == ',' || r == '-' })...)
	return names
}

// ambiguous makes comparisons with PidTagAnr ([MS-OXNSPI] 3.1.4.6) comparisons with the beginnings of names.
func ambiguous(r mapi.Restriction) mapi.Restriction {
	list := func(in []mapi.Restriction) []mapi.Restriction {
		out := make([]mapi.Restriction, len(in))
		for i, m := range in {
			out[i] = ambiguous(m)
		}
		return out
	}
	switch r := r.(type) {
	case mapi.ResAnd:
		return mapi.ResAnd(list(r))
	case mapi.ResOr:
		return mapi.ResOr(list(r))
	case mapi.ResNot:
		return mapi.ResNot{Res: ambiguous(r.Res)}
	case mapi.ResProperty:
		if r.Key.Tag.ID() == pid.TagAnr.ID() && r.Op == mapi.RelEQ {
			return mapi.ResContent{Fuzzy: mapi.FuzzyPrefix | mapi.FuzzyIgnoreCase | mapi.FuzzyIgnoreNonSpace, Key: r.Key, Value: bareName(r.Value)}
		}
	}
	return r
}

// bareName takes the address type off a name to be resolved.
func bareName(v mapi.Value) mapi.Value {
	var s string
	switch v := v.(type) {
	case string:
		s = v
	case mapi.String8:
		s = string(v)
	default:
		return v
	}
	return trimType(s)
}

func trimType(s string) string {
	s = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(s), "="))
	for _, p := range []string{"SMTP:", "EX:"} {
		if len(s) > len(p) && strings.EqualFold(s[:len(p)], p) {
			return s[len(p):]
		}
	}
	return s
}

// resolveNames is ResolveNames ([MS-OXNSPI] 3.1.4.1.17). A whole alias, address or display name wins over beginnings.
func (b *book) resolveNames(q *oxcmapihttp.ResolveNamesRequest, r *oxcmapihttp.ResolveNamesResponse) mapi.Code {
	if code := b.checkState(q.State); code != 0 {
		return code
	}
	r.CodePage = q.State.CodePage
	r.MinIDs = make([]uint32, len(q.Names))
	var rows []int
	for i, name := range q.Names {
		row, result := b.resolve(trimType(name))
		if r.MinIDs[i] = result; result == oxnspi.MidResolved {
			rows = append(rows, row)
		}
	}
	r.Rows = b.rowsOf(rows, q.Tags, flagEphemeral, q.State.CodePage)
	return 0
}

// resolve finds the entry that a name means.
func (b *book) resolve(name string) (row int, result uint32) {
	if name == "" {
		return 0, oxnspi.MidUnresolved
	}
	var whole, begins []int
	filter, err := mapi.NewFilter(ambiguous(mapi.ResProperty{Op: mapi.RelEQ, Key: mapi.TagKey(pid.TagAnr), Value: name}))
	if err != nil {
		return 0, oxnspi.MidUnresolved
	}
	for row := range b.entries {
		e := &b.entries[row]
		switch {
		case strings.EqualFold(name, e.Alias), strings.EqualFold(name, e.SMTPAddress), strings.EqualFold(name, e.LegacyDN):
			return row, oxnspi.MidResolved // these are unique
		case strings.EqualFold(name, e.DisplayName):
			whole = append(whole, row)
		}
		if ok, _ := filter.Match(b.record(row)); ok {
			begins = append(begins, row)
		}
	}
	for _, list := range [][]int{whole, begins} {
		switch len(list) {
		case 0:
		case 1:
			return list[0], oxnspi.MidResolved
		default:
			return 0, oxnspi.MidAmbiguous
		}
	}
	return 0, oxnspi.MidUnresolved
}

package profile

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/opencdo/opencdo/mapi"
)

// parseTag reads a tag as 0x6622001F.
func parseTag(s string) (mapi.Tag, bool) {
	digits, ok := strings.CutPrefix(strings.ToLower(s), "0x")
	if !ok || len(digits) != 8 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 16, 32)
	return mapi.Tag(n), err == nil
}

// ParseValue reads a value that someone typed or wrote into a .prf file: numbers are decimal or begin with 0x, truth is yes,
// no, true, false, 1 or 0, bytes are hexadecimal, lists have commas between their values.
func ParseValue(t mapi.Type, s string) (mapi.Value, error) {
	if t.Multi() {
		return parseList(t, s)
	}
	switch t {
	case mapi.TypeString:
		return s, nil
	case mapi.TypeString8:
		return string8(s)
	case mapi.TypeInt16:
		n, err := parseNumber(s, 16)
		return int16(n), err
	case mapi.TypeInt32:
		n, err := parseNumber(s, 32)
		return int32(n), err
	case mapi.TypeInt64:
		n, err := parseNumber(s, 64)
		return n, err
	case mapi.TypeTime:
		n, err := parseNumber(s, 64)
		return mapi.FileTime(n), err
	case mapi.TypeBool:
		switch strings.ToLower(strings.TrimSpace(s)) {
		case "yes", "true", "1":
			return true, nil
		case "no", "false", "0":
			return false, nil
		}
		return nil, fmt.Errorf("%q isn't yes or no", s)
	case mapi.TypeBinary:
		b, err := hex.DecodeString(strings.TrimPrefix(strings.ReplaceAll(s, " ", ""), "0x"))
		if err != nil {
			return nil, fmt.Errorf("%q isn't bytes in hexadecimal", s)
		}
		return b, nil
	case mapi.TypeGUID:
		return mapi.ParseGUID(s)
	}
	return nil, fmt.Errorf("values of type %v cannot be given as text", t)
}

// parseNumber reads a number that fits into so many bits, with or without a sign.
func parseNumber(s string, bits int) (int64, error) {
	s = strings.TrimSpace(s)
	if n, err := strconv.ParseInt(s, 0, bits); err == nil {
		return n, nil
	}
	u, err := strconv.ParseUint(s, 0, bits)
	if err != nil {
		return 0, fmt.Errorf("%q isn't a number of %d bits", s, bits)
	}
	switch bits { // its bits count: 0x8000F001 is a negative number
	case 16:
		return int64(int16(u)), nil
	case 32:
		return int64(int32(u)), nil
	}
	return int64(u), nil
}

func parseList(t mapi.Type, s string) (mapi.Value, error) {
	parts := strings.Split(s, ",")
	if s == "" {
		parts = nil
	}
	values := make([]mapi.Value, len(parts))
	for i, p := range parts {
		var err error
		if values[i], err = ParseValue(t.Base(), strings.TrimSpace(p)); err != nil {
			return nil, err
		}
	}
	return list(t, values)
}

// list makes the slice that a multiple type has of single values.
func list(t mapi.Type, values []mapi.Value) (mapi.Value, error) {
	switch t.Base() {
	case mapi.TypeInt16:
		return slice[int16](values), nil
	case mapi.TypeInt32:
		return slice[int32](values), nil
	case mapi.TypeInt64:
		return slice[int64](values), nil
	case mapi.TypeString:
		return slice[string](values), nil
	case mapi.TypeString8:
		return slice[mapi.String8](values), nil
	case mapi.TypeTime:
		return slice[mapi.FileTime](values), nil
	case mapi.TypeGUID:
		return slice[mapi.GUID](values), nil
	case mapi.TypeBinary:
		return slice[[]byte](values), nil
	}
	return nil, fmt.Errorf("no profile has lists of type %v", t.Base())
}

func slice[T any](values []mapi.Value) []T {
	out := make([]T, len(values))
	for i, v := range values {
		out[i] = v.(T)
	}
	return out
}

// each gives the values of a list.
func each(v mapi.Value) (values []mapi.Value) {
	switch v := v.(type) {
	case []int16:
		return unslice(v)
	case []int32:
		return unslice(v)
	case []int64:
		return unslice(v)
	case []string:
		return unslice(v)
	case []mapi.String8:
		return unslice(v)
	case []mapi.FileTime:
		return unslice(v)
	case []mapi.GUID:
		return unslice(v)
	case [][]byte:
		return unslice(v)
	}
	return nil
}

func unslice[T any](list []T) []mapi.Value {
	out := make([]mapi.Value, len(list))
	for i, v := range list {
		out[i] = v
	}
	return out
}

// PlainValue is a value as JSON has it and as it stands in a profile's file. Strings of both types are text, bytes are hexadecimal, and times are
// numbers, so that nothing is lost.
func PlainValue(t mapi.Type, v mapi.Value) (any, error) {
	if t.Multi() {
		out := []any{}
		for _, x := range each(v) {
			y, err := PlainValue(t.Base(), x)
			if err != nil {
				return nil, err
			}
			out = append(out, y)
		}
		return out, nil
	}
	switch v := v.(type) {
	case mapi.String8:
		return text8(v), nil
	case []byte:
		return hex.EncodeToString(v), nil
	case mapi.FileTime:
		return int64(v), nil
	case string, int16, int32, int64, bool, mapi.GUID:
		return v, nil
	}
	return nil, fmt.Errorf("no profile has values of type %v", t)
}

// valueOfJSON is the reverse of PlainValue.
func valueOfJSON(t mapi.Type, raw json.RawMessage) (mapi.Value, error) {
	if t.Multi() {
		var parts []json.RawMessage
		if err := json.Unmarshal(raw, &parts); err != nil {
			return nil, err
		}
		values := make([]mapi.Value, len(parts))
		for i, p := range parts {
			var err error
			if values[i], err = valueOfJSON(t.Base(), p); err != nil {
				return nil, err
			}
		}
		return list(t, values)
	}
	switch t {
	case mapi.TypeInt16:
		return unmarshal[int16](raw)
	case mapi.TypeInt32:
		return unmarshal[int32](raw)
	case mapi.TypeInt64:
		return unmarshal[int64](raw)
	case mapi.TypeTime:
		return unmarshal[mapi.FileTime](raw)
	case mapi.TypeBool:
		return unmarshal[bool](raw)
	case mapi.TypeGUID:
		return unmarshal[mapi.GUID](raw)
	case mapi.TypeString:
		return unmarshal[string](raw)
	case mapi.TypeString8, mapi.TypeBinary:
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return nil, err
		}
		if t == mapi.TypeString8 {
			return string8(s)
		}
		return hex.DecodeString(s)
	}
	return nil, fmt.Errorf("no profile has values of type %v", t)
}

func unmarshal[T any](raw json.RawMessage) (mapi.Value, error) {
	var v *T
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, err
	}
	if v == nil {
		return nil, errors.New("no value")
	}
	return *v, nil
}

// registryValue reads the bytes of a value of a profile section in the registry: the value as it lies in memory of the process
// that wrote it. Lists of strings and binaries are a count, sizes and offsets, of 32 or 64 bits as the process had them.
func registryValue(t mapi.Type, b []byte) (mapi.Value, error) {
	if t.Multi() {
		return registryList(t, b)
	}
	fixed := func(n int) error {
		if len(b) != n {
			return fmt.Errorf("%d bytes where a value of type %v has %d", len(b), t, n)
		}
		return nil
	}
	le := binary.LittleEndian
	switch t {
	case mapi.TypeInt16:
		if err := fixed(2); err != nil {
			return nil, err
		}
		return int16(le.Uint16(b)), nil
	case mapi.TypeInt32:
		if err := fixed(4); err != nil {
			return nil, err
		}
		return int32(le.Uint32(b)), nil
	case mapi.TypeBool:
		if err := fixed(2); err != nil {
			return nil, err
		}
		return le.Uint16(b) != 0, nil
	case mapi.TypeInt64, mapi.TypeTime:
		if err := fixed(8); err != nil {
			return nil, err
		}
		if t == mapi.TypeTime {
			return mapi.FileTime(le.Uint64(b)), nil
		}
		return int64(le.Uint64(b)), nil
	case mapi.TypeGUID:
		if err := fixed(16); err != nil {
			return nil, err
		}
		return mapi.GUID(b), nil
	case mapi.TypeString:
		if len(b)%2 != 0 {
			return nil, fmt.Errorf("a Unicode string of %d bytes", len(b))
		}
		s, _, _ := strings.Cut(mapi.DecodeUTF16(b), "\x00")
		return s, nil
	case mapi.TypeString8:
		s, _, _ := strings.Cut(string(b), "\x00")
		return mapi.String8(s), nil
	case mapi.TypeBinary:
		return b, nil
	}
	return nil, fmt.Errorf("no profile has values of type %v", t)
}

// sizes of what registryList reads.
const countSize, halfWord, word = 4, 4, 8

func registryList(t mapi.Type, b []byte) (mapi.Value, error) {
	base := t.Base()
	size := map[mapi.Type]int{mapi.TypeInt16: 2, mapi.TypeInt32: 4, mapi.TypeInt64: 8, mapi.TypeTime: 8, mapi.TypeGUID: 16}[base]
	var values []mapi.Value
	if size > 0 { // one after the other
		if len(b)%size != 0 {
			return nil, fmt.Errorf("%d bytes where values of type %v have %d each", len(b), base, size)
		}
		for ; len(b) > 0; b = b[size:] {
			v, err := registryValue(base, b[:size])
			if err != nil {
				return nil, err
			}
			values = append(values, v)
		}
		return list(t, values)
	}
	places, err := listPlaces(b, base == mapi.TypeBinary)
	if err != nil {
		return nil, err
	}
	for _, p := range places {
		part := b[p.from:]
		if base == mapi.TypeBinary {
			part = part[:p.size]
		} else if base == mapi.TypeString {
			part = part[:len(part)&^1]
		}
		v, err := registryValue(base, part)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return list(t, values)
}

type place struct{ from, size uint64 }

// listPlaces reads the table at the beginning of a list: a count, and for each value its offset, before which binaries have
// their size. The first value follows the table, which tells how wide the table's numbers are.
func listPlaces(b []byte, sized bool) ([]place, error) {
	if len(b) < countSize {
		return nil, fmt.Errorf("%d bytes where a list has %d at least", len(b), countSize)
	}
	n := uint64(binary.LittleEndian.Uint32(b))
	if n > uint64(len(b)) { // an entry has more than a byte
		return nil, fmt.Errorf("a list of %d values in %d bytes", n, len(b))
	}
	if n == 0 {
		return nil, nil
	}
	for _, width := range []uint64{word, halfWord} {
		entry := width
		if sized {
			entry = 2 * width
		}
		if countSize+n*entry > uint64(len(b)) {
			continue
		}
		number := func(at uint64) uint64 {
			if width == word {
				return binary.LittleEndian.Uint64(b[at:])
			}
			return uint64(binary.LittleEndian.Uint32(b[at:]))
		}
		if number(countSize+entry-width) != countSize+n*entry {
			continue
		}
		places := make([]place, n)
		for i := range places {
			at := countSize + uint64(i)*entry
			places[i].from = number(at + entry - width)
			if sized {
				places[i].size = uint64(binary.LittleEndian.Uint32(b[at:]))
			}
			if p := places[i]; p.from > uint64(len(b)) || p.size > uint64(len(b))-p.from {
				return nil, fmt.Errorf("value %d of a list lies outside of it", i+1)
			}
		}
		return places, nil
	}
	return nil, errors.New("a list whose values don't follow its table")
}

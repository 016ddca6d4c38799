package storetest

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// maxDifferences ends a report: more don't help to find what is wrong.
const maxDifferences = 25

// DiffItems tells how b differs from a, a line for each difference, or "" when they are the same item. The order of
// recipients, attachments and values of lists counts, that of properties doesn't. Large values compare equal whether
// they are in memory or not. Properties in ignore, whatever their type, are left out at every level.
func DiffItems(a, b *mapi.Item, ignore ...mapi.Key) string {
	d := &differ{ignore: keySet(ignore)}
	d.items("", a, b)
	return d.String()
}

// keySet is a set of keys, whatever their type.
func keySet(keys []mapi.Key) map[mapi.Key]bool {
	m := make(map[mapi.Key]bool, len(keys))
	for _, k := range keys {
		m[k.WithType(0)] = true
	}
	return m
}

type differ struct {
	ignore map[mapi.Key]bool  // not compared
	added  map[mapi.Key]bool  // may come from nowhere
	bits   map[mapi.Tag]int32 // not compared
	lines  []string
}

func (d *differ) String() string {
	lines := d.lines
	if n := len(lines); n > maxDifferences {
		lines = append(lines[:maxDifferences:maxDifferences], fmt.Sprintf("and %d more", n-maxDifferences))
	}
	return strings.Join(lines, "\n")
}

func (d *differ) add(format string, args ...any) {
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

func (d *differ) items(where string, a, b *mapi.Item) {
	d.props(where, a.Props, b.Props)
	if len(a.Recipients) != len(b.Recipients) {
		d.add("%s%d recipients, then %d", where, len(a.Recipients), len(b.Recipients))
	}
	for i := range min(len(a.Recipients), len(b.Recipients)) {
		d.props(fmt.Sprintf("%srecipient %d: ", where, i), a.Recipients[i], b.Recipients[i])
	}
	if len(a.Attachments) != len(b.Attachments) {
		d.add("%s%d attachments, then %d", where, len(a.Attachments), len(b.Attachments))
	}
	for i := range min(len(a.Attachments), len(b.Attachments)) {
		x, y := a.Attachments[i], b.Attachments[i]
		at := fmt.Sprintf("%sattachment %d: ", where, i)
		d.props(at, x.Props, y.Props)
		switch {
		case x.Embedded != nil && y.Embedded != nil:
			d.items(at+"embedded: ", x.Embedded, y.Embedded)
		case x.Embedded != nil:
			d.add("%sembedded item is missing", at)
		case y.Embedded != nil:
			d.add("%sembedded item came from nowhere", at)
		}
	}
}

func (d *differ) props(where string, a, b mapi.Props) {
	x, y := d.index(where, a), d.index(where, b)
	keys := make([]mapi.Key, 0, len(x))
	for k := range x {
		keys = append(keys, k)
	}
	for k := range y {
		if _, ok := x[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, mapi.Key.Compare)
	for _, k := range keys {
		v, had := x[k]
		w, has := y[k]
		switch {
		case !has:
			d.add("%s%s is missing, was %s", where, keyName(k), show(v))
		case !had && d.added[k.WithType(0)]:
		case !had:
			d.add("%s%s came from nowhere: %s", where, keyName(k), show(w))
		case !equal(v, w):
			d.add("%s%s was %s, then %s%s", where, keyName(k), show(v), show(w), firstDifference(v, w))
		}
	}
}

func (d *differ) index(where string, ps mapi.Props) map[mapi.Key]mapi.Value {
	m := make(map[mapi.Key]mapi.Value, len(ps))
	for _, p := range ps {
		if d.ignore[p.Key.WithType(0)] {
			continue
		}
		if _, ok := m[p.Key]; ok {
			d.add("%s%s is there twice", where, keyName(p.Key))
		}
		v := load(p.Key.Type(), p.Value)
		if n, ok := v.(int32); ok {
			v = n &^ d.bits[p.Key.Tag]
		}
		m[p.Key] = v
	}
	return m
}

// load reads a Blob; a failure becomes the value, so that it shows as a difference.
func load(t mapi.Type, v mapi.Value) mapi.Value {
	b, ok := v.(mapi.Blob)
	if !ok {
		return v
	}
	r, err := b.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if int64(len(data)) != b.Size() {
		return fmt.Errorf("a blob that says %d bytes and has %d", b.Size(), len(data))
	}
	v, err = mapi.BytesValue(t, data)
	if err != nil {
		return err
	}
	return v
}

// equal compares two values to the bit; nil and empty lists are the same.
func equal(a, b mapi.Value) bool {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	if !x.IsValid() || !y.IsValid() || x.Type() != y.Type() {
		return a == nil && b == nil
	}
	switch x.Kind() {
	case reflect.Float32, reflect.Float64:
		return math.Float64bits(x.Float()) == math.Float64bits(y.Float())
	case reflect.Slice:
		if x.Type().Elem().Kind() == reflect.Uint8 {
			return bytes.Equal(x.Bytes(), y.Bytes())
		}
		if x.Len() != y.Len() {
			return false
		}
		for i := range x.Len() {
			if !equal(x.Index(i).Interface(), y.Index(i).Interface()) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(a, b)
}

func keyName(k mapi.Key) string {
	if n := pid.Name(k); n != "" {
		return n + " (" + k.String() + ")"
	}
	return k.String()
}

// show is a value for people, cut to a readable length.
func show(v mapi.Value) string {
	s := fmt.Sprintf("%#v", v)
	switch v := v.(type) {
	case string:
		s = fmt.Sprintf("%q", head(v, 60))
	case mapi.String8:
		s = fmt.Sprintf("8-bit %q", head(string(v), 60))
	case mapi.FileTime:
		s = v.String()
	case error:
		s = v.Error()
	default:
		if b, ok := mapi.ValueBytes(v); ok {
			s = fmt.Sprintf("%T %x", v, head(string(b), 30))
		}
	}
	if b, ok := mapi.ValueBytes(v); ok && len(b) > 60 {
		s += fmt.Sprintf(" (%d bytes)", len(b))
	}
	return head(s, 200)
}

func head(s string, n int) string {
	if len(s) > n {
		return s[:n] + "..."
	}
	return s
}

// firstDifference says where two long values part.
func firstDifference(a, b mapi.Value) string {
	x, ok := mapi.ValueBytes(a)
	y, ok2 := mapi.ValueBytes(b)
	if !ok || !ok2 || len(x) < 60 {
		return ""
	}
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return fmt.Sprintf(", from byte %d on", i)
		}
	}
	return fmt.Sprintf(", from byte %d on", min(len(x), len(y)))
}

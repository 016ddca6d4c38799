package compare

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/opencdo/opencdo/internal/codepage"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Fact is what is known of a property: enough to tell whether two are the same, and something to show.
type Fact struct {
	Key  mapi.Key
	Sum  [sha256.Size]byte
	Text string // the value, shortened
	raw  mapi.Value
}

// Fingerprint is a sink that takes an item and keeps a hash of each property, so that items of any size can be compared.
// String8 and String values are the same when they are the same text in the item's code page.
type Fingerprint struct {
	root  Node
	stack []*Node
}

// Node is the fingerprint of an item, recipient or attachment.
type Node struct {
	Of          Object
	Facts       []Fact // sorted by key
	Recipients  []*Node
	Attachments []*Node
	Embedded    *Node
	codePage    int
	subject     map[mapi.Key]mapi.Value // its parts, while facts are gathered
	parent      *Node
}

func (f *Fingerprint) top() *Node {
	if len(f.stack) == 0 {
		f.root.Of = OfItem
		f.stack = append(f.stack, &f.root)
	}
	return f.stack[len(f.stack)-1]
}

// maxText is how much of a value is kept to be shown.
const maxText = 80

// Prop implements mapi.ItemSink.
func (f *Fingerprint) Prop(k mapi.Key, v mapi.Value) error {
	n := f.top()
	n.noteCodePage(k, v)
	n.noteSubject(k, v)
	part, ok := Compared(n.Of, k, v)
	if !ok {
		return nil
	}
	fact := Fact{Key: fold(k)}
	switch part.(type) {
	case mapi.String8, []mapi.String8:
		fact.raw = part // waits for the code page, which may come later
	default:
		fact.set(part)
	}
	n.Facts = append(n.Facts, fact)
	return nil
}

// Stream implements mapi.ItemSink.
func (f *Fingerprint) Stream(k mapi.Key, size int64, r io.Reader) error {
	n := f.top()
	if k.Type() == mapi.TypeString8 { // text is compared decoded, and 8-bit bodies this large are rare enough to hold
		b, err := io.ReadAll(io.LimitReader(r, maxString8))
		if err != nil {
			return err
		}
		if extra, _ := io.Copy(io.Discard, r); extra > 0 {
			return &mapi.Error{Op: "compare", Object: k.String(), Code: mapi.ErrNoMemory,
				Err: fmt.Errorf("an 8-bit string of more than %d MiB", maxString8>>20)}
		}
		return f.Prop(k, mapi.String8(b))
	}
	if _, ok := Compared(n.Of, k, nil); !ok {
		_, err := io.Copy(io.Discard, r)
		return err
	}
	h := newHash(fold(k).Type())
	read, err := io.Copy(h, r)
	if err != nil {
		return err
	}
	fact := Fact{Key: fold(k), Text: fmt.Sprintf("%d bytes", read)}
	h.Sum(fact.Sum[:0])
	n.Facts = append(n.Facts, fact)
	return nil
}

// maxString8 bounds an 8-bit string that has to be decoded.
const maxString8 = 64 << 20

// Recipient implements mapi.ItemSink.
func (f *Fingerprint) Recipient() error {
	p := f.top()
	n := &Node{Of: OfRecipient, parent: p}
	p.Recipients = append(p.Recipients, n)
	f.stack = append(f.stack, n)
	return nil
}

// Attachment implements mapi.ItemSink.
func (f *Fingerprint) Attachment() error {
	p := f.top()
	n := &Node{Of: OfAttachment, parent: p}
	p.Attachments = append(p.Attachments, n)
	f.stack = append(f.stack, n)
	return nil
}

// Embedded implements mapi.ItemSink.
func (f *Fingerprint) Embedded() error {
	p := f.top()
	p.Embedded = &Node{Of: OfItem, parent: p}
	f.stack = append(f.stack, p.Embedded)
	return nil
}

// End implements mapi.ItemSink.
func (f *Fingerprint) End() error {
	if len(f.stack) < 2 {
		return &mapi.Error{Op: "compare", Code: mapi.ErrInvalidParameter, Err: fmt.Errorf("an end without beginning in the item stream")}
	}
	f.stack = f.stack[:len(f.stack)-1]
	return nil
}

// Node gives the finished fingerprint.
func (f *Fingerprint) Node() *Node {
	f.top()
	f.root.finish()
	return &f.root
}

func (n *Node) noteCodePage(k mapi.Key, v mapi.Value) {
	if cp, ok := v.(int32); ok && !k.Named() {
		switch k.Tag {
		case pid.TagMessageCodepage:
			n.codePage = int(cp)
		case pid.TagInternetCodepage:
			if n.codePage == 0 {
				n.codePage = int(cp)
			}
		}
	}
}

// defaultCodePage is for items that do not name one: what Western Outlook wrote.
const defaultCodePage = 1252

func (n *Node) page() int {
	for ; n != nil; n = n.parent {
		if n.codePage != 0 {
			return n.codePage
		}
	}
	return defaultCodePage
}

func (n *Node) finish() {
	for i := range n.Facts {
		f := &n.Facts[i]
		switch v := f.raw.(type) {
		case mapi.String8:
			f.set(decode(n.page(), v))
		case []mapi.String8:
			list := make([]string, len(v))
			for j, s := range v {
				list[j] = decode(n.page(), s)
			}
			f.set(list)
		}
		f.raw = nil
	}
	if n.Of == OfItem {
		n.complete()
	}
	slices.SortStableFunc(n.Facts, func(a, b Fact) int { return a.Key.Compare(b.Key) })
	for _, r := range n.Recipients {
		r.finish()
	}
	for _, a := range n.Attachments {
		a.finish()
	}
	if n.Embedded != nil {
		n.Embedded.finish()
	}
}

// decode gives the text of an 8-bit string, or its bytes one by one where the code page doesn't have them.
func decode(page int, s mapi.String8) string {
	if t, ok := codepage.DecodeWhole(page, []byte(s)); ok {
		return t
	}
	t, _ := codepage.Decode(28591, []byte(s))
	return t
}

// fold makes String8 keys String keys, and the names of Internet headers lower case, as servers do ([MS-OXCPRPT]
// 3.2.5.9: their case means nothing).
func fold(k mapi.Key) mapi.Key {
	if k.Name.Set == mapi.PSInternetHeaders {
		k.Name.Name = strings.ToLower(k.Name.Name)
	}
	if k.Type().Base() == mapi.TypeString8 {
		return k.WithType(k.Type() - mapi.TypeString8 + mapi.TypeString)
	}
	return k
}

// Digest is one hash for all of the item.
func (n *Node) Digest() [sha256.Size]byte {
	return n.digestOf(func(Object, mapi.Key) bool { return true })
}

// digestOf is one hash for what counts of the item.
func (n *Node) digestOf(counts func(Object, mapi.Key) bool) [sha256.Size]byte {
	h := sha256.New()
	n.digest(h, counts)
	return [sha256.Size]byte(h.Sum(nil))
}

func (n *Node) digest(h hash.Hash, counts func(Object, mapi.Key) bool) {
	count := func(i int) { h.Write(binary.LittleEndian.AppendUint32(nil, uint32(i))) }
	facts := slices.DeleteFunc(slices.Clone(n.Facts), func(f Fact) bool { return !counts(n.Of, f.Key) })
	count(len(facts))
	for _, f := range facts {
		io.WriteString(h, f.Key.String())
		h.Write(f.Sum[:])
	}
	count(len(n.Recipients))
	for _, r := range n.Recipients {
		r.digest(h, counts)
	}
	count(len(n.Attachments))
	for _, a := range n.Attachments {
		a.digest(h, counts)
		if a.Embedded == nil {
			count(0)
			continue
		}
		count(1)
		a.Embedded.digest(h, counts)
	}
}

func newHash(t mapi.Type) hash.Hash {
	h := sha256.New()
	h.Write(binary.LittleEndian.AppendUint16(nil, uint16(t)))
	return h
}

// set hashes a value: as Stream does for those that can come as streams, by its printed form otherwise.
func (f *Fact) set(v mapi.Value) {
	h := newHash(f.Key.Type())
	if raw, ok := mapi.ValueBytes(v); ok {
		h.Write(raw)
	} else {
		io.WriteString(h, exact(v))
	}
	h.Sum(f.Sum[:0])
	f.Text = Show(v)
}

// exact is a form that differs for different values.
func exact(v mapi.Value) string {
	switch v := v.(type) {
	case float32:
		return strconv.FormatUint(uint64(math.Float32bits(v)), 16)
	case float64:
		return strconv.FormatUint(math.Float64bits(v), 16)
	case mapi.AppTime:
		return strconv.FormatUint(math.Float64bits(float64(v)), 16)
	case []string:
		return fmt.Sprintf("%q", v)
	case [][]byte:
		return fmt.Sprintf("%x", v)
	}
	return fmt.Sprintf("%#v", v)
}

// Show is a value for people, shortened.
func Show(v mapi.Value) string {
	s := ""
	switch v := v.(type) {
	case string:
		s = strconv.Quote(v)
	case []byte:
		s = "0x" + hex.EncodeToString(v[:min(len(v), maxText/2)])
	case fmt.Stringer:
		s = v.String()
	default:
		s = fmt.Sprintf("%v", v)
	}
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "") + "…"
	}
	return s
}

// Delta is a difference within an item.
type Delta struct {
	Where string   `json:"where,omitempty"` // "recipient 2", "attachment 1 / item": empty for the item itself
	Key   mapi.Key `json:"-"`
	What  string   `json:"property"` // the property's name, or what is missing
	A     string   `json:"a"`        // value on each side, empty when it isn't there
	B     string   `json:"b"`
}

// Deltas compares two fingerprints.
func Deltas(a, b *Node) []Delta { return deltas(nil, "", a, b) }

func deltas(out []Delta, where string, a, b *Node) []Delta {
	i, j := 0, 0
	for i < len(a.Facts) || j < len(b.Facts) {
		c := 0
		switch {
		case i == len(a.Facts):
			c = 1
		case j == len(b.Facts):
			c = -1
		default:
			c = a.Facts[i].Key.Compare(b.Facts[j].Key)
		}
		switch {
		case c < 0:
			if f := a.Facts[i]; !mayBeAdded(a.Of, f.Key) {
				out = append(out, Delta{where, f.Key, name(f.Key), f.Text, ""})
			}
			i++
		case c > 0:
			if f := b.Facts[j]; !mayBeAdded(b.Of, f.Key) {
				out = append(out, Delta{where, f.Key, name(f.Key), "", f.Text})
			}
			j++
		default:
			if a.Facts[i].Sum != b.Facts[j].Sum {
				out = append(out, Delta{where, a.Facts[i].Key, name(a.Facts[i].Key), a.Facts[i].Text, b.Facts[j].Text})
			}
			i++
			j++
		}
	}
	out = listDeltas(out, where, "recipient", a.Recipients, b.Recipients)
	out = listDeltas(out, where, "attachment", a.Attachments, b.Attachments)
	switch {
	case a.Embedded == nil && b.Embedded == nil:
	case a.Embedded == nil:
		out = append(out, Delta{Where: where, What: "embedded item", B: "there"})
	case b.Embedded == nil:
		out = append(out, Delta{Where: where, What: "embedded item", A: "there"})
	default:
		out = deltas(out, join(where, "item"), a.Embedded, b.Embedded)
	}
	return out
}

func mayBeAdded(of Object, k mapi.Key) bool {
	return !k.Named() && added[computedKey{k.Tag.ID(), of}]
}

func listDeltas(out []Delta, where, what string, a, b []*Node) []Delta {
	for i := range max(len(a), len(b)) {
		at := join(where, fmt.Sprintf("%s %d", what, i+1))
		switch {
		case i >= len(a):
			out = append(out, Delta{Where: at, What: what, B: "there"})
		case i >= len(b):
			out = append(out, Delta{Where: at, What: what, A: "there"})
		default:
			out = deltas(out, at, a[i], b[i])
		}
	}
	return out
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + " / " + b
}

func name(k mapi.Key) string {
	return cmp.Or(pid.Name(k), pid.MAPIName(k.Tag), k.String())
}

package oxcfxics_test

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"testing"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcfxics"
	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

func discardContent(stream []byte, root oxcfxics.Root) error {
	for _, err := range oxcfxics.Parts(oxcfxics.NewReader(bytes.NewReader(stream)), root) {
		if err != nil {
			return err
		}
	}
	return nil
}

// TestGrammar reads streams whose markers stand where [MS-OXCFXICS] 2.2.4.2 doesn't have them.
func TestGrammar(t *testing.T) {
	const (
		subject = "1f003700 02000000 0000 "
		recip   = "03000340 03000440 "
		attach  = "03000040 03000e40 "
	)
	for name, c := range map[string]struct {
		root   oxcfxics.Root
		stream string
		offset int64 // of what is wrong
	}{
		"recipient after attachment":       {oxcfxics.RootMessageList, "03000c40" + attach + recip, 12},
		"property after recipients":        {oxcfxics.RootMessageList, "03000c40" + recip + subject, 12},
		"message in a message":             {oxcfxics.RootMessageList, "03000c40 03000c40", 4},
		"message without end":              {oxcfxics.RootMessageList, "03000c40" + subject, 14},
		"recipient without end":            {oxcfxics.RootMessageList, "03000c40 03000340" + subject + "03000d40", 18},
		"attachment ended as recipient":    {oxcfxics.RootMessageList, "03000c40 03000040 03000440", 8},
		"two embedded messages":            {oxcfxics.RootMessageList, "03000c40 03000040 03000140 03000240 03000140", 16},
		"embedded message without end":     {oxcfxics.RootMessageList, "03000c40 03000040 03000140 03000e40", 12},
		"property between messages":        {oxcfxics.RootMessageList, "03000c40 03000d40" + subject, 8},
		"folder ended twice":               {oxcfxics.RootTopFolder, "03000940 03000b40 03000b40", 8},
		"folder without end":               {oxcfxics.RootTopFolder, "03000940", 4},
		"messages after subfolders":        {oxcfxics.RootTopFolder, "03000940 03000a40 03000b40 03000c40", 12},
		"no folder":                        {oxcfxics.RootTopFolder, "", 0},
		"change without message":           {oxcfxics.RootContents, "03001240" + subject + "03001340", 14},
		"message without change":           {oxcfxics.RootContents, "03001540", 0},
		"synchronization without state":    {oxcfxics.RootContents, "03001440", 0},
		"synchronization without end":      {oxcfxics.RootContents, "03003a40 03003b40", 8},
		"deletions after read states":      {oxcfxics.RootContents, "03002f40 03001340", 4},
		"read states of folders":           {oxcfxics.RootHierarchy, "03002f40", 0},
		"state not ended":                  {oxcfxics.RootState, "03003a40", 4},
		"two states":                       {oxcfxics.RootState, "03003a40 03003b40 03003a40", 8},
		"data after the end":               {oxcfxics.RootHierarchy, "03003a40 03003b40 03001440 03001240", 12},
		"cut inside a marker":              {oxcfxics.RootMessageList, "03000c40 0300", 4},
		"cut inside a name":                {oxcfxics.RootMessageList, "03000c40 1f000080 0820060000000000c000000000000046 01 6100", 4},
		"property name of an unknown kind": {oxcfxics.RootMessageList, "03000c40 1f000080 0820060000000000c000000000000046 02 61000000", 4},
		"malformed set":                    {oxcfxics.RootState, "03003a40 02019667 01000000 00 03003b40", -1},
		"malformed progress":               {oxcfxics.RootContents, "0b007440 02010000 01000000 00 03003a40 03003b40 03001440", -1},
	} {
		err := discardContent(vectors.Hex(t, c.stream), c.root)
		if !errors.Is(err, mapi.ErrFormat) || !errors.Is(err, oxcdata.ErrFormat) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var fe *oxcfxics.FormatError
		if c.offset >= 0 && (!errors.As(err, &fe) || fe.Offset != c.offset) {
			t.Errorf("%s: %v; want offset 0x%x", name, err, c.offset)
		}
	}
}

func TestDepthIsBounded(t *testing.T) {
	stream := vectors.Hex(t, "03000c40")
	for range mapi.MaxDepth + 1 {
		stream = append(stream, vectors.Hex(t, "03000040 03000140")...)
	}
	if err := discardContent(stream, oxcfxics.RootMessageList); !errors.Is(err, mapi.ErrFormat) {
		t.Errorf("messages embedded too deep give %v", err)
	}
	if err := discardContent(bytes.Repeat(vectors.Hex(t, "03000940 03000a40"), 1), oxcfxics.RootTopFolder); err == nil {
		t.Error("folders without end are taken")
	}
	stream = append(vectors.Hex(t, "03000940"), bytes.Repeat(vectors.Hex(t, "03000a40"), 10000)...)
	var fe *oxcfxics.FormatError
	if err := discardContent(stream, oxcfxics.RootTopFolder); !errors.As(err, &fe) || fe.Offset == int64(len(stream)) {
		t.Errorf("10000 folders in each other give %v", err)
	}
}

// TestListsAreBounded sends counts and lengths that promise more than comes.
func TestListsAreBounded(t *testing.T) {
	for _, s := range []string{"03106666 ffffffff 01000000", "02116666 01000000 00000001 61", "1f106666 ffffff7f 00000000", "02016666 ffffffff 00"} {
		if err := discardContent(append(vectors.Hex(t, "03000c40"), vectors.Hex(t, s)...), oxcfxics.RootMessageList); !errors.Is(err, mapi.ErrFormat) {
			t.Errorf("%s: %v", s, err)
		}
	}
	empty := io.MultiReader(bytes.NewReader(vectors.Hex(t, "03000c40 02116666 ffffffff")), zeros{})
	for _, err := range oxcfxics.Parts(oxcfxics.NewReader(empty), oxcfxics.RootMessageList) {
		if err != nil && !errors.Is(err, mapi.ErrFormat) {
			t.Errorf("four thousand million empty values give %v", err)
		}
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// TestNumbers writes recipients and attachments that bring a number, late or not at all.
func TestNumbers(t *testing.T) {
	name := mapi.TagKey(0x3001001F)
	it := &mapi.Item{
		Recipients: []mapi.Props{
			{{Key: name, Value: "a"}},
			{{Key: name, Value: "b"}, {Key: mapi.TagKey(pid.TagRowid), Value: int32(7)}},
			{},
		},
		Attachments: []*mapi.Attachment{
			{Props: mapi.Props{{Key: name, Value: mapi.MemBlob("b\x00")}, {Key: mapi.TagKey(pid.TagAttachNumber), Value: int32(9)}}},
			{Props: mapi.Props{{Key: mapi.TagKey(pid.TagAttachNumber), Value: int32(4)}, {Key: name, Value: "x"}},
				Embedded: &mapi.Item{Recipients: []mapi.Props{{{Key: name, Value: "in"}}}}},
			{Embedded: &mapi.Item{}},
		},
	}
	stream := write(t, nil, func(w *oxcfxics.Writer) error {
		c := oxcfxics.NewContentWriter(w)
		if err := it.WriteTo(c); err != nil {
			return err
		}
		return c.Close()
	})
	var b mapi.ItemBuilder
	if err := oxcfxics.ReadContent(oxcfxics.NewReader(bytes.NewReader(stream)), &b); err != nil {
		t.Fatal(err)
	}
	row := func(n int32, rest ...mapi.Prop) mapi.Props {
		return append(mapi.Props{{Key: mapi.TagKey(pid.TagRowid), Value: n}}, rest...)
	}
	att := func(n int32, rest ...mapi.Prop) mapi.Props {
		return append(mapi.Props{{Key: mapi.TagKey(pid.TagAttachNumber), Value: n}}, rest...)
	}
	want := mapi.Item{
		Recipients: []mapi.Props{row(0, mapi.Prop{Key: name, Value: "a"}), row(7, mapi.Prop{Key: name, Value: "b"}), row(8)},
		Attachments: []*mapi.Attachment{
			{Props: att(0, mapi.Prop{Key: name, Value: "b"})}, // too late: the number was needed before the stream
			{Props: att(4, mapi.Prop{Key: name, Value: "x"}),
				Embedded: &mapi.Item{Recipients: []mapi.Props{row(0, mapi.Prop{Key: name, Value: "in"})}}},
			{Props: att(5), Embedded: &mapi.Item{}},
		},
	}
	if !reflect.DeepEqual(b.Item, want) {
		t.Errorf("got %+v", b.Item)
	}
}

// TestOutOfOrder gives the writers what has no place.
func TestOutOfOrder(t *testing.T) {
	for name, f := range map[string]func(c *oxcfxics.ContentWriter) error{
		"end of nothing":           func(c *oxcfxics.ContentWriter) error { return c.End() },
		"embedded item in an item": func(c *oxcfxics.ContentWriter) error { return c.Embedded() },
		"recipient in a recipient": func(c *oxcfxics.ContentWriter) error { c.Recipient(); return c.Recipient() },
		"property after a recipient": func(c *oxcfxics.ContentWriter) error {
			c.Recipient()
			c.End()
			return c.Prop(mapi.TagKey(0x37001F), "")
		},
		"recipient after attachments": func(c *oxcfxics.ContentWriter) error { c.Attachment(); c.End(); return c.Recipient() },
		"item left open":              func(c *oxcfxics.ContentWriter) error { c.Attachment(); return c.Close() },
		"named property without name": func(c *oxcfxics.ContentWriter) error { return c.Prop(mapi.TagKey(0x80010003), int32(0)) },
		"value of another type":       func(c *oxcfxics.ContentWriter) error { return c.Prop(mapi.TagKey(0x00370003), "") },
	} {
		c := oxcfxics.NewContentWriter(oxcfxics.NewWriter(oxcfxics.Plain(io.Discard), nil))
		if err := f(c); !errors.Is(err, mapi.ErrInvalidParameter) {
			t.Errorf("%s: %v", name, err)
		}
		if err := c.Close(); err == nil {
			t.Errorf("%s: the item can be completed", name)
		}
	}
}

// TestNames writes named properties: one id for each name, the same in the whole stream, and the names come back.
func TestNames(t *testing.T) {
	a := mapi.NamedKey(mapi.PropName{Set: mapi.PSPublicStrings, Name: "Keywords"}, mapi.TypeString|mapi.MultiValue)
	b := mapi.NamedKey(mapi.PropName{Set: mapi.PSETIDCommon, LID: 0x8501}, mapi.TypeInt32)
	stream := write(t, nil, func(w *oxcfxics.Writer) error {
		return errors.Join(w.Prop(a, []string{"x"}), w.Prop(b, int32(1)), w.Prop(a, []string{}))
	})
	r := oxcfxics.NewReader(bytes.NewReader(stream))
	for _, want := range []struct {
		key mapi.Key
		id  uint16
	}{{a, 0x8000}, {b, 0x8001}, {a, 0x8000}} {
		e, err := r.Next()
		if err != nil || e.Key() != want.key || e.Tag.ID() != want.id {
			t.Errorf("read %v with id 0x%04x, %v; want %v, 0x%04x", e.Key(), e.Tag.ID(), err, want.key, want.id)
		}
	}
	failing := oxcfxics.Options{PropID: func(mapi.PropName) (uint16, error) { return 0, mapi.ErrNoAccess }}
	if err := oxcfxics.NewWriter(oxcfxics.Plain(io.Discard), &failing).Prop(a, []string{}); !errors.Is(err, mapi.ErrNoAccess) {
		t.Errorf("the error of the mapping became %v", err)
	}
}

// clearing is a sink that notes what it is told to remove.
type clearing struct {
	mapi.ItemBuilder
	cleared []mapi.Tag
}

func (c *clearing) Clear(t mapi.Tag) error { c.cleared = append(c.cleared, t); return nil }

type grouping struct {
	mapi.ItemBuilder
	groups []int32
}

func (g *grouping) Group(id int32) error { g.groups = append(g.groups, id); return nil }

func TestClear(t *testing.T) {
	stream := vectors.Hex(t, "03001640 0d00120e 03000340 03000440 03001640 0d00130e")
	var c clearing
	if err := oxcfxics.ReadContent(oxcfxics.NewReader(bytes.NewReader(stream)), &c); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(c.cleared, []mapi.Tag{pid.TagMessageRecipients, pid.TagMessageAttachments}) || len(c.Item.Recipients) != 1 {
		t.Errorf("told to remove %v, then got %d recipients", c.cleared, len(c.Item.Recipients))
	}
}

// parts are one of each, in streams that the recordings have no example of.
func TestParts(t *testing.T) {
	ids := func(n ...uint64) *oxcfxics.ReplIDSet {
		s := &oxcfxics.ReplIDSet{}
		for _, n := range n {
			s.Insert(1, n)
		}
		return s
	}
	seen := &oxcfxics.GUIDSet{}
	seen.Add(mapi.PSMAPI, oxcfxics.RangeSet{{Low: 1, High: 99}})
	header := mapi.Props{{Key: mapi.TagKey(pid.TagSourceKey), Value: []byte{1}}}
	name := mapi.Prop{Key: mapi.TagKey(0x3001001F), Value: "x"}
	for _, c := range []struct {
		root  oxcfxics.Root
		parts []oxcfxics.Part
	}{
		{oxcfxics.RootContents, []oxcfxics.Part{
			&oxcfxics.ProgressInformation{NormalMessageCount: 2, NormalMessageTotalSize: 3 << 32, FAIMessageCount: 1, FAIMessageTotalSize: 7},
			&oxcfxics.MessageProgress{Size: 5, FAI: true},
			&oxcfxics.Message{Header: header},
			&oxcfxics.PropertyGroupInfo{GroupID: 3, Groups: [][]oxcfxics.GroupProperty{{{Tag: 0x0037001F}, {Tag: 0x80010003, Name: mapi.PropName{Set: mapi.PSETIDCommon, LID: 5}}},
				{{Tag: 0x8002001F, Name: mapi.PropName{Set: mapi.PSPublicStrings, Name: "Keywords"}}}}},
			&oxcfxics.Message{Header: header, Partial: true, Mapping: 3},
			&oxcfxics.ExtendedErrorInfo{Code: mapi.ErrNotFound, Message: oxcdata.GlobalID{Replica: mapi.PSMAPI, Counter: 4}, Aux: []byte{1, 2}},
			&oxcfxics.Deletions{Deleted: ids(1, 2), NoLongerInScope: ids(), Expired: ids(9)},
			&oxcfxics.ReadStates{Read: ids(3), Unread: ids(4)},
			&oxcfxics.State{IdsetGiven: seen, CnsetSeen: seen, CnsetSeenFAI: &oxcfxics.GUIDSet{}},
		}},
		{oxcfxics.RootHierarchy, []oxcfxics.Part{
			&oxcfxics.FolderChange{Props: mapi.Props{name}},
			&oxcfxics.Deletions{Deleted: ids(1)},
			&oxcfxics.State{CnsetSeen: seen},
		}},
		{oxcfxics.RootTopFolder, []oxcfxics.Part{
			&oxcfxics.Folder{Props: mapi.Props{name}},
			&oxcfxics.Message{Associated: true},
			&oxcfxics.Message{},
			&oxcfxics.Folder{Sub: true, Props: mapi.Props{name}},
			&oxcfxics.FolderReplicaInfo{Folder: oxcdata.LongTermID{GlobalID: oxcdata.GlobalID{Counter: 1}}, CheapServerCount: 1, Servers: []mapi.String8{"/o=x", "/o=y"}},
			oxcfxics.FolderEnd{},
			oxcfxics.FolderEnd{},
		}},
		{oxcfxics.RootFolder, []oxcfxics.Part{
			&oxcfxics.Folder{Props: mapi.Props{name}},
			&oxcfxics.Warning{Code: mapi.WarnPartial},
			&oxcfxics.DelProp{Tag: pid.TagContainerContents},
			&oxcfxics.Message{},
			&oxcfxics.DelProp{Tag: pid.TagContainerHierarchy},
			&oxcfxics.Folder{Sub: true, Props: mapi.Props{name}},
			oxcfxics.FolderEnd{},
			oxcfxics.FolderEnd{},
		}},
		{oxcfxics.RootMessageList, []oxcfxics.Part{
			&oxcfxics.Warning{Code: mapi.WarnPartial},
			&oxcfxics.Message{},
			&oxcfxics.ExtendedErrorInfo{Code: mapi.ErrDisk},
			&oxcfxics.Message{Associated: true},
		}},
	} {
		stream := write(t, nil, func(w *oxcfxics.Writer) error {
			p := oxcfxics.NewPartWriter(w, c.root)
			for _, part := range c.parts {
				m, ok := part.(*oxcfxics.Message)
				if !ok {
					if err := p.Write(part); err != nil {
						return err
					}
					continue
				}
				sink, err := p.Message(m)
				if err == nil && m.Partial {
					err = sink.Group(1)
				}
				if err == nil {
					err = (&mapi.Item{Props: mapi.Props{name}, Recipients: []mapi.Props{{name}}}).WriteTo(sink)
				}
				if err != nil {
					return err
				}
			}
			return p.Close()
		})
		n := 0
		for part, err := range oxcfxics.Parts(oxcfxics.NewReader(bytes.NewReader(stream)), c.root) {
			if err != nil {
				t.Fatal(err)
			}
			if n == len(c.parts) {
				t.Fatalf("%T too many", part)
			}
			want := c.parts[n]
			n++
			if m, ok := part.(*oxcfxics.Message); ok {
				w := want.(*oxcfxics.Message)
				var g grouping
				if err := m.Content(&g); err != nil || len(g.Item.Props) != 1 || len(g.Item.Recipients) != 1 || (len(g.groups) == 1) != m.Partial {
					t.Errorf("content %+v, %v", g, err)
				}
				if m.Associated != w.Associated || m.Partial != w.Partial || m.Mapping != w.Mapping || !reflect.DeepEqual(m.Header, w.Header) {
					t.Errorf("read %+v, want %+v", m, w)
				}
				if err := m.Content(&g); err == nil {
					t.Error("the content can be read twice")
				}
				continue
			}
			if !reflect.DeepEqual(part, want) {
				t.Errorf("read %+v, want %+v", part, want)
			}
		}
		if n != len(c.parts) {
			t.Errorf("%d of %d parts came back", n, len(c.parts))
		}
		if err := discardContent(stream, c.root); err != nil {
			t.Errorf("read over: %v", err)
		}
	}
}

// failing is a sink that stops at a recipient.
type failing struct{ mapi.ItemBuilder }

func (*failing) Recipient() error { return mapi.ErrDisk }

// TestGoOnAfterSinkFails reads the messages after one that could not be stored.
func TestGoOnAfterSinkFails(t *testing.T) {
	for _, r := range recordings(t) {
		if r.Rop != "FastTransferSourceCopyMessages" {
			continue
		}
		all, stored := 0, 0
		for part, err := range oxcfxics.Parts(oxcfxics.NewReader(bytes.NewReader(r.data)), oxcfxics.RootMessageList) {
			if err != nil {
				t.Fatal(err)
			}
			m := part.(*oxcfxics.Message)
			if all++; all%2 == 1 {
				if err := m.Content(&failing{}); err != nil && !errors.Is(err, mapi.ErrDisk) {
					t.Error(err)
				}
				continue
			}
			var b mapi.ItemBuilder
			if err := m.Content(&b); err != nil || len(b.Item.Props) == 0 {
				t.Errorf("%s: %v", r.ID, err)
			}
			stored++
		}
		if stored != all/2 {
			t.Errorf("%d of %d", stored, all)
		}
	}
}

func FuzzParts(f *testing.F) {
	for _, r := range recordings(f) {
		if len(r.data) < 4000 {
			for root := range oxcfxics.RootState + 1 {
				f.Add(uint8(root), r.data)
			}
		}
	}
	f.Add(uint8(oxcfxics.RootState), vectors.Hex(f, "03003a40 1e001740 02000000 6100 03003b40")) // MetaTagIdsetGiven as a string
	f.Fuzz(func(t *testing.T, root uint8, stream []byte) {
		rt := oxcfxics.Root(root % uint8(oxcfxics.RootState+1))
		copied, err := copyElements(stream)
		if err != nil {
			if discardContent(stream, rt) == nil {
				t.Fatal("whole objects of broken elements")
			}
			return
		}
		compareStreams(t, copied, stream)
		if rt == oxcfxics.RootMessage || rt == oxcfxics.RootAttachment {
			var b mapi.ItemBuilder
			if rt == oxcfxics.RootMessage {
				err = oxcfxics.ReadContent(oxcfxics.NewReader(bytes.NewReader(stream)), &b)
			} else if err = b.Attachment(); err == nil {
				err = oxcfxics.ReadAttachment(oxcfxics.NewReader(bytes.NewReader(stream)), &b)
			}
			if err != nil {
				return
			}
			c := oxcfxics.NewContentWriter(oxcfxics.NewWriter(oxcfxics.Plain(io.Discard), nil))
			if err := b.Item.WriteTo(c); err != nil {
				t.Fatal(err)
			}
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			return
		}
		out, err := copyParts(stream, rt, nil)
		if err != nil {
			return
		}
		if err := discardContent(out, rt); err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
	})
}

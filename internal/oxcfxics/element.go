package oxcfxics

import (
	"fmt"
	"io"

	"github.com/opencdo/opencdo/mapi"
)

// Element is one element of a stream ([MS-OXCFXICS] 2.2.4.1): a marker, or a property with its value.
type Element struct {
	Offset int64  // of its first byte in the stream
	Marker Marker // 0 for a property

	Tag   mapi.Tag      // as it stands in the stream: with the sender's id of a named property, with a code page for a type
	Name  mapi.PropName // of a named property
	Value mapi.Value    // nil when Stream is set

	// Stream is a String, String8, Binary or Object of mapi.LargeValue bytes or more, as an ItemSink gets it: without
	// terminator. It is good until the next element is read; what is left unread is skipped.
	Stream io.Reader
	Size   int64 // of Stream: the length that the stream gives, terminator included
}

// Key identifies the property in every store: named properties by name, strings of all code pages as String or String8.
func (e *Element) Key() mapi.Key {
	t := e.Tag.Type()
	if t&codePageFlag != 0 {
		t = valueType(e.Tag)
	}
	if e.Tag.ID() >= firstNamedID {
		return mapi.NamedKey(e.Name, t)
	}
	return mapi.TagKey(e.Tag.WithType(t))
}

// CodePage is the code page of the string's property type, 0 where the type is no code page.
func (e *Element) CodePage() uint16 {
	if cp, ok := codePage(e.Tag.Type()); ok {
		return cp
	}
	return 0
}

// streamSize is the size of Stream for an ItemSink: unknown for strings, since the terminator may be lacking.
func (e *Element) streamSize() int64 {
	if formOf(valueType(e.Tag)).term > 0 {
		return -1
	}
	return e.Size
}

// maxInMemory bounds the lists that a Reader builds and the values that its callers want whole, against streams that
// never end. The largest lists that stores hold, free/busy data and delegate lists, are far below.
const maxInMemory = 32 << 20

// load takes a value that came as a stream into memory.
func (e *Element) load() error {
	if e.Stream == nil {
		return nil
	}
	b, err := io.ReadAll(io.LimitReader(e.Stream, maxInMemory+1))
	if err != nil {
		return err
	}
	if len(b) > maxInMemory {
		return &mapi.Error{Op: "read stream", Object: e.Key().String(), Code: mapi.ErrTooComplex,
			Err: fmt.Errorf("value of more than %d bytes", maxInMemory)}
	}
	e.Value, err = mapi.BytesValue(valueType(e.Tag), b)
	e.Stream = nil
	return err
}

// firstNamedID begins the ids that have a namedPropInfo in the stream.
const firstNamedID = 0x8000

// nameless tells of a property whose id the sender has no name for. Nobody else can know what it is.
func (e *Element) nameless() bool { return e.Tag.ID() >= firstNamedID && e.Name.IsZero() }

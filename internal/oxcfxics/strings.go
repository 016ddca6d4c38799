package oxcfxics

import (
	"io"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/opencdo/opencdo/mapi"
)

func isString(base mapi.Type) bool { return base == mapi.TypeString || base == mapi.TypeString8 }

// target is the type under which strings of type t go out, and whether their bytes change.
func (o *Options) target(t mapi.Type) (out mapi.Type, recode bool) {
	multi, base := t&mapi.MultiValue, t.Base()
	switch o.Strings {
	case Unicode:
		if base == mapi.TypeString8 && o.Encoding != nil {
			return mapi.TypeString | multi, true
		}
	case EightBit:
		if base == mapi.TypeString && o.Encoding != nil {
			return mapi.TypeString8 | multi, true
		}
	case CodePages: // there are none for lists, and 15 bits for the number
		switch {
		case multi != 0:
		case base == mapi.TypeString:
			return codePageFlag | codePageUTF16, false
		case o.CodePage != 0 && o.CodePage < codePageFlag:
			return codePageFlag | mapi.Type(o.CodePage), false
		}
	}
	return t, false
}

// convert gives a string, or a list of strings, the form that the options ask for.
func (o *Options) convert(t mapi.Type, v mapi.Value) (mapi.Type, mapi.Value, error) {
	out, recode := o.target(t)
	if !recode {
		return out, v, nil
	}
	var err error
	switch s := v.(type) {
	case string:
		v, err = o.encode(s)
	case []string:
		v, err = convertAll(s, o.encode)
	case mapi.String8:
		v, err = o.decode(s)
	case []mapi.String8:
		v, err = convertAll(s, o.decode)
	}
	return out, v, err
}

func convertAll[A, B any](list []A, f func(A) (B, error)) ([]B, error) {
	out := make([]B, len(list))
	for i, a := range list {
		var err error
		if out[i], err = f(a); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// encode converts to the code page; what it lacks becomes its replacement character.
func (o *Options) encode(s string) (mapi.String8, error) {
	b, err := encoding.ReplaceUnsupported(o.Encoding.NewEncoder()).String(s)
	return mapi.String8(b), err
}

func (o *Options) decode(s mapi.String8) (string, error) {
	return o.Encoding.NewDecoder().String(string(s))
}

// convertStream is convert for a value that comes as a stream. A converted one has unknown size.
func (o *Options) convertStream(t mapi.Type, size int64, r io.Reader) (mapi.Type, int64, io.Reader) {
	out, recode := o.target(t)
	if !recode {
		return out, size, r
	}
	utf16 := unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	if t == mapi.TypeString {
		return out, -1, transform.NewReader(utf16.NewDecoder().Reader(r), encoding.ReplaceUnsupported(o.Encoding.NewEncoder()))
	}
	return out, -1, transform.NewReader(o.Encoding.NewDecoder().Reader(r), utf16.NewEncoder())
}

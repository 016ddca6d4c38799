package mapi

import (
	"bytes"
	"cmp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// CompareValues orders property values as tables do: missing (nil) before everything, numbers by size whatever their
// width, strings without regard to case, binaries by their bytes, lists value by value, false before true. Strings that
// differ in case only are ordered by their bytes, so that 0 means equal. The two string types compare with each other,
// 8-bit ones as Latin-1. Blobs are ordered by size: compare what they hold by reading it. Values of kinds that don't
// compare are ordered by kind.
func CompareValues(a, b Value) int {
	if c := compareLoose(a, b); c != 0 {
		return c
	}
	return compareExact(a, b)
}

// Kinds of values, in the order of values that don't compare.
const (
	kindNil = iota
	kindBool
	kindInt
	kindFloat
	kindText
	kindBytes
	kindBlob
	kindList
	kindOther
)

// scalar is a single value reduced to what is compared.
type scalar struct {
	kind  int
	int   int64
	float float64
	text  string // for kindText and kindBytes
}

func reduce(v Value) scalar {
	switch v := v.(type) {
	case nil:
		return scalar{}
	case bool:
		if v {
			return scalar{kind: kindBool, int: 1}
		}
		return scalar{kind: kindBool}
	case int16:
		return scalar{kind: kindInt, int: int64(v)}
	case int32:
		return scalar{kind: kindInt, int: int64(v)}
	case int64:
		return scalar{kind: kindInt, int: v}
	case Code:
		return scalar{kind: kindInt, int: int64(v)}
	case Currency:
		return scalar{kind: kindInt, int: int64(v)}
	case FileTime:
		return scalar{kind: kindInt, int: int64(v)}
	case float32:
		return scalar{kind: kindFloat, float: float64(v)}
	case float64:
		return scalar{kind: kindFloat, float: v}
	case AppTime:
		return scalar{kind: kindFloat, float: float64(v)}
	case string:
		return scalar{kind: kindText, text: v}
	case String8:
		return scalar{kind: kindText, text: latin1(string(v))}
	case GUID:
		return scalar{kind: kindBytes, text: string(v[:])}
	case Blob:
		return scalar{kind: kindBlob, int: v.Size()}
	}
	if b, ok := rawBytes(v); ok {
		return scalar{kind: kindBytes, text: string(b)}
	}
	if listLen(v) >= 0 {
		return scalar{kind: kindList}
	}
	return scalar{kind: kindOther}
}

func rawBytes(v Value) ([]byte, bool) {
	switch v := v.(type) {
	case []byte:
		return v, true
	case ServerID:
		return v, true
	case Object:
		return v, true
	case Opaque:
		return v, true
	}
	return nil, false
}

// compareLoose is CompareValues with strings equal that differ in case only.
func compareLoose(a, b Value) int {
	if x, ok := rawBytes(a); ok {
		if y, ok := rawBytes(b); ok {
			return bytes.Compare(x, y)
		}
	}
	x, y := reduce(a), reduce(b)
	if x.kind != y.kind {
		if number(x.kind) && number(y.kind) {
			return cmp.Compare(x.asFloat(), y.asFloat())
		}
		return cmp.Compare(x.kind, y.kind)
	}
	switch x.kind {
	case kindBool, kindInt, kindBlob:
		return cmp.Compare(x.int, y.int)
	case kindFloat:
		return cmp.Compare(x.float, y.float)
	case kindText:
		return compareFold(x.text, y.text)
	case kindBytes:
		return strings.Compare(x.text, y.text)
	case kindList:
		return compareLists(a, b, compareLoose)
	}
	return 0
}

// compareExact decides between values that are equal without regard to case.
func compareExact(a, b Value) int {
	x, y := reduce(a), reduce(b)
	switch {
	case x.kind == kindText && y.kind == kindText:
		return strings.Compare(x.text, y.text)
	case x.kind == kindList && y.kind == kindList:
		return compareLists(a, b, compareExact)
	}
	return 0
}

func compareLists(a, b Value, compare func(a, b Value) int) int {
	n, m := listLen(a), listLen(b)
	for i := range min(n, m) {
		if c := compare(listAt(a, i), listAt(b, i)); c != 0 {
			return c
		}
	}
	return cmp.Compare(n, m)
}

func number(kind int) bool { return kind == kindInt || kind == kindFloat }

func (s scalar) asFloat() float64 {
	if s.kind == kindInt {
		return float64(s.int)
	}
	return s.float
}

// listLen is the number of values in a value of a multiple type, or -1 for other values.
func listLen(v Value) int {
	switch v := v.(type) {
	case []int16:
		return len(v)
	case []int32:
		return len(v)
	case []int64:
		return len(v)
	case []float32:
		return len(v)
	case []float64:
		return len(v)
	case []Currency:
		return len(v)
	case []AppTime:
		return len(v)
	case []FileTime:
		return len(v)
	case []GUID:
		return len(v)
	case []string:
		return len(v)
	case []String8:
		return len(v)
	case [][]byte:
		return len(v)
	}
	return -1
}

// listAt is the i-th value of a value of a multiple type.
func listAt(v Value, i int) Value {
	switch v := v.(type) {
	case []int16:
		return v[i]
	case []int32:
		return v[i]
	case []int64:
		return v[i]
	case []float32:
		return v[i]
	case []float64:
		return v[i]
	case []Currency:
		return v[i]
	case []AppTime:
		return v[i]
	case []FileTime:
		return v[i]
	case []GUID:
		return v[i]
	case []string:
		return v[i]
	case []String8:
		return v[i]
	case [][]byte:
		return v[i]
	}
	return nil
}

// compareFold compares strings without regard to case, character by character.
func compareFold(a, b string) int {
	for a != "" && b != "" {
		if x, y := a[0], b[0]; x < utf8.RuneSelf && y < utf8.RuneSelf {
			if x, y = lowerASCII(x), lowerASCII(y); x != y {
				return cmp.Compare(x, y)
			}
			a, b = a[1:], b[1:]
			continue
		}
		x, n := utf8.DecodeRuneInString(a)
		y, m := utf8.DecodeRuneInString(b)
		if x == utf8.RuneError && n == 1 || y == utf8.RuneError && m == 1 {
			// An unpaired surrogate: no character, so it compares as the byte that it begins with.
			if a[0] != b[0] {
				return cmp.Compare(a[0], b[0])
			}
			a, b = a[1:], b[1:]
			continue
		}
		if x, y = foldRune(x), foldRune(y); x != y {
			return cmp.Compare(x, y)
		}
		a, b = a[n:], b[m:]
	}
	return cmp.Compare(len(a), len(b))
}

func lowerASCII(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}

// foldRune is the same for all cases of a letter. Lower case is chosen because it leaves punctuation before letters.
func foldRune(r rune) rune { return unicode.ToLower(unicode.ToUpper(r)) }

// foldCase is s with every letter as foldRune makes it; bytes that are no UTF-8 stay.
func foldCase(s string) string {
	i := 0
	for i < len(s) && s[i] < utf8.RuneSelf && lowerASCII(s[i]) == s[i] {
		i++
	}
	if i == len(s) {
		return s
	}
	out := append(make([]byte, 0, len(s)), s[:i]...)
	for i < len(s) {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			out = append(out, s[i])
		} else {
			out = utf8.AppendRune(out, foldRune(r))
		}
		i += n
	}
	return string(out)
}

// latin1 makes an 8-bit string comparable with others: its code page isn't known here, and ASCII is the same in all.
func latin1(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			out := append(make([]byte, 0, 2*len(s)), s[:i]...)
			for ; i < len(s); i++ {
				out = utf8.AppendRune(out, rune(s[i]))
			}
			return string(out)
		}
	}
	return s
}

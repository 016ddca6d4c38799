package comserver

import (
	"math"
	"math/big"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// variant is a VARIANT ([MS-OAUT] 2.2.29.1): 16 bytes, and 24 in 64-bit processes, where the value may be two pointers.
type variant struct {
	vt       uint16
	reserved [3]uint16
	value    [1 + unsafe.Sizeof(uintptr(0))/8]uint64
}

// at is the value as what the type says it is.
func at[T any](v *variant) *T { return (*T)(unsafe.Pointer(&v.value)) }

// Types of variants ([MS-OAUT] 2.2.7).
const (
	vtEmpty    = 0
	vtNull     = 1
	vtI2       = 2
	vtI4       = 3
	vtR4       = 4
	vtR8       = 5
	vtCurrency = 6
	vtDate     = 7
	vtBSTR     = 8
	vtDispatch = 9
	vtError    = 10
	vtBool     = 11
	vtVariant  = 12
	vtUnknown  = 13
	vtDecimal  = 14
	vtI1       = 16
	vtUI1      = 17
	vtUI2      = 18
	vtUI4      = 19
	vtI8       = 20
	vtUI8      = 21
	vtInt      = 22
	vtUInt     = 23
	vtVoid     = 24
	vtPtr      = 26
	vtUser     = 29
	vtArray    = 0x2000
	vtByRef    = 0x4000
)

func clearVariant(v *variant) { variantClear.Call(uintptr(unsafe.Pointer(v))) }

// decode makes a Go value of an argument, which stays the caller's.
func (l *live) decode(v *variant) (any, error) {
	if v.vt&vtByRef != 0 { // variables of scripts come by reference
		var copied variant
		if err := do(variantCopyInd, uintptr(unsafe.Pointer(&copied)), uintptr(unsafe.Pointer(v))); err != nil {
			return nil, TypeMismatch
		}
		defer clearVariant(&copied)
		return l.decode(&copied)
	}
	if v.vt&vtArray != 0 {
		return l.decodeArray(*at[uintptr](v))
	}
	switch v.vt {
	case vtEmpty:
		return nil, nil
	case vtNull:
		return Null, nil
	case vtError:
		if *at[Code](v) == ParamNotFound {
			return Missing, nil
		}
		return ErrorCode(*at[Code](v)), nil
	case vtBool:
		return *at[int16](v) != 0, nil
	case vtI1:
		return int16(*at[int8](v)), nil
	case vtUI1:
		return *at[uint8](v), nil
	case vtI2:
		return *at[int16](v), nil
	case vtUI2:
		return int32(*at[uint16](v)), nil
	case vtI4, vtInt:
		return *at[int32](v), nil
	case vtUI4, vtUInt:
		return integer(int64(*at[uint32](v))), nil
	case vtI8:
		return *at[int64](v), nil
	case vtUI8:
		if n := *at[uint64](v); n <= math.MaxInt64 {
			return int64(n), nil
		}
		return float64(*at[uint64](v)), nil
	case vtR4:
		return *at[float32](v), nil
	case vtR8:
		return *at[float64](v), nil
	case vtCurrency:
		return *at[Currency](v), nil
	case vtDate:
		if t, ok := fromDate(*at[float64](v), time.Local); ok {
			return t, nil
		}
		return nil, Overflow
	case vtBSTR:
		return textOfBSTR(*at[uintptr](v)), nil
	case vtDecimal:
		return (*decimal)(unsafe.Pointer(v)).value(), nil
	case vtDispatch, vtUnknown:
		p := *at[uintptr](v)
		if p == 0 {
			return Nothing, nil
		}
		if o, _ := l.find(p); o != nil {
			if o, ok := o.(Object); ok {
				return o, nil
			}
		}
		return Foreign{}, nil
	}
	return nil, TypeMismatch
}

// decimal is a VARIANT that holds a DECIMAL, which covers all of it but the type.
type decimal struct {
	vt          uint16
	scale, sign uint8
	high        uint32
	low         uint64
}

func (d *decimal) value() Decimal {
	out := Decimal{Scale: min(d.scale, 28)}
	out.Unscaled.SetUint64(uint64(d.high))
	out.Unscaled.Lsh(&out.Unscaled, 64).Or(&out.Unscaled, new(big.Int).SetUint64(d.low))
	if d.sign != 0 {
		out.Unscaled.Neg(&out.Unscaled)
	}
	return out
}

func (d *decimal) set(v Decimal) bool {
	n := new(big.Int).Abs(&v.Unscaled)
	if n.BitLen() > 96 || v.Scale > 28 {
		return false
	}
	*d = decimal{vt: vtDecimal, scale: v.Scale, low: new(big.Int).And(n, new(big.Int).SetUint64(math.MaxUint64)).Uint64(),
		high: uint32(new(big.Int).Rsh(n, 64).Uint64())}
	if v.Unscaled.Sign() < 0 {
		d.sign = 0x80
	}
	return true
}

// encode writes a result, which becomes the caller's. Objects are given out by the apartment.
func (a *apartment) encode(value any, out *variant) error {
	*out = variant{}
	switch v := value.(type) {
	case nil:
	case special:
		switch v {
		case Null:
			out.vt = vtNull
		case Nothing:
			out.vt = vtDispatch
		case Missing:
			out.vt = vtError
			*at[Code](out) = ParamNotFound
		}
	case ErrorCode:
		out.vt = vtError
		*at[ErrorCode](out) = v
	case bool:
		out.vt = vtBool
		if v {
			*at[int16](out) = -1
		}
	case uint8:
		out.vt = vtUI1
		*at[uint8](out) = v
	case int16:
		out.vt = vtI2
		*at[int16](out) = v
	case int32:
		out.vt = vtI4
		*at[int32](out) = v
	case float32:
		out.vt = vtR4
		*at[float32](out) = v
	case float64:
		out.vt = vtR8
		*at[float64](out) = v
	case Currency:
		out.vt = vtCurrency
		*at[Currency](out) = v
	case Decimal:
		if !(*decimal)(unsafe.Pointer(out)).set(v) {
			return Overflow
		}
	case time.Time:
		d, err := systemDate(v)
		if err != nil {
			return err
		}
		out.vt = vtDate
		*at[float64](out) = d
	case string:
		if *at[uintptr](out) = newBSTR(v); *at[uintptr](out) == 0 {
			return eOutOfMemory
		}
		out.vt = vtBSTR
	case []byte:
		return encodeArray(out, vtUI1, len(v), func(p unsafe.Pointer) error {
			copy(unsafe.Slice((*byte)(p), len(v)), v)
			return nil
		})
	case []any:
		return encodeArray(out, vtVariant, len(v), func(p unsafe.Pointer) error {
			elements := unsafe.Slice((*variant)(p), len(v))
			for i := range v {
				if err := a.encode(v[i], &elements[i]); err != nil {
					return err
				}
			}
			return nil
		})
	case Object:
		return a.encodeInterface(out, vtDispatch, v)
	case *enumerator:
		return a.encodeInterface(out, vtUnknown, v)
	default:
		return TypeMismatch
	}
	return nil
}

func (a *apartment) encodeInterface(out *variant, vt uint16, v any) error {
	p := a.offer(v)
	if p == 0 {
		return objectGone
	}
	out.vt = vt
	*at[uintptr](out) = p
	return nil
}

// systemDate is toDate by the system's function, whose last bits are those of the dates that scripts make.
func systemDate(t time.Time) (float64, error) {
	t = t.Local()
	if _, ok := toDate(t, time.Local); !ok {
		return 0, Overflow
	}
	s := windows.Systemtime{Year: uint16(t.Year()), Month: uint16(t.Month()), Day: uint16(t.Day()), Hour: uint16(t.Hour()),
		Minute: uint16(t.Minute()), Second: uint16(t.Second())}
	var d float64
	if r, _, _ := systemTimeToVariantTime.Call(uintptr(unsafe.Pointer(&s)), uintptr(unsafe.Pointer(&d))); uint32(r) == 0 {
		return 0, Overflow
	}
	return d, nil
}

// decodeArray reads an array of one dimension. Arrays of one type of element become slices of it, so that the model can tell
// an array that was declared As String.
func (l *live) decodeArray(p uintptr) (any, error) {
	var vt uint16
	if p == 0 {
		return []any{}, nil
	}
	if dims, _, _ := safeArrayGetDim.Call(p); uint32(dims) != 1 {
		return nil, TypeMismatch
	}
	if err := do(safeArrayGetVartype, p, uintptr(unsafe.Pointer(&vt))); err != nil {
		return nil, TypeMismatch
	}
	var low, high int32
	if do(safeArrayGetLBound, p, 1, uintptr(unsafe.Pointer(&low))) != nil || do(safeArrayGetUBound, p, 1, uintptr(unsafe.Pointer(&high))) != nil {
		return nil, TypeMismatch
	}
	n := max(int(int64(high)-int64(low)+1), 0)
	var data uintptr
	if err := do(safeArrayAccessData, p, uintptr(unsafe.Pointer(&data))); err != nil {
		return nil, TypeMismatch
	}
	defer safeArrayUnaccessData.Call(p)
	switch vt {
	case vtUI1:
		return copied[byte](data, n), nil
	case vtI2:
		return copied[int16](data, n), nil
	case vtI4, vtInt:
		return copied[int32](data, n), nil
	case vtI8:
		return copied[int64](data, n), nil
	case vtR4:
		return copied[float32](data, n), nil
	case vtR8:
		return copied[float64](data, n), nil
	case vtCurrency:
		return copied[Currency](data, n), nil
	case vtBool:
		return convert(data, n, func(b *int16) (bool, error) { return *b != 0, nil })
	case vtDate:
		return convert(data, n, func(d *float64) (time.Time, error) {
			t, ok := fromDate(*d, time.Local)
			if !ok {
				return t, Overflow
			}
			return t, nil
		})
	case vtBSTR:
		return convert(data, n, func(s *uintptr) (string, error) { return textOfBSTR(*s), nil })
	case vtVariant:
		return convert(data, n, l.decode)
	}
	return nil, TypeMismatch
}

func elements[T any](data uintptr, n int) []T {
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*T)(foreign(data)), n)
}

func copied[T any](data uintptr, n int) []T { return append([]T{}, elements[T](data, n)...) }

func convert[T, U any](data uintptr, n int, f func(*T) (U, error)) (any, error) {
	out := make([]U, n)
	for i, e := range elements[T](data, n) {
		var err error
		if out[i], err = f(&e); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// encodeArray makes an array, whose memory fill writes. A zeroed rest is valid for every type.
func encodeArray(out *variant, vt uint16, n int, fill func(unsafe.Pointer) error) error {
	p, _, _ := safeArrayCreateVector.Call(uintptr(vt), 0, uintptr(n))
	if p == 0 {
		return eOutOfMemory
	}
	var data uintptr
	err := do(safeArrayAccessData, p, uintptr(unsafe.Pointer(&data)))
	if err == nil {
		if n > 0 {
			err = fill(foreign(data))
		}
		safeArrayUnaccessData.Call(p)
	}
	if err != nil {
		safeArrayDestroy.Call(p)
		return err
	}
	out.vt = vtArray | vt
	*at[uintptr](out) = p
	return nil
}

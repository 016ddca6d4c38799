package comserver

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// These tests run on Windows, or from TestWine. Those of the server need it to be registered (/regserver).

var coCreateInstance = ole32.NewProc("CoCreateInstance")

func initialize(t *testing.T) {
	t.Helper()
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	if err := windows.CoInitializeEx(0, windows.COINIT_MULTITHREADED); err == nil {
		t.Cleanup(windows.CoUninitialize)
	}
}

// client is an object of the server as early-bound programs use it.
type client struct {
	iface
	codec *apartment
}

func create(t *testing.T, clsid, iid GUID) client {
	t.Helper()
	var p iface
	err := do(coCreateInstance, uintptr(unsafe.Pointer(&clsid)), 0, clsctxLocalServer, uintptr(unsafe.Pointer(&iid)), uintptr(unsafe.Pointer(&p)))
	if err != nil {
		t.Fatal(err)
	}
	return client{p, &apartment{live: &live{}}}
}

// invoke calls a member. The ids are those of the last arguments.
func (c client) invoke(id int32, how How, args []any, ids ...int32) (result variant, err error) {
	list := make([]variant, len(args))
	for i, v := range args {
		at := len(args) - 1 - i
		if ref, ok := v.(*variant); ok {
			list[at] = variant{vt: vtByRef | vtVariant}
			*(*unsafe.Pointer)(unsafe.Pointer(&list[at].value)) = unsafe.Pointer(ref)
			continue
		}
		if err := c.codec.encode(v, &list[at]); err != nil {
			return result, err
		}
		defer clearVariant(&list[at])
	}
	named := make([]int32, len(ids))
	for i, id := range ids {
		named[len(ids)-1-i] = id
	}
	p := dispParams{count: uint32(len(list)), namedCount: uint32(len(named))}
	if len(list) > 0 {
		p.args = &list[0]
	}
	if len(named) > 0 {
		p.named = &named[0]
	}
	var e excepInfo
	var argErr uint32
	var none GUID
	code := c.call(6, uintptr(id), uintptr(unsafe.Pointer(&none)), 0, uintptr(how), uintptr(unsafe.Pointer(&p)), uintptr(unsafe.Pointer(&result)),
		uintptr(unsafe.Pointer(&e)), uintptr(unsafe.Pointer(&argErr)))
	runtime.KeepAlive(list)
	if code == dispException {
		err := &Error{Code: Code(e.scode), Source: textOfBSTR(e.source), Description: textOfBSTR(e.description)}
		freeBSTR(e.source)
		freeBSTR(e.description)
		return result, err
	}
	if code.Failed() {
		return result, code
	}
	return result, nil
}

// value is invoke with a result that is no object.
func (c client) value(t *testing.T, id int32, how How, args []any, ids ...int32) any {
	t.Helper()
	r, err := c.invoke(id, how, args, ids...)
	if err != nil {
		t.Fatalf("member %d: %v", id, err)
	}
	defer clearVariant(&r)
	v, err := c.codec.live.decode(&r)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (c client) names(names ...string) ([]int32, Code) {
	list := make([]*uint16, len(names))
	for i, n := range names {
		list[i], _ = windows.UTF16PtrFromString(n)
	}
	ids := make([]int32, len(names))
	var none GUID
	code := c.call(5, uintptr(unsafe.Pointer(&none)), uintptr(unsafe.Pointer(&list[0])), uintptr(len(names)), 0, uintptr(unsafe.Pointer(&ids[0])))
	return ids, code
}

// TestVariants sends values through VARIANTs and back. That the layout is right, scripts show.
func TestVariants(t *testing.T) {
	a := &apartment{live: &live{}}
	big := Decimal{Scale: 3}
	big.Unscaled.SetString("-79228162514264337593543950335", 10)
	for _, v := range []any{nil, Null, Nothing, Missing, ErrorCode(eFail), true, false, uint8(200), int16(-5), int32(-70000), float32(1.5), math.Pi,
		Currency(-123456), big, "", "a\x00b", "Grüße \U0001F600", time.Date(2024, 2, 29, 23, 59, 59, 0, time.Local), []byte{}, []byte{1, 2},
		[]any{}, []any{int32(1), "x", nil, []any{true}}} {
		var raw variant
		if err := a.encode(v, &raw); err != nil {
			t.Errorf("%v: %v", v, err)
			continue
		}
		back, err := a.live.decode(&raw)
		if err != nil || !reflect.DeepEqual(back, v) {
			t.Errorf("%#v came back as %#v, %v", v, back, err)
		}
		clearVariant(&raw)
	}
	for _, v := range []any{time.Date(20000, 1, 1, 0, 0, 0, 0, time.Local), struct{}{}} {
		var raw variant
		if err := a.encode(v, &raw); err == nil || raw.vt != vtEmpty {
			t.Errorf("%v was taken", v)
		}
	}
}

// TestDatesAgainstSystem compares our reading of dates with the system's writing.
func TestDatesAgainstSystem(t *testing.T) {
	for range 20000 {
		year := 1601 + rand.IntN(8000)
		want := time.Date(year, time.Month(1+rand.IntN(12)), 1+rand.IntN(28), rand.IntN(24), rand.IntN(60), rand.IntN(60), 0, time.UTC)
		local := time.Date(want.Year(), want.Month(), want.Day(), want.Hour(), want.Minute(), want.Second(), 0, time.Local)
		if local.Hour() != want.Hour() {
			continue // a time that the clock leaps over
		}
		d, err := systemDate(local)
		if err != nil {
			t.Fatal(want, err)
		}
		if got, ok := fromDate(d, time.UTC); !ok || !got.Equal(want) {
			t.Fatalf("%v is %v here, for the system %v", d, got, want)
		}
		if ours, _ := toDate(local, time.Local); math.Abs(ours-d) > 1e-9 {
			t.Fatalf("%v is %v here, for the system %v", want, ours, d)
		}
	}
}

// TestTypeLibrary writes the type library and has the system read it.
func TestTypeLibrary(t *testing.T) {
	initialize(t)
	// Not t.TempDir, which Wine 8 cannot remove: it lacks the deletion that Go uses there.
	path := filepath.Join(os.TempDir(), "comserver-test.tlb")
	t.Cleanup(func() { os.Remove(path) })
	if err := WriteTypeLibrary(path, toyConfig); err != nil {
		t.Fatal(err)
	}
	name, _ := windows.UTF16PtrFromString(path)
	var lib, info iface
	if err := do(loadTypeLibEx, uintptr(unsafe.Pointer(name)), 2, uintptr(unsafe.Pointer(&lib))); err != nil {
		t.Fatal(err)
	}
	defer lib.release()
	if n := lib.call(3); n != 1+3+2 {
		t.Errorf("%d types", n)
	}
	if c := lib.call(typeLibGetTypeInfoOfGUID, uintptr(unsafe.Pointer(&toyClass.IID)), uintptr(unsafe.Pointer(&info))); c != sOK {
		t.Fatal(c)
	}
	defer info.release()
	// ITypeInfo::GetIDsOfNames: what an early-bound compiler asks.
	var names [3]*uint16
	for i, n := range []string{"join", "third", "SECOND"} {
		names[i], _ = windows.UTF16PtrFromString(n)
	}
	var ids [3]int32
	if c := info.call(10, uintptr(unsafe.Pointer(&names)), 3, uintptr(unsafe.Pointer(&ids))); c != sOK || ids != [3]int32{3, 2, 1} {
		t.Errorf("names: %v %v", ids, c)
	}
	// Each member is there under its number, assignable properties twice: TYPEATTR.cFuncs, FUNCDESC.
	functions := map[int32]int{}
	for i := 0; ; i++ {
		var f *funcDesc
		if c := info.call(5, uintptr(i), uintptr(unsafe.Pointer(&f))); c != sOK {
			break
		}
		functions[f.id]++
		info.call(20, uintptr(unsafe.Pointer(f)))
	}
	for _, m := range toyClass.Members {
		want := 1
		if m.Kind == ReadWrite {
			want = 2
		}
		if functions[m.ID] != want {
			t.Errorf("%s is there %d times", m.Name, functions[m.ID])
		}
	}
}

func TestServerEarlyBound(t *testing.T) {
	initialize(t)
	for _, iid := range []GUID{iidDispatch, toyClass.IID} {
		c := create(t, toyConfig.Classes[0].CLSID, iid)
		if v := c.value(t, 23, Get, nil); v != "toy" {
			t.Errorf("Name is %v", v)
		}
		c.release()
	}
	c := create(t, toyConfig.Classes[0].CLSID, toyClass.IID)
	defer c.release()
	ids, code := c.names("join", "THIRD", "first")
	if code != sOK || !reflect.DeepEqual(ids, []int32{3, 2, 0}) {
		t.Fatalf("names: %v %v", ids, code)
	}
	if ids, code := c.names("Join", "nonsense"); code != UnknownName || !reflect.DeepEqual(ids, []int32{3, -1}) {
		t.Errorf("unknown name: %v %v", ids, code)
	}
	if v := c.value(t, 3, Call, []any{"c", "a"}, 2, 0); v != "a|Missing|c" {
		t.Errorf("named arguments: %v", v)
	}
	if v := c.value(t, 3, Call|Get, []any{"a", "c"}, 2); v != "a|Missing|c" {
		t.Errorf("positional and named arguments: %v", v)
	}
	c.value(t, 23, Put, []any{"new name"}, idPropertyPut)
	if v := c.value(t, 0, Get, nil); v != "new name" {
		t.Errorf("default member: %v", v)
	}
	var x variant
	if err := c.codec.encode(int32(7), &x); err != nil {
		t.Fatal(err)
	}
	if v := c.value(t, 2, Call, []any{&x}); v != "int32(7)" {
		t.Errorf("by reference: %v", v)
	}
	for _, v := range []any{nil, Null, true, uint8(7), int16(7), int32(-7), float32(0.5), 1.25, Currency(5), "text", []byte{1, 2, 3}, ErrorCode(eFail),
		[]any{"a", int16(1)}, time.Date(2001, 2, 3, 4, 5, 6, 0, time.Local)} {
		if got := c.value(t, 1, Call, []any{v}); !reflect.DeepEqual(got, v) {
			t.Errorf("%#v came back as %#v", v, got)
		}
	}
	_, err := c.invoke(5, Call, []any{int32(-2147221233), "not found"})
	var e *Error
	if !errors.As(err, &e) || *e != (Error{Code: 0x8004010F, Source: "Toy source", Description: "not found"}) {
		t.Errorf("error: %v", err)
	}
	if _, err := c.invoke(999, Call, nil); err != MemberNotFound {
		t.Errorf("unknown member: %v", err)
	}
	if _, err := c.query(&iidClassFactory); err == nil {
		t.Error("an object is a class factory")
	}
	var info iface
	if code := c.call(4, 0, 0, uintptr(unsafe.Pointer(&info))); code != sOK {
		t.Errorf("GetTypeInfo: %v", code)
	}
	info.release()
	provider, err := c.query(&iidProvideClassInfo)
	if err != nil {
		t.Fatal(err)
	}
	defer provider.release()
	var class iface
	if code := provider.call(3, uintptr(unsafe.Pointer(&class))); code != sOK {
		t.Errorf("GetClassInfo: %v", code)
	}
	class.release()
}

func TestServerEnumerator(t *testing.T) {
	initialize(t)
	c := create(t, toyConfig.Classes[0].CLSID, iidDispatch)
	defer c.release()
	r, err := c.invoke(4, Get, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer clearVariant(&r)
	items := client{*at[iface](&r), c.codec}
	n, err := items.invoke(idNewEnum, Get|Call, nil)
	if err != nil || n.vt != vtUnknown {
		t.Fatal(n.vt, err)
	}
	defer clearVariant(&n)
	enum, err := (*at[iface](&n)).query(&iidEnumVariant)
	if err != nil {
		t.Fatal(err)
	}
	defer enum.release()
	next := func(e iface, want uint32) (got uint32, code Code) {
		list := make([]variant, want)
		code = e.call(3, uintptr(want), uintptr(unsafe.Pointer(&list[0])), uintptr(unsafe.Pointer(&got)))
		for i := range list {
			clearVariant(&list[i])
		}
		return got, code
	}
	if got, code := next(enum, 2); got != 2 || code != sOK {
		t.Errorf("two of three: %d %v", got, code)
	}
	var clone iface
	if code := enum.call(6, uintptr(unsafe.Pointer(&clone))); code != sOK {
		t.Fatal(code)
	}
	defer clone.release()
	if got, code := next(enum, 2); got != 1 || code != sFalse {
		t.Errorf("the last one: %d %v", got, code)
	}
	if got, code := next(clone, 5); got != 1 || code != sFalse {
		t.Errorf("the clone's last one: %d %v", got, code)
	}
	if code := enum.call(5); code != sOK {
		t.Error(code)
	}
	if code := enum.call(4, 2); code != sOK {
		t.Errorf("skip: %v", code)
	}
	if code := enum.call(4, 2); code != sFalse {
		t.Errorf("skip past the end: %v", code)
	}
}

// statistics are the numbers of the server process.
func statistics(t *testing.T, c client) (objects, apartments, toys, goroutines, heap int) {
	t.Helper()
	s, _ := c.value(t, 13, Get, nil).(string)
	if _, err := fmt.Sscan(s, &objects, &apartments, &toys, &goroutines, &heap); err != nil {
		t.Fatal(s, err)
	}
	return
}

// TestServerManyCalls looks for what grows with calls.
func TestServerManyCalls(t *testing.T) {
	initialize(t)
	c := create(t, toyConfig.Classes[0].CLSID, iidDispatch)
	defer c.release()
	const calls = 10000
	var before, after [2]int
	for round := range 2 {
		for i := range calls / 2 {
			if v := c.value(t, 23, Get, nil); v != "toy" {
				t.Fatal(i, v)
			}
		}
		for range calls / 20 { // objects that come and go
			r, err := c.invoke(4, Get, nil)
			if err != nil {
				t.Fatal(err)
			}
			n, err := client{*at[iface](&r), c.codec}.invoke(idNewEnum, Get, nil)
			if err != nil {
				t.Fatal(err)
			}
			clearVariant(&n)
			clearVariant(&r)
		}
		objects, apartments, _, goroutines, heap := statistics(t, c)
		if objects != 1 || apartments != 1 {
			t.Errorf("%d objects in %d apartments are left", objects, apartments)
		}
		before, after = after, [2]int{goroutines, heap}
		_ = round
	}
	if after[0] > before[0]+2 || after[1] > before[1]+before[1]/2 {
		t.Errorf("goroutines and memory grew: %v, then %v", before, after)
	}
}

// TestServerManyClients has several threads at work at once, each with an object of its own.
func TestServerManyClients(t *testing.T) {
	initialize(t)
	first := create(t, toyConfig.Classes[0].CLSID, iidDispatch)
	defer first.release()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			if windows.CoInitializeEx(0, windows.COINIT_MULTITHREADED) == nil {
				defer windows.CoUninitialize()
			}
			c := create(t, toyConfig.Classes[0].CLSID, iidDispatch)
			defer c.release()
			c.value(t, 23, Put, []any{strconv.Itoa(i)}, idPropertyPut)
			for range 100 {
				if v := c.value(t, 23, Get, nil); v != strconv.Itoa(i) {
					t.Errorf("client %d has the name %v", i, v)
				}
				if _, err := c.invoke(6, Call, nil); err == nil || !strings.Contains(err.Error(), "toy panic") {
					t.Errorf("panic: %v", err)
				}
				first.value(t, 23, Get, nil) // which members run one at a time in
			}
		})
	}
	wg.Wait()
	if _, apartments, toys, _, _ := statistics(t, first); apartments != 1 || toys > 8 {
		t.Errorf("%d apartments, %d toys are left", apartments, toys)
	}
}

// TestServerSleep is a client that TestWine kills in its call.
func TestServerSleep(t *testing.T) {
	initialize(t)
	c := create(t, toyConfig.Classes[0].CLSID, iidDispatch)
	c.invoke(9, Call, []any{int16(60)})
	t.Error("the call came to its end")
}

// TestServerSurvivor sees the other client come and end. It tells TestWine when by a file.
func TestServerSurvivor(t *testing.T) {
	initialize(t)
	c := create(t, toyConfig.Classes[0].CLSID, iidDispatch)
	defer c.release()
	wait := func(what string, clients int) {
		for deadline := time.Now().Add(time.Minute); ; {
			objects, apartments, toys, _, _ := statistics(t, c)
			sleeping := c.value(t, 14, Get, nil)
			if objects == clients && apartments == clients && toys == clients && sleeping == int32(clients-1) {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: %d objects in %d apartments, %d toys, %v calls", what, objects, apartments, toys, sleeping)
			}
			windows.SleepEx(50, false)
		}
	}
	wait("a second client in a call", 2)
	if err := os.WriteFile(os.Getenv("TOY_SIGNAL"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	wait("the second client gone", 1)
}

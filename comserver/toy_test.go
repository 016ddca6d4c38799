package comserver

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"strings"
	"sync/atomic"
	"time"
)

// The toy is an object model with everything that automation has and nothing else.

// member is how the toy's objects find what to do by dispid.
type member map[int32]func(ctx context.Context, how How, args []any) (any, error)

func (m member) invoke(ctx context.Context, c Class, call Invocation) (any, error) {
	f := m[call.ID]
	if f == nil {
		return nil, MemberNotFound
	}
	args := call.Args
	for _, n := range call.Named {
		for int(n.Param) >= len(args) {
			args = append(args, Missing)
		}
		args[n.Param] = n.Value
	}
	return f(ctx, call.How, args)
}

func arg(args []any, i int) any {
	if i < len(args) {
		return args[i]
	}
	return Missing
}

var (
	toyClass = &Class{Name: "_Toy", IID: MustGUID("{6E5A2C10-0A53-4E0B-9D0A-1B6A3C7D0001}"), Help: "A toy", Members: []Member{
		{Name: "Name", ID: 23, Kind: ReadWrite, Help: "The default member"},
		{Name: "Echo", ID: 1, Params: []Param{{"Value", true}}},
		{Name: "TypeOf", ID: 2, Params: []Param{{"Value", true}}},
		{Name: "Join", ID: 3, Params: []Param{{"First", false}, {"Second", true}, {"Third", true}}},
		{Name: "Items", ID: 4, Kind: ReadOnly},
		{Name: "Fail", ID: 5, Params: []Param{{"Number", false}, {"Text", true}}},
		{Name: "Panic", ID: 6},
		{Name: "When", ID: 7, Kind: ReadWrite},
		{Name: "Value", ID: 8, Kind: ReadOnly, Params: []Param{{"Kind", false}}},
		{Name: "Sleep", ID: 9, Params: []Param{{"Seconds", false}}},
		{Name: "Self", ID: 10, Kind: ReadOnly},
		{Name: "Other", ID: 11, Kind: ReadWrite},
		{Name: "Same", ID: 12, Params: []Param{{"Object", false}}},
		{Name: "Statistics", ID: 13, Kind: ReadOnly},
		{Name: "Sleeping", ID: 14, Kind: ReadOnly},
	}}
	itemsClass = &Class{Name: "ToyItems", IID: MustGUID("{6E5A2C10-0A53-4E0B-9D0A-1B6A3C7D0002}"), Collection: true, Members: []Member{
		{Name: "Count", ID: 9, Kind: ReadOnly},
		{Name: "Item", ID: 21, Kind: ReadOnly, Params: []Param{{"Index", false}}},
	}}
	itemClass = &Class{Name: "ToyItem", IID: MustGUID("{6E5A2C10-0A53-4E0B-9D0A-1B6A3C7D0003}"), Members: []Member{
		{Name: "Value", ID: 43, Kind: ReadWrite},
	}}
)

var toyConfig = Config{
	Name:  "ComServerToy",
	AppID: MustGUID("{6E5A2C10-0A53-4E0B-9D0A-1B6A3C7D0010}"),
	Library: &Library{ID: MustGUID("{6E5A2C10-0A53-4E0B-9D0A-1B6A3C7D0011}"), Major: 1, Minor: 21, Name: "Toy", Help: "Toy Library", Source: "Toy source",
		Classes: []*Class{toyClass, itemsClass, itemClass},
		Enums:   []Enum{{"ToyKind", []EnumValue{{"ToyNone", -1}, {"ToyOne", 1}, {"ToyMax", 0x7FFFFFFF}}}}},
	Classes: []CoClass{
		{Name: "Toy", CLSID: MustGUID("{6E5A2C10-0A53-4E0B-9D0A-1B6A3C7D0012}"), ProgID: "Toy.Own", Text: "Toy", Class: toyClass, New: newToy},
		{Name: "ToyOriginal", CLSID: MustGUID("{6E5A2C10-0A53-4E0B-9D0A-1B6A3C7D0013}"), ProgID: "Toy.Original", Text: "Toy in place of another",
			Class: toyClass, Replaces: true, New: newToy},
	},
	Linger: time.Second, First: 20 * time.Second,
}

var toysAlive, sleeping atomic.Int32

// counts is set where a server runs.
var counts = func() (objects, apartments int) { return 0, 0 }

type toy struct {
	name    string
	when    time.Time
	other   Object
	items   *toyItems
	members member
	inside  atomic.Int32 // calls in progress
}

func newToy() (Object, error) {
	t := &toy{name: "toy", items: &toyItems{}}
	for i := range 3 {
		t.items.list = append(t.items.list, &toyItem{value: fmt.Sprint("item ", i+1)})
	}
	toysAlive.Add(1)
	t.members = member{
		0:  t.property(func() any { return t.name }, func(v any) { t.name = fmt.Sprint(v) }),
		23: t.property(func() any { return t.name }, func(v any) { t.name = fmt.Sprint(v) }),
		1:  func(_ context.Context, _ How, a []any) (any, error) { return arg(a, 0), nil },
		2:  func(_ context.Context, _ How, a []any) (any, error) { return describe(arg(a, 0)), nil },
		3:  t.join,
		4: func(ctx context.Context, how How, a []any) (any, error) {
			if len(a) > 0 { // Items(1) = ...
				return t.items.Invoke(ctx, Invocation{How: how, Args: a})
			}
			return t.items, nil
		},
		5: func(_ context.Context, _ How, a []any) (any, error) {
			text, _ := arg(a, 1).(string)
			switch n := arg(a, 0).(type) {
			case int32:
				return nil, fmt.Errorf("failing: %w", &Error{Code: Code(n), Description: text})
			case int16:
				return nil, &Error{Code: Code(n), Description: text, Source: "a warning"}
			}
			return nil, errors.New("without a number")
		},
		6:  func(context.Context, How, []any) (any, error) { panic("toy panic") },
		7:  t.property(func() any { return t.when }, func(v any) { t.when, _ = v.(time.Time) }),
		8:  func(_ context.Context, _ How, a []any) (any, error) { return toyValue(arg(a, 0)) },
		9:  t.sleep,
		10: func(context.Context, How, []any) (any, error) { return t, nil },
		11: t.property(func() any {
			if t.other == nil {
				return Nothing
			}
			return t.other
		}, func(v any) { t.other, _ = v.(Object) }),
		12: func(_ context.Context, _ How, a []any) (any, error) { return arg(a, 0) == Object(t), nil },
		14: func(context.Context, How, []any) (any, error) { return sleeping.Load(), nil },
		13: func(context.Context, How, []any) (any, error) {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			objects, apartments := counts()
			return fmt.Sprintf("%d %d %d %d %d", objects, apartments, toysAlive.Load(), runtime.NumGoroutine(), m.HeapAlloc), nil
		},
	}
	return t, nil
}

func (t *toy) Class() *Class { return toyClass }

func (t *toy) Invoke(ctx context.Context, call Invocation) (any, error) {
	if t.inside.Add(1) > 1 {
		return nil, errors.New("two calls at once")
	}
	defer t.inside.Add(-1)
	return t.members.invoke(ctx, *toyClass, call)
}

func (t *toy) Close(context.Context) error {
	toysAlive.Add(-1)
	return nil
}

func (t *toy) property(get func() any, put func(any)) func(context.Context, How, []any) (any, error) {
	return func(_ context.Context, how How, a []any) (any, error) {
		switch {
		case how&(Put|PutRef) != 0 && len(a) == 1:
			put(a[0])
			return nil, nil
		case len(a) > 0:
			return nil, BadParamCount
		}
		return get(), nil
	}
}

func (t *toy) join(_ context.Context, _ How, a []any) (any, error) {
	if len(a) > 3 {
		return nil, BadParamCount
	}
	if arg(a, 0) == Missing {
		return nil, ParamNotOptional
	}
	return fmt.Sprintf("%v|%v|%v", arg(a, 0), arg(a, 1), arg(a, 2)), nil
}

func (t *toy) sleep(ctx context.Context, _ How, a []any) (any, error) {
	sleeping.Add(1)
	defer sleeping.Add(-1)
	n, _ := arg(a, 0).(int16)
	select {
	case <-ctx.Done():
		return "cancelled", nil
	case <-time.After(time.Duration(n) * time.Second):
		return "slept", nil
	}
}

// describe tells scripts what has arrived.
func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "nil"
	case special:
		return v.String()
	case Object:
		return v.Class().Name
	case time.Time:
		return v.Format("2006-01-02 15:04:05")
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = describe(v[i])
		}
		return "[" + strings.Join(parts, " ") + "]"
	}
	return fmt.Sprintf("%T(%v)", v, v)
}

func toyValue(kind any) (any, error) {
	values := map[string]any{
		"empty": nil, "null": Null, "nothing": Nothing, "string": "Grüße, 世界 \U0001F600", "bool": true, "int": 70000, "huge": int64(1) << 40,
		"double": 1.5, "currency": Currency(123456), "date": time.Date(2003, 4, 5, 6, 7, 8, 0, time.Local), "old": time.Date(1850, 4, 5, 6, 7, 8, 0, time.Local),
		"strings": []string{"a", "b"}, "numbers": []int32{1, 2, 3}, "none": []string{}, "bytes": []byte{1, 2, 255}, "nested": []any{int32(1), []any{"x"}},
		"long": strings.Repeat("x", 1<<20), "struct": struct{}{}, "zero": "a\x00b",
	}
	name, _ := kind.(string)
	v, ok := values[name]
	if !ok {
		return nil, TypeMismatch
	}
	return v, nil
}

type toyItems struct{ list []*toyItem }

func (c *toyItems) Class() *Class { return itemsClass }

func (c *toyItems) Invoke(ctx context.Context, call Invocation) (any, error) {
	switch call.ID {
	case 9:
		return len(c.list), nil
	case 0, 21:
		n, ok := arg(call.Args, 0).(int16)
		if !ok {
			return nil, TypeMismatch
		}
		if n < 1 || int(n) > len(c.list) {
			return Nothing, nil
		}
		item := c.list[n-1]
		if call.How&Put != 0 {
			return item.Invoke(ctx, Invocation{How: Put, Args: call.Args[1:]})
		}
		return item, nil
	}
	return nil, MemberNotFound
}

func (c *toyItems) Each(context.Context) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		for _, i := range c.list {
			if !yield(i, nil) {
				return
			}
		}
	}
}

type toyItem struct{ value any }

func (i *toyItem) Class() *Class { return itemClass }

func (i *toyItem) Invoke(_ context.Context, call Invocation) (any, error) {
	if call.ID != 0 && call.ID != 43 {
		return nil, MemberNotFound
	}
	if call.How&Put != 0 {
		i.value = call.Args[0]
		return nil, nil
	}
	return i.value, nil
}

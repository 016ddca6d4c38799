package comserver

import (
	"context"
	"syscall"
	"unsafe"
)

// Tables of methods. A callback is never freed and there can be about 2000 of them, so they are made once for all objects;
// which object a call is for follows from the address of its header.
var dispatchTable, classInfoTable, errorInfoTable, enumTable, factoryTable []uintptr

// tablesOf are the tables of the interfaces that a value has.
func tablesOf(value any, creatable bool) [][]uintptr {
	switch value.(type) {
	case *enumerator:
		return [][]uintptr{enumTable}
	case *CoClass:
		return [][]uintptr{factoryTable}
	}
	if creatable {
		return [][]uintptr{dispatchTable, errorInfoTable, classInfoTable}
	}
	return [][]uintptr{dispatchTable, errorInfoTable}
}

// makeTables makes the tables for the one server of the process.
func (s *server) makeTables() {
	unknown := []uintptr{syscall.NewCallback(s.queryInterface), syscall.NewCallback(s.addRef), syscall.NewCallback(s.release)}
	table := func(methods ...any) []uintptr {
		t := append([]uintptr{}, unknown...)
		for _, m := range methods {
			t = append(t, syscall.NewCallback(m))
		}
		return t
	}
	dispatchTable = table(s.getTypeInfoCount, s.getTypeInfo, s.getIDsOfNames, s.invoke)
	classInfoTable = table(s.getClassInfo)
	errorInfoTable = table(s.interfaceSupportsErrorInfo)
	enumTable = table(s.enumNext, s.enumSkip, s.enumReset, s.enumClone)
	factoryTable = table(s.createInstance, s.lockServer)
}

// header makes the memory that clients know an object by: a pointer to the methods of each of its interfaces.
func (s *server) header(value any) []uintptr {
	o, ok := value.(Object)
	tables := tablesOf(value, ok && s.coClass(o.Class()) != nil)
	const word = unsafe.Sizeof(uintptr(0))
	p, _, _ := coTaskMemAlloc.Call(uintptr(len(tables)) * word)
	if p == 0 {
		return nil
	}
	addrs := make([]uintptr, len(tables))
	for i, t := range tables {
		addrs[i] = p + uintptr(i)*word
		*(*uintptr)(foreign(addrs[i])) = uintptr(unsafe.Pointer(&t[0])) // the tables live as long as the process
	}
	return addrs
}

func freeHeader(p uintptr) { coTaskMemFree.Call(p) }

// result makes what a callback returns.
func result(c Code) uintptr { return uintptr(c) }

func (s *server) queryInterface(this uintptr, iid *GUID, out *uintptr) uintptr {
	if out == nil {
		return result(ePointer)
	}
	*out = 0
	value, a := s.live.find(this)
	p := s.live.identity(this)
	if p == 0 || iid == nil {
		return result(objectGone)
	}
	const word = unsafe.Sizeof(uintptr(0))
	found := *iid == iidUnknown
	switch v := value.(type) {
	case Object:
		switch {
		case *iid == iidDispatch, *iid == v.Class().IID:
			found = true
		case *iid == iidSupportErrorInfo:
			found, p = true, p+word
		case *iid == iidProvideClassInfo && s.coClass(v.Class()) != nil:
			found, p = true, p+2*word
		}
	case *enumerator:
		found = found || *iid == iidEnumVariant
	case *CoClass:
		found = found || *iid == iidClassFactory
	case nil: // closed; COM itself still holds it
		found = found || a != nil && *iid == iidDispatch
	}
	if !found {
		return result(eNoInterface)
	}
	s.live.addRef(p)
	*out = p
	return result(sOK)
}

func (s *server) addRef(this uintptr) uintptr  { return uintptr(s.live.addRef(this)) }
func (s *server) release(this uintptr) uintptr { return uintptr(s.live.release(this)) }

func (s *server) interfaceSupportsErrorInfo(this uintptr, iid *GUID) uintptr {
	return result(sFalse) // errors travel in the EXCEPINFO of Invoke, and nowhere else
}

// coClass finds the creatable class of objects of a class.
func (s *server) coClass(c *Class) *CoClass {
	for i := range s.Classes {
		if s.Classes[i].Class == c {
			return &s.Classes[i]
		}
	}
	return nil
}

// IClassFactory

func (s *server) createInstance(this, outer uintptr, iid *GUID, out *uintptr) uintptr {
	if out == nil || iid == nil {
		return result(ePointer)
	}
	*out = 0
	if outer != 0 {
		return result(classNoAggregate)
	}
	value, _ := s.live.find(this)
	class, ok := value.(*CoClass)
	if !ok {
		return result(objectGone)
	}
	o, err := func() (o Object, err error) {
		defer catch(&err, "creating "+class.ProgID)
		return class.New()
	}()
	if err != nil {
		return result(s.failure(err))
	}
	p := s.live.create(o)
	if p == 0 {
		return result(eOutOfMemory)
	}
	defer s.live.release(p)
	return s.queryInterface(p, iid, out)
}

func (s *server) lockServer(this, lock uintptr) uintptr {
	if lock != 0 {
		s.life.born()
	} else {
		s.life.died()
	}
	return result(sOK)
}

// IEnumVARIANT

// enumerate executes a method of an enumerator in its apartment.
func (s *server) enumerate(this uintptr, f func(ctx context.Context, a *apartment, e *enumerator) Code) uintptr {
	value, a := s.live.find(this)
	e, ok := value.(*enumerator)
	if !ok {
		return result(objectGone)
	}
	s.watch(a)
	code := eFail
	a.run(nil, func(ctx context.Context) { code = f(ctx, a, e) })
	return result(code)
}

// failure is the code of an error where there is no EXCEPINFO to carry its text.
func (s *server) failure(err error) Code {
	s.report(err)
	e, _ := asError(err, "")
	return e.Code
}

func (s *server) enumNext(this, count uintptr, out *variant, fetched *uint32) uintptr {
	return s.enumerate(this, func(ctx context.Context, a *apartment, e *enumerator) Code {
		n := uint32(count)
		if out == nil && n > 0 || fetched == nil && n != 1 {
			return ePointer
		}
		var got uint32
		code := sOK
		list := unsafe.Slice(out, n)
		for got < n {
			v, ok, err := e.take(ctx)
			if err == nil && ok {
				err = a.encode(v, &list[got])
			}
			if err != nil {
				code = s.failure(err)
				break
			}
			if !ok {
				code = sFalse
				break
			}
			got++
		}
		if code.Failed() {
			for i := range list[:got] {
				clearVariant(&list[i])
			}
			got = 0
		}
		if fetched != nil {
			*fetched = got
		}
		return code
	})
}

func (s *server) enumSkip(this, count uintptr) uintptr {
	return s.enumerate(this, func(ctx context.Context, a *apartment, e *enumerator) Code {
		ok, err := e.skip(ctx, int(uint32(count)))
		switch {
		case err != nil:
			return s.failure(err)
		case !ok:
			return sFalse
		}
		return sOK
	})
}

func (s *server) enumReset(this uintptr) uintptr {
	return s.enumerate(this, func(ctx context.Context, a *apartment, e *enumerator) Code {
		e.reset()
		return sOK
	})
}

func (s *server) enumClone(this uintptr, out *uintptr) uintptr {
	if out == nil {
		return result(ePointer)
	}
	*out = 0
	return s.enumerate(this, func(ctx context.Context, a *apartment, e *enumerator) Code {
		clone, err := e.clone(ctx)
		if err != nil {
			return s.failure(err)
		}
		if *out = a.offer(clone); *out == 0 {
			return objectGone
		}
		return sOK
	})
}

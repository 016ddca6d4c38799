package comserver

import (
	"context"
	"errors"
	"unsafe"

	"golang.org/x/sys/windows"
)

// dispParams is a DISPPARAMS: the arguments in reverse, those with names first ([MS-OAUT] 2.2.33).
type dispParams struct {
	args       *variant
	named      *int32
	count      uint32
	namedCount uint32
}

// excepInfo is an EXCEPINFO ([MS-OAUT] 2.2.34).
type excepInfo struct {
	code, reserved             uint16
	source, description, help  uintptr
	helpContext                uint32
	reservedPointer, completer uintptr
	scode                      int32
}

// maxArguments bounds what a client claims to pass. The longest list of parameters has a tenth of it.
const maxArguments = 256

func (s *server) getTypeInfoCount(this uintptr, count *uint32) uintptr {
	if count == nil {
		return result(ePointer)
	}
	*count = 0
	if s.typeLibrary() != 0 {
		*count = 1
	}
	return result(sOK)
}

func (s *server) getTypeInfo(this, index, lcid uintptr, out *iface) uintptr {
	if out == nil {
		return result(ePointer)
	}
	*out = 0
	value, _ := s.live.find(this)
	o, ok := value.(Object)
	if !ok {
		return result(objectGone)
	}
	if uint32(index) != 0 {
		return result(dispBadIndex)
	}
	return result(s.typeInfo(o.Class().IID, out))
}

// getClassInfo is IProvideClassInfo::GetClassInfo.
func (s *server) getClassInfo(this uintptr, out *iface) uintptr {
	if out == nil {
		return result(ePointer)
	}
	*out = 0
	value, _ := s.live.find(this)
	o, ok := value.(Object)
	if !ok {
		return result(objectGone)
	}
	return result(s.typeInfo(s.coClass(o.Class()).CLSID, out))
}

func (s *server) getIDsOfNames(this, iid uintptr, names **uint16, count, lcid uintptr, ids *int32) uintptr {
	n := int(uint32(count))
	if n == 0 || n > maxArguments || names == nil || ids == nil {
		return result(eInvalidArg)
	}
	value, _ := s.live.find(this)
	o, ok := value.(Object)
	if !ok {
		return result(objectGone)
	}
	texts := make([]string, n)
	for i, p := range unsafe.Slice(names, n) {
		texts[i] = windows.UTF16PtrToString(p)
	}
	found, ok := o.Class().IDsOfNames(texts)
	copy(unsafe.Slice(ids, n), found)
	if !ok {
		return result(UnknownName)
	}
	return result(sOK)
}

func (s *server) invoke(this, id, iid, lcid, flags uintptr, params *dispParams, out *variant, exception *excepInfo, argErr *uint32) uintptr {
	value, a := s.live.find(this)
	o, ok := value.(Object)
	if !ok {
		return result(objectGone)
	}
	if params == nil {
		return result(ePointer)
	}
	s.watch(a)
	call := Invocation{ID: int32(uint32(id)), How: How(flags) & (Call | Get | Put | PutRef), LCID: uint32(lcid)}
	err := s.arguments(params, &call)
	if err == nil {
		// A client that is gone may be waited for by nobody: what it passed is decoded before, what it gets is encoded
		// after the model had its turn.
		a.run(s.apartmentsOf(call), func(ctx context.Context) {
			var v any
			if v, err = Invoke(ctx, o, call); err == nil && out != nil {
				err = a.encode(v, out)
			}
		})
	}
	if err == nil {
		return result(sOK)
	}
	var p *panicked
	if errors.As(err, &p) {
		s.report(err)
	}
	fault, inCall := asError(err, s.Library.Source)
	if inCall {
		if argErr != nil {
			*argErr = 0
		}
		return result(fault.Code)
	}
	if exception != nil {
		*exception = excepInfo{source: newBSTR(fault.Source), description: newBSTR(fault.Description), scode: int32(fault.Code)}
		if !fault.Code.Failed() {
			// A number of a program's own, such as a warning's: of codes of FACILITY_CONTROL clients show the low word.
			exception.scode = int32(facilityControl | fault.Code&0xFFFF)
		}
	}
	return result(dispException)
}

// arguments reads what the client passes.
func (s *server) arguments(params *dispParams, call *Invocation) error {
	n, named := int(params.count), int(params.namedCount)
	if n > maxArguments || named > n || n > 0 && params.args == nil || named > 0 && params.named == nil {
		return BadParamCount
	}
	args := unsafe.Slice(params.args, n)
	ids := unsafe.Slice(params.named, named)
	for i := n - 1; i >= 0; i-- {
		v, err := s.live.decode(&args[i])
		if err != nil {
			return err
		}
		if i < named && ids[i] != idPropertyPut {
			call.Named = append(call.Named, NamedArg{ids[i], v})
			continue
		}
		call.Args = append(call.Args, v)
	}
	return nil
}

// apartmentsOf are those of the arguments.
func (s *server) apartmentsOf(call Invocation) (list []*apartment) {
	for _, v := range call.Args {
		if o, ok := v.(Object); ok {
			list = s.live.apartmentsOf(list, o)
		}
	}
	for _, n := range call.Named {
		if o, ok := n.Value.(Object); ok {
			list = s.live.apartmentsOf(list, o)
		}
	}
	return list
}

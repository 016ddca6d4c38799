package comserver

import (
	"fmt"
	"runtime"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Methods of the interfaces of type libraries by their place in the table (oaidl.h).
const (
	createLibCreateTypeInfo = 3
	createLibSetName        = 4
	createLibSetVersion     = 5
	createLibSetGUID        = 6
	createLibSetDocString   = 7
	createLibSave           = 12

	typeLibGetTypeInfoOfGUID = 6

	createInfoSetGUID      = 3
	createInfoSetFlags     = 4
	createInfoSetDocString = 5
	createInfoAddRefType   = 8
	createInfoAddFunc      = 9
	createInfoAddImplType  = 10
	createInfoSetImplFlags = 11
	createInfoAddVar       = 14
	createInfoSetNames     = 15
	createInfoSetVarName   = 16
	createInfoSetFuncHelp  = 19
	createInfoLayOut       = 25
)

// Kinds and flags of types (oaidl.h).
const (
	sysWin32, sysWin64   = 1, 3
	kindEnum             = 0
	kindDispatch         = 4
	kindCoClass          = 5
	typeFlagCanCreate    = 2
	typeFlagDispatchable = 0x1000
	implTypeFlagDefault  = 1
	funcDispatch         = 4
	invokeFunc           = 1
	invokeGet            = 2
	invokePut            = 4
	callStdcall          = 4
	paramFlagIn          = 1
	paramFlagOptional    = 0x10
	varConst             = 2
	lcidNeutral          = 0
)

// typeDesc, elemDesc, funcDesc and varDesc are TYPEDESC, ELEMDESC, FUNCDESC and VARDESC.
type typeDesc struct {
	inner uintptr
	vt    uint16
}

type elemDesc struct {
	typ     typeDesc
	deflt   uintptr
	flags   uint16
	_unused uint16
}

type funcDesc struct {
	id                                int32
	codes                             uintptr
	params                            *elemDesc
	kind, invoke, callConv            int32
	count, optional, vtable, codesLen int16
	result                            elemDesc
	flags                             uint16
}

type varDesc struct {
	id     int32
	schema uintptr
	value  *variant
	elem   elemDesc
	flags  uint16
	kind   int32
}

// WriteTypeLibrary writes the type library of a server, with Windows' own means (ICreateTypeLib2), so that no compiler for it
// is needed. COM has to be initialized.
func WriteTypeLibrary(path string, c Config) (err error) {
	if err := c.Library.check(); err != nil {
		return err
	}
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return err
	}
	w := &libraryWriter{}
	defer func() {
		w.base.release()
		w.lib.release()
		if err == nil {
			err = w.err
		}
		if err != nil {
			err = fmt.Errorf("comserver: the type library %s: %w", path, err)
		}
	}()
	if err := do(createTypeLib2, sysWin32, uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(&w.lib))); err != nil {
		return err
	}
	l := c.Library
	w.text(w.lib, createLibSetName, "SetName", l.Name)
	w.check(w.lib.call(createLibSetVersion, uintptr(l.Major), uintptr(l.Minor)), "SetVersion")
	w.check(w.lib.call(createLibSetGUID, uintptr(unsafe.Pointer(&l.ID))), "SetGuid")
	w.text(w.lib, createLibSetDocString, "SetDocString", l.Help)
	for _, e := range l.Enums {
		w.enum(e)
	}
	w.openBase()
	made := map[*Class]iface{}
	for _, class := range l.Classes {
		made[class] = w.dispinterface(class)
		defer made[class].release()
	}
	for _, co := range c.Classes {
		w.coClass(co, made[co.Class])
	}
	if w.err == nil {
		w.check(w.lib.call(createLibSave), "SaveAllChanges")
	}
	return nil
}

// libraryWriter keeps the first error of many calls.
type libraryWriter struct {
	lib  iface
	base iface // ITypeInfo of IDispatch
	err  error
}

func (w *libraryWriter) check(c Code, what string) {
	if w.err == nil && c.Failed() {
		w.err = fmt.Errorf("%s: %w", what, c)
	}
}

func (w *libraryWriter) text(p iface, method int, what, text string) {
	if w.err != nil || text == "" {
		return
	}
	s, err := windows.UTF16PtrFromString(text)
	if err != nil {
		w.err = fmt.Errorf("%s %q: %w", what, text, err)
		return
	}
	w.check(p.call(method, uintptr(unsafe.Pointer(s))), what+" "+text)
}

// openBase finds IDispatch in the type library of Automation.
func (w *libraryWriter) openBase() {
	if w.err != nil {
		return
	}
	var stdole iface
	w.err = do(loadRegTypeLib, uintptr(unsafe.Pointer(&libidOLEAutomation)), 2, 0, lcidNeutral, uintptr(unsafe.Pointer(&stdole)))
	if w.err != nil {
		return
	}
	defer stdole.release()
	w.check(stdole.call(typeLibGetTypeInfoOfGUID, uintptr(unsafe.Pointer(&iidDispatch)), uintptr(unsafe.Pointer(&w.base))), "IDispatch")
}

// begin makes a type; 0 after an error.
func (w *libraryWriter) begin(name string, kind int, id *GUID, flags int, help string) (info iface) {
	if w.err != nil {
		return 0
	}
	s, err := windows.UTF16PtrFromString(name)
	if err != nil {
		w.err = err
		return 0
	}
	w.check(w.lib.call(createLibCreateTypeInfo, uintptr(unsafe.Pointer(s)), uintptr(kind), uintptr(unsafe.Pointer(&info))), "CreateTypeInfo "+name)
	if w.err != nil {
		return 0
	}
	if id != nil {
		w.check(info.call(createInfoSetGUID, uintptr(unsafe.Pointer(id))), "SetGuid "+name)
	}
	w.check(info.call(createInfoSetFlags, uintptr(flags)), "SetTypeFlags "+name)
	w.text(info, createInfoSetDocString, "SetDocString", help)
	return info
}

func (w *libraryWriter) enum(e Enum) {
	info := w.begin(e.Name, kindEnum, nil, 0, "")
	defer info.release()
	for i, v := range e.Values {
		if w.err != nil {
			return
		}
		value := variant{vt: vtI4}
		*at[int32](&value) = v.Value
		d := varDesc{id: 0x40000000 + int32(i), value: &value, elem: elemDesc{typ: typeDesc{vt: vtI4}}, kind: varConst}
		w.check(info.call(createInfoAddVar, uintptr(i), uintptr(unsafe.Pointer(&d))), "AddVarDesc "+v.Name)
		s, err := windows.UTF16PtrFromString(v.Name)
		if err != nil {
			w.err = err
			return
		}
		w.check(info.call(createInfoSetVarName, uintptr(i), uintptr(unsafe.Pointer(s))), "SetVarName "+v.Name)
	}
	w.layOut(info, e.Name)
}

func (w *libraryWriter) layOut(info iface, name string) {
	if w.err == nil {
		w.check(info.call(createInfoLayOut), "LayOut "+name)
	}
}

// dispinterface writes a class and gives its type for coclasses to refer to.
func (w *libraryWriter) dispinterface(c *Class) iface {
	info := w.begin(c.Name, kindDispatch, &c.IID, typeFlagDispatchable, c.Help)
	if w.err != nil {
		return info
	}
	w.implement(info, w.base, c.Name)
	n := 0
	for _, m := range c.Members {
		switch m.Kind {
		case Method:
			w.member(info, &n, m, invokeFunc)
		default:
			w.member(info, &n, m, invokeGet)
			if m.Kind == ReadWrite {
				w.member(info, &n, m, invokePut)
			}
		}
	}
	w.layOut(info, c.Name)
	return info
}

func (w *libraryWriter) implement(info, other iface, name string) {
	var ref uint32
	w.check(info.call(createInfoAddRefType, uintptr(other), uintptr(unsafe.Pointer(&ref))), "AddRefTypeInfo "+name)
	if w.err == nil {
		w.check(info.call(createInfoAddImplType, 0, uintptr(ref)), "AddImplType "+name)
	}
}

// member writes one function: a property that can be assigned is two. All arguments and results are Variants, as in the
// library of CDO.
func (w *libraryWriter) member(info iface, n *int, m Member, invoke int32) {
	if w.err != nil {
		return
	}
	any := elemDesc{typ: typeDesc{vt: vtVariant}}
	params := make([]elemDesc, len(m.Params), len(m.Params)+1)
	names := make([]*uint16, 1, len(m.Params)+1)
	f := funcDesc{id: m.ID, kind: funcDispatch, invoke: invoke, callConv: callStdcall, result: any}
	names[0], w.err = windows.UTF16PtrFromString(m.Name)
	for i, p := range m.Params {
		params[i] = any
		params[i].flags = paramFlagIn
		if p.Optional {
			params[i].flags |= paramFlagOptional
		}
		s, err := windows.UTF16PtrFromString(p.Name)
		if err != nil {
			w.err = err
		}
		names = append(names, s)
	}
	if invoke == invokePut { // the value has no name
		value := any
		value.flags = paramFlagIn
		params = append(params, value)
		f.result.typ.vt = vtVoid
	}
	if w.err != nil {
		return
	}
	if len(params) > 0 {
		f.params = &params[0]
	}
	f.count = int16(len(params))
	w.check(info.call(createInfoAddFunc, uintptr(*n), uintptr(unsafe.Pointer(&f))), "AddFuncDesc "+m.Name)
	w.check(info.call(createInfoSetNames, uintptr(*n), uintptr(unsafe.Pointer(&names[0])), uintptr(len(names))), "SetFuncAndParamNames "+m.Name)
	if m.Help != "" && w.err == nil {
		help, err := windows.UTF16PtrFromString(strings.ReplaceAll(m.Help, "\x00", ""))
		if err == nil {
			w.check(info.call(createInfoSetFuncHelp, uintptr(*n), uintptr(unsafe.Pointer(help))), "SetFuncDocString "+m.Name)
		}
	}
	runtime.KeepAlive(params)
	runtime.KeepAlive(names)
	*n++
}

func (w *libraryWriter) coClass(c CoClass, of iface) {
	info := w.begin(c.Name, kindCoClass, &c.CLSID, typeFlagCanCreate, c.Text)
	defer info.release()
	if w.err != nil {
		return
	}
	var typ iface // ICreateTypeInfo is also ITypeInfo
	if typ, w.err = of.query(&iidTypeInfo); w.err != nil {
		return
	}
	defer typ.release()
	w.implement(info, typ, c.Name)
	w.check(info.call(createInfoSetImplFlags, 0, implTypeFlagDefault), "SetImplTypeFlags "+c.Name)
	w.layOut(info, c.Name)
}

package comserver

import (
	"fmt"
	"syscall"
	"unicode/utf16"
	"unsafe"

	"golang.org/x/sys/windows"
)

var (
	ole32    = windows.NewLazySystemDLL("ole32.dll")
	oleaut32 = windows.NewLazySystemDLL("oleaut32.dll")
	rpcrt4   = windows.NewLazySystemDLL("rpcrt4.dll")

	coTaskMemAlloc            = ole32.NewProc("CoTaskMemAlloc")
	coTaskMemFree             = ole32.NewProc("CoTaskMemFree")
	coRegisterClassObject     = ole32.NewProc("CoRegisterClassObject")
	coRevokeClassObject       = ole32.NewProc("CoRevokeClassObject")
	coResumeClassObjects      = ole32.NewProc("CoResumeClassObjects")
	coAddRefServerProcess     = ole32.NewProc("CoAddRefServerProcess")
	coReleaseServerProcess    = ole32.NewProc("CoReleaseServerProcess")
	coLockObjectExternal      = ole32.NewProc("CoLockObjectExternal")
	coDisconnectObject        = ole32.NewProc("CoDisconnectObject")
	sysAllocStringLen         = oleaut32.NewProc("SysAllocStringLen")
	sysFreeString             = oleaut32.NewProc("SysFreeString")
	variantClear              = oleaut32.NewProc("VariantClear")
	variantCopyInd            = oleaut32.NewProc("VariantCopyInd")
	safeArrayCreateVector     = oleaut32.NewProc("SafeArrayCreateVector")
	safeArrayDestroy          = oleaut32.NewProc("SafeArrayDestroy")
	safeArrayAccessData       = oleaut32.NewProc("SafeArrayAccessData")
	safeArrayUnaccessData     = oleaut32.NewProc("SafeArrayUnaccessData")
	safeArrayGetDim           = oleaut32.NewProc("SafeArrayGetDim")
	safeArrayGetVartype       = oleaut32.NewProc("SafeArrayGetVartype")
	safeArrayGetLBound        = oleaut32.NewProc("SafeArrayGetLBound")
	safeArrayGetUBound        = oleaut32.NewProc("SafeArrayGetUBound")
	systemTimeToVariantTime   = oleaut32.NewProc("SystemTimeToVariantTime")
	createTypeLib2            = oleaut32.NewProc("CreateTypeLib2")
	loadTypeLibEx             = oleaut32.NewProc("LoadTypeLibEx")
	loadRegTypeLib            = oleaut32.NewProc("LoadRegTypeLib")
	iRpcBindingInqLocalClient = rpcrt4.NewProc("I_RpcBindingInqLocalClientPID")
	iidUnknown                = MustGUID("{00000000-0000-0000-C000-000000000046}")
	iidClassFactory           = MustGUID("{00000001-0000-0000-C000-000000000046}")
	iidDispatch               = MustGUID("{00020400-0000-0000-C000-000000000046}")
	iidTypeInfo               = MustGUID("{00020401-0000-0000-C000-000000000046}")
	iidEnumVariant            = MustGUID("{00020404-0000-0000-C000-000000000046}")
	iidProvideClassInfo       = MustGUID("{B196B283-BAB4-101A-B69C-00AA00341D07}")
	iidSupportErrorInfo       = MustGUID("{DF0B3D60-548F-101B-8E65-08002B2BD119}")
	libidOLEAutomation        = MustGUID("{00020430-0000-0000-C000-000000000046}") // stdole2.tlb
)

// foreign makes a pointer of an address outside Go's memory. The way around keeps vet from taking it for one inside.
func foreign(addr uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&addr)) }

// do calls a function that returns an HRESULT.
//
//go:uintptrescapes
func do(p *windows.LazyProc, args ...uintptr) error {
	r, _, _ := p.Call(args...)
	return hresult(r, p.Name)
}

func hresult(r uintptr, what string) error {
	if c := Code(uint32(r)); c.Failed() {
		return fmt.Errorf("%s: %w", what, c)
	}
	return nil
}

// iface is a pointer to an interface of somebody else.
type iface uintptr

// call calls a method by its place in the table.
//
//go:uintptrescapes
func (p iface) call(method int, args ...uintptr) Code {
	table := *(*uintptr)(foreign(uintptr(p)))
	f := *(*uintptr)(foreign(table + uintptr(method)*unsafe.Sizeof(table)))
	r, _, _ := syscall.SyscallN(f, append([]uintptr{uintptr(p)}, args...)...)
	return Code(uint32(r))
}

func (p iface) release() {
	if p != 0 {
		p.call(2)
	}
}

// query asks for another interface.
func (p iface) query(iid *GUID) (q iface, err error) {
	c := p.call(0, uintptr(unsafe.Pointer(iid)), uintptr(unsafe.Pointer(&q)))
	return q, hresult(uintptr(c), "QueryInterface")
}

// newBSTR makes a string that its receiver frees; 0 without memory.
func newBSTR(s string) uintptr {
	u := utf16.Encode([]rune(s))
	var p unsafe.Pointer
	if len(u) > 0 {
		p = unsafe.Pointer(&u[0])
	}
	r, _, _ := sysAllocStringLen.Call(uintptr(p), uintptr(len(u)))
	return r
}

func freeBSTR(p uintptr) { sysFreeString.Call(p) }

// textOfBSTR reads a string by its length prefix, as it may hold zeros. 0 is the empty string.
func textOfBSTR(p uintptr) string {
	if p == 0 {
		return ""
	}
	n := *(*uint32)(foreign(p - 4))
	return string(utf16.Decode(unsafe.Slice((*uint16)(foreign(p)), n/2)))
}

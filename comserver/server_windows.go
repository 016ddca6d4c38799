package comserver

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// server is the one server of a process.
type server struct {
	Config
	live *live
	life *lifetime

	library struct {
		once sync.Once
		lib  iface
	}
	watching struct {
		sync.Mutex
		pids map[uint32]bool
	}
}

// one guards against a second server, which would need callbacks of its own.
var one sync.Mutex

// Times.
const (
	defaultLinger = 3 * time.Second
	defaultFirst  = 20 * time.Second
	// A client may have been given the class factory just before it was withdrawn, and is about to use it. That takes
	// milliseconds, and longer on a busy machine.
	grace = time.Second
	// A client that ended between creating an object and its first call is only noticed by its silence. Programs that create an
	// object long before they use it are left in peace for as long.
	silence = time.Hour
)

// Context and flags of class factories (combaseapi.h).
const (
	clsctxLocalServer = 4
	regclsMultipleUse = 1
	regclsSuspended   = 4
)

// Serve is what a process does that COM started: it offers the classes until their last object is released, or until ctx
// ends. The process should end soon after, as COM may have threads in it.
func Serve(ctx context.Context, c Config) error {
	s, err := newServer(c)
	if err != nil {
		return err
	}
	return s.serve(ctx)
}

func (s *server) serve(ctx context.Context) error {
	if !one.TryLock() {
		return errors.New("comserver: this process serves already")
	}
	defer one.Unlock()
	var cookies []uint32
	revoke := func() {
		for _, k := range cookies {
			coRevokeClassObject.Call(uintptr(k))
		}
	}
	for i := range s.Classes {
		class := &s.Classes[i]
		factory := s.live.permanent(class)
		// Else Wine lets go of what connects clients with the factory when one of them has done with it, just as the next one
		// gets hold of it, whom it then tells that the factory is gone.
		err := do(coLockObjectExternal, factory, 1, 0)
		var cookie uint32
		if err == nil {
			err = do(coRegisterClassObject, uintptr(unsafe.Pointer(&class.CLSID)), factory, clsctxLocalServer,
				regclsMultipleUse|regclsSuspended, uintptr(unsafe.Pointer(&cookie)))
		}
		if err != nil {
			revoke()
			return fmt.Errorf("comserver: offering %s: %w", class.ProgID, err)
		}
		cookies = append(cookies, cookie)
	}
	if err := do(coResumeClassObjects); err != nil {
		revoke()
		return fmt.Errorf("comserver: %w", err)
	}
	sweep := time.NewTicker(silence / 4)
	defer sweep.Stop()
	for waiting := true; waiting; {
		select {
		case <-s.life.quit:
			waiting = false
		case <-ctx.Done():
			revoke()
			return ctx.Err()
		case <-sweep.C:
			go s.live.forgotten(silence, disconnect)
		}
	}
	revoke()
	time.Sleep(grace)
	s.life.drain()
	return nil
}

// newServer makes what the callbacks work on. It is made once in a process.
func newServer(c Config) (*server, error) {
	// The multithreaded apartment: calls of different clients needn't wait for each other. Neither the thread nor the
	// apartment is left again: that would take the ground from under threads that still answer clients.
	runtime.LockOSThread()
	if err := windows.CoInitializeEx(0, windows.COINIT_MULTITHREADED); err != nil && err != windows.Errno(sFalse) {
		return nil, fmt.Errorf("comserver: initializing COM: %w", err)
	}
	if err := c.Library.check(); err != nil {
		return nil, err
	}
	if c.Linger == 0 {
		c.Linger = defaultLinger
	}
	if c.First == 0 {
		c.First = defaultFirst
	}
	s := &server{Config: c}
	s.watching.pids = map[uint32]bool{}
	s.life = newLifetime(func() { coAddRefServerProcess.Call() }, func() uint32 {
		r, _, _ := coReleaseServerProcess.Call()
		return uint32(r)
	}, c.First, c.Linger)
	s.live = &live{at: map[uintptr]*entry{}, apts: map[*apartment]struct{}{}, alloc: s.header, free: freeHeader,
		born: s.life.born, died: s.life.died, report: s.report}
	s.makeTables()
	return s, nil
}

// report logs an error that a client gets without its details, or not at all.
func (s *server) report(err error) {
	if s.Log == nil || err == nil {
		return
	}
	var p *panicked
	if errors.As(err, &p) {
		s.Log.Error(p.what, "stack", string(p.stack))
		return
	}
	s.Log.Warn(err.Error())
}

func disconnect(addr uintptr) { coDisconnectObject.Call(addr, 0) }

// watch notes which process calls an object, and waits for its end. COM notices by itself after some minutes, and under Wine
// never.
func (s *server) watch(a *apartment) {
	var pid uint32
	r, _, _ := iRpcBindingInqLocalClient.Call(0, uintptr(unsafe.Pointer(&pid)))
	if r != 0 || pid == 0 || pid == windows.GetCurrentProcessId() || !a.used(pid) {
		return // not a call of another process of this machine
	}
	s.watching.Lock()
	defer s.watching.Unlock()
	if s.watching.pids[pid] {
		return
	}
	process, err := windows.OpenProcess(windows.SYNCHRONIZE, false, pid)
	switch {
	case err == windows.ERROR_INVALID_PARAMETER: // it has ended already
		go s.live.gone(pid, disconnect)
		return
	case err != nil: // of a user whose processes aren't ours to see: COM's own time will do
		return
	}
	s.watching.pids[pid] = true
	go func() {
		runtime.LockOSThread() // not unlocked: the thread ends with the goroutine, and its apartment with it
		windows.CoInitializeEx(0, windows.COINIT_MULTITHREADED)
		defer windows.CoUninitialize()
		windows.WaitForSingleObject(process, windows.INFINITE)
		windows.CloseHandle(process)
		s.watching.Lock()
		delete(s.watching.pids, pid)
		s.watching.Unlock()
		s.live.gone(pid, disconnect)
	}()
}

// typeLibrary is the registered type library, 0 when there is none.
func (s *server) typeLibrary() iface {
	s.library.once.Do(func() {
		l := s.Library
		do(loadRegTypeLib, uintptr(unsafe.Pointer(&l.ID)), uintptr(l.Major), uintptr(l.Minor), 0, uintptr(unsafe.Pointer(&s.library.lib)))
	})
	return s.library.lib
}

// typeInfo is the description of an interface or class in the type library.
func (s *server) typeInfo(id GUID, out *iface) Code {
	lib := s.typeLibrary()
	if lib == 0 {
		return eNotImpl
	}
	return lib.call(typeLibGetTypeInfoOfGUID, uintptr(unsafe.Pointer(&id)), uintptr(unsafe.Pointer(out)))
}

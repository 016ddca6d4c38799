package dcerpc

import (
	"context"
	"log/slog"
	"net"
	"sync"

	"github.com/opencdo/opencdo/internal/gss"
	"github.com/opencdo/opencdo/mapi"
)

// Handler carries out an operation: in is the stub with its parameters, the result that of the answer. An error is sent as a
// fault: a *[Fault] as it is, malformed NDR as StatusBadStub, all else as StatusUnspecified. ctx ends when the client cancels
// the call or goes away; then the result is of no interest. Handlers of one association run at the same time.
type Handler func(ctx context.Context, call *Call, in []byte) ([]byte, error)

// Interface is one that a server has.
type Interface struct {
	Syntax
	// Handlers are its operations by their numbers.
	Handlers map[uint16]Handler
	// RequireLevel is what its calls need at least, besides what the server needs.
	RequireLevel Level
}

// Server serves interfaces on connections. Its fields aren't to be changed after the first ServeConn.
type Server struct {
	Interfaces []*Interface
	// Accept gives a new acceptor's context for an authentication type; a nil context, or a nil function: not supported.
	Accept func(AuthType) (gss.Context, error)
	// RequireLevel is what calls need at least. Less is refused with StatusAccessDenied.
	RequireLevel Level

	MaxFragment uint16 // 0: DefaultFragment
	MaxStub     int    // of the requests that an association is sending at a time, in bytes together; 0: DefaultStub
	MaxCalls    int    // that an association has under way; 0: DefaultCalls

	Log *slog.Logger // nil: nothing is logged

	mu        sync.Mutex
	groups    map[uint32]*group
	lastGroup uint32
}

// DefaultCalls bounds the calls of one association. Outlook has one and a wait under way on each interface.
const DefaultCalls = 64

// ConnInfo is what the carrier of a connection knows of it.
type ConnInfo struct {
	// Endpoint is the secondary address that clients are told: a port number such as "6001".
	Endpoint string
	Local    net.Addr
	Remote   net.Addr
	// User is whom the carrier has authenticated, HTTP for example; it is the peer of calls at level none.
	User string
	// Protected says that the carrier encrypts: TLS.
	Protected bool
}

// Call is what a handler can know of a call.
type Call struct {
	Conn   ConnInfo
	OpNum  uint16
	Object *mapi.GUID // nil: none

	AuthType AuthType
	Level    Level
	// Peer is who calls, as the security context or else the carrier says it; empty: nobody knows.
	Peer string

	srv   *Server
	group *group
}

// group is an association group: context handles live as long as one of its associations does ([C706] 9.3.3.2).
type group struct {
	id      uint32
	refs    int
	rundown map[mapi.GUID]func()
}

// join finds a group, or makes one for id 0. It is nil where there is no such group.
func (s *Server) join(id uint32) *group {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id != 0 {
		g := s.groups[id]
		if g != nil {
			g.refs++
		}
		return g
	}
	if s.groups == nil {
		s.groups = map[uint32]*group{}
	}
	for s.lastGroup++; s.lastGroup == 0 || s.groups[s.lastGroup] != nil; s.lastGroup++ {
	}
	g := &group{id: s.lastGroup, refs: 1, rundown: map[mapi.GUID]func(){}}
	s.groups[g.id] = g
	return g
}

// leave runs the context handles of a group down with its last association.
func (s *Server) leave(g *group) {
	s.mu.Lock()
	g.refs--
	var run []func()
	if g.refs == 0 {
		delete(s.groups, g.id)
		for _, f := range g.rundown {
			run = append(run, f)
		}
	}
	s.mu.Unlock()
	for _, f := range run {
		f()
	}
}

// lookup finds an interface: the same major version, and at least the minor one ([C706] 12.6.4.3).
func (s *Server) lookup(want Syntax) *Interface {
	for _, i := range s.Interfaces {
		if i.UUID == want.UUID && i.Major == want.Major && i.Minor >= want.Minor {
			return i
		}
	}
	return nil
}

func (s *Server) fragment() uint16 {
	if s.MaxFragment < minFragment {
		return DefaultFragment
	}
	return s.MaxFragment
}

func (s *Server) log(ctx context.Context, info ConnInfo, what string, err error) {
	if s.Log != nil {
		s.Log.InfoContext(ctx, what, "endpoint", info.Endpoint, "remote", info.Remote, "error", err)
	}
}

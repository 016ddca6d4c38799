package exchangeserver

import (
	"context"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/opencdo/opencdo/internal/dcerpc"
	"github.com/opencdo/opencdo/internal/epm"
	"github.com/opencdo/opencdo/internal/ndr"
	"github.com/opencdo/opencdo/internal/nspirpc"
	"github.com/opencdo/opencdo/internal/oxcmapihttp"
	"github.com/opencdo/opencdo/internal/oxcrpc"
	"github.com/opencdo/opencdo/internal/rpchttp"
	"github.com/opencdo/opencdo/mapi"
)

// Versions that clients and this server tell each other ([MS-OXCRPC] 3.1.4.1.3.2, 3.2.4.1.3.2).
var (
	rpcServerVersion = oxcrpc.Version{15, 0, 847, 4040} // a server with all that clients ask the version for
	bestVersion      = oxcrpc.Version{11, 0, 0, 0}
	// Clients before noPublicFolders fail where there are no public folders, unless they say that they cope.
	noPublicFolders = oxcrpc.Version{12, 0, 0, 0}
)

// rpcSession is a session context that is used by EMSMDB. One call at a time is carried out, in whatever order they come.
type rpcSession struct {
	mu sync.Mutex
	*session
}

// serveRPC serves a virtual connection of RPC over HTTP.
func (s *Server) serveRPC(ctx context.Context, conn net.Conn, info rpchttp.Info) {
	s.rpc.ServeConn(ctx, conn, dcerpc.ConnInfo{Endpoint: strconv.Itoa(info.Port), Local: conn.LocalAddr(), Remote: conn.RemoteAddr(),
		User: info.User, Protected: true})
}

// bookRPC is NSPI.
type bookRPC struct{ srv *Server }

// Bind implements nspirpc.Book.
func (b bookRPC) Bind(ctx context.Context, call *dcerpc.Call, req *oxcmapihttp.BindRequest, resp *oxcmapihttp.BindResponse) (nspirpc.Session, mapi.Code, error) {
	user, err := b.srv.caller(ctx, call)
	if err != nil {
		return nil, 0, err
	}
	s, code, err := b.srv.bind(ctx, user.Alias, req, resp)
	if s == nil || err != nil {
		return nil, code, err
	}
	return bookSession{s}, code, nil
}

// bookSession is a session that is used over RPC.
type bookSession struct{ *book }

// Serve implements nspirpc.Session.
func (s bookSession) Serve(_ context.Context, kind string, req, resp oxcmapihttp.Body) (mapi.Code, error) {
	call, ok := bookCalls[kind]
	if !ok {
		return mapi.ErrNoSupport, nil
	}
	return call.do(s.book, req, resp), nil
}

// mailboxRPC is EMSMDB and AsyncEMSMDB ([MS-OXCRPC] 3.1.4, 3.3.4).
type mailboxRPC struct {
	srv     *Server
	handles dcerpc.Handles[*rpcSession] // CXH
	waiting dcerpc.Handles[*rpcSession] // ACXH
}

func newMailboxRPC(srv *Server) *mailboxRPC {
	m := &mailboxRPC{srv: srv}
	m.handles.Rundown = (*rpcSession).end
	return m
}

func (s *rpcSession) end() {
	s.cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Close()
	s.srv.rpcSessions.Add(-1)
}

func (m *mailboxRPC) interfaces() []*dcerpc.Interface {
	return []*dcerpc.Interface{
		{Syntax: oxcrpc.EMSMDB, Handlers: map[uint16]dcerpc.Handler{
			oxcrpc.OpEcDoConnectEx:      operation(m.connect),
			oxcrpc.OpEcDoRpcExt2:        operation(m.execute),
			oxcrpc.OpEcDoDisconnect:     operation(m.disconnect),
			oxcrpc.OpEcDoAsyncConnectEx: operation(m.asyncConnect),
			oxcrpc.OpEcDummyRpc:         operation(m.dummy),
			oxcrpc.OpEcRRegisterPushNotification: operation(func(ctx context.Context, c *dcerpc.Call, q *oxcrpc.EcRRegisterPushNotificationRequest, r *oxcrpc.EcRRegisterPushNotificationResponse) error {
				r.Context, r.Result = q.Context, mapi.ErrNotImplemented // it would send datagrams to whatever address a client names
				return nil
			}),
		}},
		{Syntax: oxcrpc.AsyncEMSMDB, Handlers: map[uint16]dcerpc.Handler{oxcrpc.OpEcDoAsyncWaitEx: operation(m.wait)}},
	}
}

// stubOf is a request or response that is a pointer to a structure.
type stubOf[T any] interface {
	*T
	ndr.Body
}

// operation decodes a request for a function and encodes what it answers.
func operation[Q any, P stubOf[Q], R any, S stubOf[R]](f func(context.Context, *dcerpc.Call, P, S) error) dcerpc.Handler {
	return func(ctx context.Context, call *dcerpc.Call, in []byte) ([]byte, error) {
		req, resp := P(new(Q)), S(new(R))
		if err := ndr.Unmarshal(in, req); err != nil {
			return nil, err
		}
		if err := f(ctx, call, req, resp); err != nil {
			return nil, err
		}
		return ndr.Marshal(resp)
	}
}

// caller is the user of a call: whom the security context or HTTP has authenticated.
func (s *Server) caller(ctx context.Context, call *dcerpc.Call) (User, error) {
	u, err := s.account(ctx, call.Peer)
	if err != nil {
		return User{}, err
	}
	if call.Peer == "" || u == nil {
		return User{}, &dcerpc.Fault{Status: dcerpc.StatusAccessDenied}
	}
	return *u, nil
}

// connect is EcDoConnectEx ([MS-OXCRPC] 3.1.4.1).
func (m *mailboxRPC) connect(ctx context.Context, call *dcerpc.Call, q *oxcrpc.EcDoConnectExRequest, r *oxcrpc.EcDoConnectExResponse) error {
	user, err := m.srv.caller(ctx, call)
	if err != nil {
		return err
	}
	r.ServerVersion, r.BestVersion, r.TimeStamp = rpcServerVersion.Words(), bestVersion.Words(), q.TimeStamp
	version := oxcrpc.VersionOf(q.ClientVersion)
	if version.Compare(noPublicFolders) < 0 && q.Flags&oxcmapihttp.ConnectIgnoreNoPF == 0 {
		m.srv.log("old client refused: there are no public folders", "user", user.Alias, "version", version)
		r.Result = mapi.ErrClientVersion
		return nil
	}
	if m.srv.rpcSessions.Add(1) > int64(m.srv.cfg.MaxSessions) {
		m.srv.rpcSessions.Add(-1)
		return &dcerpc.Fault{Status: dcerpc.StatusServerTooBusy}
	}
	var resp oxcmapihttp.ConnectResponse
	s, code, err := m.srv.connect(ctx, user, &oxcmapihttp.ConnectRequest{UserDN: q.UserDN, Flags: q.Flags, DefaultCodePage: q.CodePage,
		LcidSort: q.LcidSort, LcidString: q.LcidString}, &resp)
	if s == nil || err != nil {
		m.srv.rpcSessions.Add(-1)
		r.Result = code
		return err
	}
	r.Context = m.handles.Open(call, &rpcSession{session: s})
	r.PollsMax, r.RetryCount, r.RetryDelay = resp.PollsMax, resp.RetryCount, resp.RetryDelay
	r.Session = uint16(m.srv.rpcNumber.Add(1))
	prefix, name := mapi.String8(resp.DNPrefix), mapi.String8(toASCII(resp.DisplayName))
	r.DNPrefix, r.DisplayName = &prefix, &name
	if q.AuxOutSize > 0 {
		if aux := connectAux(); len(aux) <= int(q.AuxOutSize) {
			r.AuxOut = aux
		}
	}
	return nil
}

// toASCII is text for a string that has no code page.
func toASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if r > 0x7E {
			return '?'
		}
		return r
	}, s)
}

// Smallest sizes of buffers: an extended buffer has a header ([MS-OXCRPC] 3.1.4.2.1).
const minBuffer = 8

// codeRPCFailed is ecRpcFailed ([MS-OXCDATA] 2.4).
const codeRPCFailed = mapi.ErrNetwork

// execute is EcDoRpcExt2 ([MS-OXCRPC] 3.1.4.2).
func (m *mailboxRPC) execute(ctx context.Context, call *dcerpc.Call, q *oxcrpc.EcDoRpcExt2Request, r *oxcrpc.EcDoRpcExt2Response) error {
	s, err := m.handles.Get(call, q.Context)
	if err != nil {
		return err
	}
	r.Context = q.Context
	if len(q.In) < minBuffer || q.OutSize < minBuffer {
		r.Result = codeRPCFailed
		return nil
	}
	begun := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return &dcerpc.Fault{Status: dcerpc.StatusContextMismatch}
	}
	// What was begun is carried through, though the client may have gone.
	r.Out, r.Result = s.execute(s.ctx, &oxcmapihttp.ExecuteRequest{Flags: q.Flags, ROPBuffer: q.In, MaxROPOut: q.OutSize})
	r.TransTime = uint32(time.Since(begun).Milliseconds())
	return nil
}

// disconnect is EcDoDisconnect ([MS-OXCRPC] 3.1.4.3).
func (m *mailboxRPC) disconnect(ctx context.Context, call *dcerpc.Call, q *oxcrpc.ContextRequest, _ *oxcrpc.ContextResponse) error {
	s, err := m.handles.Close(call, q.Context)
	if err != nil {
		return err
	}
	s.end()
	return nil
}

// asyncConnect is EcDoAsyncConnectEx ([MS-OXCRPC] 3.1.4.4).
func (m *mailboxRPC) asyncConnect(ctx context.Context, call *dcerpc.Call, q *oxcrpc.ContextRequest, r *oxcrpc.ContextResponse) error {
	s, err := m.handles.Get(call, q.Context)
	if err == nil {
		r.Context = m.waiting.Open(call, s)
	}
	return err
}

// dummy is EcDummyRpc ([MS-OXCRPC] 3.1.4.6).
func (m *mailboxRPC) dummy(context.Context, *dcerpc.Call, *oxcrpc.EcDummyRpcRequest, *oxcrpc.EcDummyRpcResponse) error {
	return nil
}

// wait is EcDoAsyncWaitEx ([MS-OXCRPC] 3.3.4.1).
func (m *mailboxRPC) wait(ctx context.Context, call *dcerpc.Call, q *oxcrpc.EcDoAsyncWaitExRequest, r *oxcrpc.EcDoAsyncWaitExResponse) error {
	s, err := m.waiting.Get(call, q.Context)
	if err != nil {
		return err
	}
	if s.ctx.Err() != nil { // it dies with the session
		m.waiting.Close(call, q.Context)
		return &dcerpc.Fault{Status: dcerpc.StatusContextMismatch}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	if s.session.wait(ctx).EventPending != 0 {
		r.Flags = oxcrpc.NotificationPending
	}
	return nil
}

// RPCListener serves mailboxes and address book by RPC over TCP, as Exchange 2003 to 2010 did. Clients find its port by the
// endpoint mapper. Calls are authenticated in RPC itself, at the level connect at least.
type RPCListener struct {
	host *epm.Host
}

// ListenRPC opens a port for RPC and one for the endpoint mapper. An empty address of the mapper leaves it out; port 0 is any
// free one. Plain TCP isn't encrypted unless clients ask for the level privacy: the level of Config.Auth can demand it.
func (s *Server) ListenRPC(ctx context.Context, address, mapper string) (*RPCListener, error) {
	level := max(s.security.level, dcerpc.LevelConnect)
	l := &RPCListener{host: &epm.Host{Mapper: mapper, Services: []epm.Service{{Address: address,
		Server: &dcerpc.Server{Interfaces: s.rpc.Interfaces, Accept: s.accept, RequireLevel: level, Log: s.cfg.Logger}}}}}
	if err := l.host.Listen(ctx); err != nil {
		return nil, &mapi.Error{Op: "listen for RPC", Object: address, Code: mapi.ErrNetwork, Err: err}
	}
	return l, nil
}

// Ports are those of RPC and of the endpoint mapper, 0 where there is none.
func (l *RPCListener) Ports() (rpc, mapper int) {
	ports := l.host.Ports()
	if len(ports) > 1 {
		mapper = int(ports[1])
	}
	return int(ports[0]), mapper
}

// Serve serves until ctx ends, and then ends all connections.
func (l *RPCListener) Serve(ctx context.Context) error { return l.host.Serve(ctx) }

// Close closes the ports of a listener that isn't served.
func (l *RPCListener) Close() error { return l.host.Close() }

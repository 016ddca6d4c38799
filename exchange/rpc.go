package exchange

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/opencdo/opencdo/internal/dcerpc"
	"github.com/opencdo/opencdo/internal/mapihttp"
	"github.com/opencdo/opencdo/internal/ndr"
	"github.com/opencdo/opencdo/internal/nspirpc"
	"github.com/opencdo/opencdo/internal/oxcmapihttp"
	"github.com/opencdo/opencdo/internal/oxcrpc"
	"github.com/opencdo/opencdo/internal/rpchttp"
	"github.com/opencdo/opencdo/mapi"
)

// RPC says how to reach a server by remote procedure calls ([MS-OXCRPC], [MS-OXNSPI]) instead of MAPI over HTTP. Programs have
// package opencdo make one.
type RPC struct {
	// Dial connects to the service of an interface, over HTTP or TCP, and binds it and others.
	Dial func(ctx context.Context, interfaces ...dcerpc.Syntax) (*dcerpc.Client, error)
	// Version is the client version that the server is told, in the three words of [MS-OXCRPC] 3.1.4.1.3.1.
	Version [3]uint16
	// Timeout is how long a call may take; 0: DefaultRPCTimeout.
	Timeout time.Duration
}

func (r *RPC) timeout() time.Duration { return cmp.Or(r.Timeout, DefaultRPCTimeout) }

// DefaultRPCTimeout is what MAPI over HTTP gives up after without a sign of life. Servers answer a ROP that takes longer with
// RopProgress.
const DefaultRPCTimeout = 5 * time.Minute

// errSessionGone is a session that the server doesn't know any more.
var errSessionGone = errors.New("the session context is gone")

// overRPC reaches a mailbox by EMSMDB.
type overRPC struct {
	rpc     *RPC
	userDN  string
	flags   uint32
	client  *dcerpc.Client
	context ndr.ContextHandle
	broken  bool // nothing more can be said to the server
}

func newRPC(cfg *Config) *overRPC {
	t := &overRPC{rpc: cfg.RPC, userDN: cfg.UserDN}
	if cfg.Admin {
		t.flags |= oxcmapihttp.ConnectAdmin
	}
	if cfg.IgnoreNoPF {
		t.flags |= oxcmapihttp.ConnectIgnoreNoPF
	}
	return t
}

func (t *overRPC) connect(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, t.rpc.timeout(), os.ErrDeadlineExceeded)
	defer cancel()
	var err error
	if t.client, err = t.rpc.Dial(ctx, oxcrpc.EMSMDB); err != nil {
		return rpcFailure(ctx, "connect", err)
	}
	req := &oxcrpc.EcDoConnectExRequest{UserDN: mapi.String8(t.userDN), Flags: t.flags, CodePage: codePage, LcidString: localeID,
		LcidSort: localeID, LinkedSession: oxcrpc.NoLink, CanConvert: 1, ClientVersion: t.rpc.Version, AuxOutSize: oxcrpc.MaxAuxBuffer}
	var resp oxcrpc.EcDoConnectExResponse
	if err = t.call(ctx, oxcrpc.OpEcDoConnectEx, req, &resp, &resp.Result); err != nil {
		t.client.Close()
		t.client = nil
		return err
	}
	t.context = resp.Context
	return nil
}

// call calls an operation of EMSMDB and looks at its result.
func (t *overRPC) call(ctx context.Context, op uint16, req, resp ndr.Body, result *mapi.Code) error {
	return rpcCall(ctx, t.client, op, req, resp, result)
}

func rpcCall(ctx context.Context, c *dcerpc.Client, op uint16, req, resp ndr.Body, result *mapi.Code) error {
	if err := dcerpc.Invoke(ctx, c, op, req, resp); err != nil {
		return rpcFailure(ctx, "ask the server", err)
	}
	if result.Failed() {
		return &mapi.Error{Op: "ask the server", Code: *result}
	}
	return nil
}

// execute carries out ROPs. A zero context handle in the answer says that the server ended the session ([MS-OXCRPC] 3.1.4.2.1).
func (t *overRPC) execute(ctx context.Context, buffers []byte, maxOut uint32) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, t.rpc.timeout(), os.ErrDeadlineExceeded)
	defer cancel()
	req := &oxcrpc.EcDoRpcExt2Request{Context: t.context, Flags: oxcmapihttp.ExecuteChain, In: buffers, OutSize: maxOut, AuxOutSize: oxcrpc.MaxAuxBuffer}
	var resp oxcrpc.EcDoRpcExt2Response
	err := t.call(ctx, oxcrpc.OpEcDoRpcExt2, req, &resp, &resp.Result)
	t.broken = err != nil && !resp.Result.Failed()
	if err != nil && resp.Result.Failed() && resp.Context.IsZero() {
		err = &mapi.Error{Op: "ask the server", Code: mapi.ErrNetwork, Err: fmt.Errorf("%w (%v)", errSessionGone, resp.Result)}
	}
	return resp.Out, err
}

func (t *overRPC) disconnect(ctx context.Context) error {
	if t.client == nil {
		return nil
	}
	defer t.client.Close()
	if t.broken { // the server ends the session when the connection ends
		return nil
	}
	var resp oxcrpc.ContextResponse
	err := t.call(ctx, oxcrpc.OpEcDoDisconnect, &oxcrpc.ContextRequest{Context: t.context}, &resp, &resp.Result)
	if errors.Is(err, mapi.ErrNetwork) {
		return nil // it is disconnected
	}
	return err
}

// rpcFailure gives an error of the transport the code that says whether it may be gone after a while.
func rpcFailure(ctx context.Context, op string, err error) error {
	var (
		fault   *dcerpc.Fault
		answer  *rpchttp.HTTPError
		network net.Error
		code    mapi.Code
	)
	switch {
	case errors.Is(err, dcerpc.ErrNotSent) && ctx.Err() == nil: // with the association goes the session
		return &mapi.Error{Op: op, Code: mapi.ErrNetwork, Err: fmt.Errorf("%w: %w", errSessionGone, err)}
	case errors.Is(context.Cause(ctx), os.ErrDeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		code = mapi.ErrTimeout
	case errors.Is(err, rpchttp.ErrLost): // for whatever reason: it tells itself when connecting again
		code = mapi.ErrNetwork
	case ctx.Err() != nil, errors.Is(err, rpchttp.ErrUntrustedCertificate):
	case errors.Is(err, rpchttp.ErrUnauthorized):
		code = mapi.ErrLogonFailed
	case errors.As(err, &fault):
		switch fault.Status {
		case dcerpc.StatusContextMismatch:
			return &mapi.Error{Op: op, Code: mapi.ErrNetwork, Err: fmt.Errorf("%w: %w", errSessionGone, err)}
		case dcerpc.StatusAccessDenied:
			code = mapi.ErrLogonFailed
		case dcerpc.StatusServerTooBusy, dcerpc.StatusTooBusy:
			code = mapi.ErrServerBusy
		}
	case errors.As(err, &answer) && (answer.Status == 503 || answer.Status == 429):
		code = mapi.ErrServerBusy
	case errors.Is(err, rpchttp.ErrUnreachable), errors.Is(err, dcerpc.ErrClosed),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &network), errors.As(err, &answer) && answer.Status >= 500:
		code = mapi.ErrNetwork
	}
	if code == 0 {
		return err
	}
	return &mapi.Error{Op: op, Code: code, Err: err}
}

// bookOverRPC reaches the address book by NSPI. One association serves all calls; a Bind makes a new one where it was lost.
type bookOverRPC struct {
	rpc *RPC

	mu      sync.Mutex // calls of a session come one at a time
	client  *dcerpc.Client
	context ndr.ContextHandle
}

func (t *bookOverRPC) call(ctx context.Context, kind string, req, resp oxcmapihttp.Body) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	ctx, cancel := context.WithTimeoutCause(ctx, t.rpc.timeout(), os.ErrDeadlineExceeded)
	defer cancel()
	if kind == mapihttp.Bind {
		t.close()
		var err error
		if t.client, err = t.rpc.Dial(ctx, nspirpc.Interface); err != nil {
			return rpcFailure(ctx, "connect to the address book", err)
		}
	}
	if t.client == nil {
		return &mapi.Error{Op: kind, Code: mapi.ErrNetwork, Err: errSessionGone}
	}
	code, err := nspirpc.Call(ctx, t.client, &t.context, kind, req, resp)
	if err != nil {
		err = rpcFailure(ctx, kind, err)
		if errors.Is(err, mapi.ErrNetwork) { // asking again does no harm here
			t.close()
			err = &mapi.Error{Op: kind, Code: mapi.ErrNetwork, Err: errors.Join(errSessionGone, err)}
		}
		return err
	}
	if kind == mapihttp.Unbind {
		t.close()
	}
	if code.Failed() {
		return &mapi.Error{Op: kind, Code: code}
	}
	return nil
}

func (t *bookOverRPC) close() {
	if t.client != nil {
		t.client.Close()
	}
	t.client, t.context = nil, ndr.ContextHandle{}
}

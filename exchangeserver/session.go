package exchangeserver

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"github.com/opencdo/opencdo/internal/codepage"
	"github.com/opencdo/opencdo/internal/mapihttp"
	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcmapihttp"
	"github.com/opencdo/opencdo/internal/oxcrpc"
	"github.com/opencdo/opencdo/mapi"
)

func newGUID() (g mapi.GUID) {
	rand.Read(g[:])
	g[7] = g[7]&0x0F | 0x40 // version 4, in wire order
	g[8] = g[8]&0x3F | 0x80
	return g
}

// mailboxEndpoint serves /mapi/emsmdb/.
type mailboxEndpoint struct{ srv *Server }

// What a Connect answers of polling and of retrying when the server is busy, as Exchange does.
const (
	pollsMax   = 60 * time.Second
	retryCount = 6
	retryDelay = 10 * time.Second
)

// Connect implements mapihttp.Endpoint ([MS-OXCMAPIHTTP] 2.2.4.1).
func (e mailboxEndpoint) Connect(ctx context.Context, r *mapihttp.Request) (mapihttp.Session, []byte, error) {
	var req oxcmapihttp.ConnectRequest
	if _, err := oxcmapihttp.UnmarshalRequest(r.Body, &req); err != nil {
		return nil, nil, invalidBody(err)
	}
	resp := &oxcmapihttp.ConnectResponse{}
	s, code, err := e.srv.connect(ctx, e.srv.auth.user(r.User), &req, resp)
	if err != nil {
		return nil, nil, err
	}
	var envelope oxcmapihttp.Envelope
	if s != nil {
		envelope.Aux = connectAux()
	}
	reply, err := oxcmapihttp.MarshalResponse(code, resp, envelope)
	switch {
	case s == nil:
		return nil, reply, err
	case err != nil:
		s.Close()
		return nil, nil, err
	}
	return s, reply, nil
}

// connect makes a session context for a user, or says why not.
func (s *Server) connect(ctx context.Context, user User, req *oxcmapihttp.ConnectRequest, resp *oxcmapihttp.ConnectResponse) (*session, mapi.Code, error) {
	if code, err := s.admit(ctx, user, req); code != 0 || err != nil {
		if code != 0 {
			s.log("connection refused", "user", user.Alias, "code", code)
		}
		return nil, code, err
	}
	resp.PollsMax = uint32(pollsMax.Milliseconds())
	resp.RetryCount = retryCount
	resp.RetryDelay = uint32(retryDelay.Milliseconds())
	resp.DisplayName = user.DisplayName
	made := newSession(s, user, req)
	s.log("connected", "user", user.Alias, "admin", made.admin)
	return made, 0, nil
}

// admit tells whether a user may connect as whom the request says: as oneself, or as an administrator, who may say so
// ([MS-OXCRPC] 3.1.4.1).
func (s *Server) admit(ctx context.Context, user User, req *oxcmapihttp.ConnectRequest) (mapi.Code, error) {
	if req.Flags&oxcmapihttp.ConnectAdmin != 0 && !user.Admin {
		return mapi.ErrLoginPermission, nil
	}
	if strings.EqualFold(string(req.UserDN), user.LegacyDN) {
		return 0, nil
	}
	if known, err := s.findUser(ctx, string(req.UserDN)); err != nil {
		return 0, err
	} else if known == nil {
		return mapi.ErrUnknownUser, nil
	}
	if req.Flags&oxcmapihttp.ConnectAdmin != 0 {
		return 0, nil
	}
	return mapi.ErrLoginPermission, nil
}

// connectAux tells clients what the server can do ([MS-OXCRPC] 2.2.2.2).
func connectAux() []byte {
	payload, err := oxcrpc.EncodeAux(nil, []oxcrpc.Block{
		&oxcrpc.AuxClientControl{EnableFlags: oxcrpc.EnableCompression | oxcrpc.EnableHTTPTunneling},
		&oxcrpc.AuxExOrgInfo{},
		&oxcrpc.AuxServerCapabilities{ServerCapabilityFlags: oxcrpc.PackedFastTransferUpload | oxcrpc.PackedWriteStreamUpload},
		&oxcrpc.AuxEndpointCapabilities{EndpointCapabilityFlag: 1},
	})
	if err != nil {
		return nil
	}
	aux, _ := oxcrpc.Pack(nil, 0, payload) // far below the size that fails
	return aux
}

func invalidBody(err error) error {
	return &mapihttp.ResponseCodeError{Code: mapihttp.InvalidRequestBody, Text: err.Error()}
}

// session is a session context of the mailbox endpoint. Its calls come one at a time.
type session struct {
	srv    *Server
	user   User
	admin  bool // asked for administrator rights, and has them
	dn     string
	page   int // code page of 8-bit strings
	ctx    context.Context
	cancel context.CancelFunc
	spool  *quota

	notes   *notes
	objects map[uint32]*slot
	next    uint32 // handle
	logons  map[uint8]*logon
}

func newSession(srv *Server, user User, req *oxcmapihttp.ConnectRequest) *session {
	s := &session{srv: srv, user: user, admin: req.Flags&oxcmapihttp.ConnectAdmin != 0, dn: string(req.UserDN), page: int(req.DefaultCodePage),
		spool: &quota{left: srv.cfg.MaxSpool}, notes: newNotes(), objects: map[uint32]*slot{}, logons: map[uint8]*logon{}}
	if !codepage.Known(s.page) || s.page == codepage.UTF16 {
		s.page = codepage.Windows1252
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Close implements mapihttp.Session.
func (s *session) Close() {
	s.cancel()
	for id := range s.logons {
		s.logoff(id)
	}
	s.srv.log("disconnected", "user", s.user.Alias)
}

// Serve implements mapihttp.Session.
func (s *session) Serve(ctx context.Context, r *mapihttp.Request) ([]byte, error) {
	switch r.Type {
	case mapihttp.Execute:
		var req oxcmapihttp.ExecuteRequest
		if _, err := oxcmapihttp.UnmarshalRequest(r.Body, &req); err != nil {
			return nil, invalidBody(err)
		}
		out, code := s.execute(ctx, &req)
		if code != 0 {
			s.srv.log("execute failed", "user", s.user.Alias, "code", code)
		}
		return oxcmapihttp.MarshalResponse(code, &oxcmapihttp.ExecuteResponse{ROPBuffer: out}, oxcmapihttp.Envelope{})
	case mapihttp.NotificationWait:
		var req oxcmapihttp.NotificationWaitRequest
		if _, err := oxcmapihttp.UnmarshalRequest(r.Body, &req); err != nil {
			return nil, invalidBody(err)
		}
		return oxcmapihttp.MarshalResponse(0, s.wait(ctx), oxcmapihttp.Envelope{})
	case mapihttp.Disconnect:
		if _, err := oxcmapihttp.UnmarshalRequest(r.Body, &oxcmapihttp.Empty{}); err != nil {
			return nil, invalidBody(err)
		}
		return oxcmapihttp.MarshalResponse(0, &oxcmapihttp.Empty{}, oxcmapihttp.Envelope{})
	}
	return nil, &mapihttp.ResponseCodeError{Code: mapihttp.InvalidRequestType}
}

// notificationWait is how long a NotificationWait is held ([MS-OXCMAPIHTTP] 3.1.5.4).
const notificationWait = 5 * time.Minute

// wait answers a NotificationWait: when there is an event, or after notificationWait.
func (s *session) wait(ctx context.Context) *oxcmapihttp.NotificationWaitResponse {
	t := time.NewTimer(notificationWait)
	defer t.Stop()
	select {
	case <-s.notes.ready():
		return &oxcmapihttp.NotificationWaitResponse{EventPending: 1}
	case <-t.C:
	case <-ctx.Done():
	}
	return &oxcmapihttp.NotificationWaitResponse{}
}

// entryID encodes an entry id.
func entryID(f func(*oxcdata.Coder)) []byte {
	b, _ := oxcdata.Encode(oxcdata.ROP, f)
	return b
}

package exchange

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/internal/oxcrpc"
	"github.com/opencdo/opencdo/mapi"
)

// handle is a server object handle, good in the session that it came from.
type handle uint32

// none stands in the handle table where an object is yet to be made.
const none handle = 0xFFFFFFFF

// Sizes of ROP buffers ([MS-OXCROPS] 3.1.5.1, [MS-OXCRPC] 3.1.4.2).
const (
	// maxROPIn leaves room for ROP framing and the handle table in a request of 32 KiB.
	maxROPIn = 0x7F00
	// maxROPOut is what one Execute may answer, with packed buffers.
	maxROPOut = 0x40000
)

// session is one logon to a mailbox in one session context. It is used by one goroutine at a time.
type session struct {
	t      transport
	logon  handle
	info   *oxcrops.LogonResponse
	freed  []handle      // to be released with the next batch
	calls  int           // Executes answered since the session was acquired
	place  chan struct{} // where its token goes back
	broken bool          // the context is lost or in an unknown state

	trace func(half string, err error) // may be nil
}

// batch collects ROPs for one Execute.
type batch struct {
	reqs    []oxcrops.Request
	handles []handle
}

// in gives the handle table index of an object.
func (b *batch) in(h handle) uint8 {
	for i, x := range b.handles {
		if x == h && h != none {
			return uint8(i)
		}
	}
	b.handles = append(b.handles, h)
	return uint8(len(b.handles) - 1)
}

// out gives an index for an object that a ROP of the batch makes.
func (b *batch) out() uint8 {
	b.handles = append(b.handles, none)
	return uint8(len(b.handles) - 1)
}

// made are the objects that the batch made. Servers limit how many a session may have open (Exchange: 250 messages, 500
// folders), so each must be let go.
func (b *batch) made(r *result) []handle {
	var list []handle
	for i, h := range b.handles {
		if x := r.at(uint8(i)); h == none && x != none {
			list = append(list, x)
		}
	}
	return list
}

func (b *batch) add(r oxcrops.Request) { b.reqs = append(b.reqs, r) }

// result is what an Execute gave.
type result struct {
	reqs    []oxcrops.Request
	resps   []oxcrops.Response // one for each request that has one, then those of packed buffers
	handles []handle
}

// at is the handle in slot i.
func (r *result) at(i uint8) handle {
	if int(i) < len(r.handles) {
		return r.handles[i]
	}
	return none
}

// check gives the first failed response as an error.
func (r *result) check(op string) error {
	for _, x := range r.resps {
		if err := ropError(op, x); err != nil {
			return err
		}
	}
	return nil
}

func ropError(op string, x oxcrops.Response) error {
	code := x.Result()
	if !code.Failed() {
		return nil
	}
	e := &mapi.Error{Op: op, Object: oxcrops.Name(x.RopID()), Code: code}
	switch r := x.(type) {
	case *oxcrops.BackoffResponse:
		e.Err = wanted(r.Duration)
	case *oxcrops.FastTransferSourceGetBufferResponse:
		e.Err = wanted(r.BackoffTime)
	}
	return e
}

// wanted is the time in milliseconds that a busy server wants to be left alone ([MS-OXCROPS] 2.2.15.2, 2.2.12.4.2).
type wanted uint32

func (w wanted) Error() string {
	return fmt.Sprintf("the server wants to be left alone for %v", w.RetryIn())
}

// RetryIn tells package retry.
func (w wanted) RetryIn() time.Duration { return time.Duration(w) * time.Millisecond }

// answer finds the response of type T.
func answer[T oxcrops.Response](r *result) (T, error) {
	for _, x := range r.resps {
		if t, ok := x.(T); ok {
			return t, nil
		}
	}
	var zero T
	return zero, &mapi.Error{Op: "execute", Code: mapi.ErrNetwork, Err: fmt.Errorf("the server gave no %T", zero)}
}

// execute runs a batch, with the handles freed since the last one released ahead of it.
func (s *session) execute(ctx context.Context, b *batch) (*result, error) {
	var reqs []oxcrops.Request
	table := append([]handle(nil), b.handles...)
	released := 0
	for _, h := range s.freed {
		if len(table) >= 0xFF {
			break
		}
		reqs = append(reqs, &oxcrops.ReleaseRequest{In: uint8(len(table))})
		table = append(table, h)
		released++
	}
	s.freed = s.freed[released:]
	reqs = append(reqs, b.reqs...)
	res := &result{reqs: reqs}
	for {
		done, err := s.round(ctx, reqs, table, res)
		if err != nil {
			return nil, err
		}
		table = res.handles
		if done == len(reqs) {
			return res, nil
		}
		if done == 0 {
			return nil, &mapi.Error{Op: "execute", Object: oxcrops.Name(reqs[0].RopID()), Code: mapi.ErrBufferTooSmall}
		}
		reqs = reqs[done:]
	}
}

// round makes one call and adds its answers to res. It gives the number of requests that were processed: the answers to all
// of them may not fit one call ([MS-OXCROPS] 3.1.5.1.2), and what is left goes into another with the handles so far.
func (s *session) round(ctx context.Context, reqs []oxcrops.Request, table []handle, res *result) (int, error) {
	raw := make([]uint32, len(table))
	for i, h := range table {
		raw[i] = uint32(h)
	}
	payload, err := oxcrops.EncodeRequests(nil, reqs, raw)
	if err != nil {
		return 0, err
	}
	packed, err := oxcrpc.Pack(nil, 0, payload)
	if err != nil {
		return 0, err
	}
	data, err := s.t.execute(ctx, packed, maxROPOut)
	if err != nil {
		s.broken = true
		return 0, err
	}
	s.calls++
	done, err := res.add(reqs, table, data)
	if err != nil {
		s.broken = true
	}
	return done, err
}

// add reads an answer: the first extended buffer answers the requests, further ones repeat the last.
func (r *result) add(reqs []oxcrops.Request, table []handle, data []byte) (done int, err error) {
	payloads, err := oxcrpc.Unpack(data)
	if err != nil {
		return 0, err
	}
	done = len(reqs)
	for i, p := range payloads {
		if i == 1 {
			reqs = reqs[len(reqs)-1:]
		}
		resps, handles, err := oxcrops.DecodeResponses(p, reqs)
		if err != nil {
			return 0, err
		}
		if i == 0 {
			r.handles = append([]handle(nil), table...) // the server may give only the beginning
			for j, h := range handles {
				if j < len(r.handles) {
					r.handles[j] = handle(h)
				}
			}
			if n := len(resps); n > 0 {
				if _, full := resps[n-1].(*oxcrops.BufferTooSmallResponse); full {
					resps = resps[:n-1]
					done = answered(reqs, resps)
				}
			}
		}
		r.resps = append(r.resps, resps...)
	}
	return done, nil
}

// answered counts the requests that responses answer, and those between them that have none.
func answered(reqs []oxcrops.Request, resps []oxcrops.Response) int {
	n := 0
	for _, x := range resps {
		switch x.RopID() {
		case oxcrops.RopNotify, oxcrops.RopPending, oxcrops.RopBackoff:
		default:
			n++
		}
	}
	for i, q := range reqs {
		if q.RopID() == oxcrops.RopRelease {
			continue
		}
		if n == 0 {
			return i
		}
		n--
	}
	return len(reqs)
}

// free lets an object go with the next batch.
func (s *session) free(hs ...handle) {
	for _, h := range hs {
		if h != none {
			s.freed = append(s.freed, h)
		}
	}
}

// logonFlags and open flags of RopLogon ([MS-OXCSTOR] 2.2.1.1.1).
const (
	logonPrivate        = 0x01
	openAdmin           = 0x00000001
	openHomeLogon       = 0x00000004
	openTakeOwnership   = 0x00000008
	openNoMail          = 0x00000400
	openPerMDBReplicaID = 0x01000000
)

// open connects and logs on to the mailbox.
func (s *session) open(ctx context.Context, mailboxDN string, admin bool) error {
	err := s.t.connect(ctx)
	s.told("connect", err)
	if err != nil {
		return err
	}
	err = s.openMailbox(ctx, mailboxDN, admin)
	s.told("log on", err)
	return err
}

func (s *session) told(half string, err error) {
	if s.trace != nil {
		s.trace(half, err)
	}
}

func (s *session) openMailbox(ctx context.Context, mailboxDN string, admin bool) error {
	flags := uint32(openTakeOwnership | openNoMail | openPerMDBReplicaID)
	if admin {
		flags |= openAdmin
	} else {
		flags |= openHomeLogon
	}
	var b batch
	out := b.out()
	b.add(&oxcrops.LogonRequest{Out: out, LogonFlags: logonPrivate, OpenFlags: flags, Essdn: mapi.String8(mailboxDN)})
	res, err := s.execute(ctx, &b)
	if err != nil {
		return err
	}
	if err := res.check("log on to the mailbox of " + shortDN(mailboxDN)); err != nil {
		return err
	}
	s.info, err = answer[*oxcrops.LogonResponse](res)
	s.logon = res.at(out)
	return err
}

// endTimeout is how long a server has to end a session: it does so by itself sooner or later.
const endTimeout = 10 * time.Second

// end gives up the session context.
func (s *session) end() error {
	ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
	defer cancel()
	return s.t.disconnect(ctx)
}

// shortDN is the last part of a legacy DN, for messages.
func shortDN(dn string) string {
	if i := strings.LastIndex(dn, "="); i >= 0 {
		return dn[i+1:]
	}
	return dn
}

// idOf is a wire id from a PtypInteger64 cell.
func idOf(v mapi.Value) (oxcdata.ID, bool) {
	n, ok := v.(int64)
	return oxcdata.ID(uint64(n)), ok
}

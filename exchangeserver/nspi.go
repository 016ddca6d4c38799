package exchangeserver

import (
	"context"
	"sort"
	"strings"

	"github.com/opencdo/opencdo/internal/codepage"
	"github.com/opencdo/opencdo/internal/mapihttp"
	"github.com/opencdo/opencdo/internal/oxcmapihttp"
	"github.com/opencdo/opencdo/internal/oxnspi"
	"github.com/opencdo/opencdo/mapi"
)

// bookEndpoint serves /mapi/nspi/.
type bookEndpoint struct{ srv *Server }

// Codes of address book operations ([MS-OXNSPI] 2.2.1.2).
const (
	unbindSuccess mapi.Code = 1
	codeNotFound            = mapi.ErrNotFound
)

// Connect implements mapihttp.Endpoint: Bind ([MS-OXNSPI] 3.1.4.1.1).
func (e bookEndpoint) Connect(ctx context.Context, r *mapihttp.Request) (mapihttp.Session, []byte, error) {
	var req oxcmapihttp.BindRequest
	if _, err := oxcmapihttp.UnmarshalRequest(r.Body, &req); err != nil {
		return nil, nil, invalidBody(err)
	}
	resp := &oxcmapihttp.BindResponse{}
	s, code, err := e.srv.bind(ctx, r.User, &req, resp)
	if err != nil {
		return nil, nil, err
	}
	reply, err := oxcmapihttp.MarshalResponse(code, resp, oxcmapihttp.Envelope{})
	if s == nil {
		return nil, reply, err
	}
	return s, reply, err
}

// bind makes a session of the address book for a user, or says why not.
func (s *Server) bind(ctx context.Context, alias string, req *oxcmapihttp.BindRequest, resp *oxcmapihttp.BindResponse) (*book, mapi.Code, error) {
	if req.State != nil && req.State.CodePage == codepage.UTF16 {
		return nil, mapi.ErrBadCodePage, nil
	}
	users, err := s.cfg.Backend.Users(ctx)
	if err != nil {
		return nil, 0, err
	}
	resp.ServerGUID = s.guid
	return newBook(s, alias, users), 0, nil
}

// book is a session of the address book: the users as they were when it began, in the order of their display names. The
// minimal id of an entry is its place.
type book struct {
	srv     *Server
	alias   string // who uses it
	entries []entry
}

func newBook(srv *Server, alias string, users []User) *book {
	b := &book{srv: srv, alias: alias, entries: make([]entry, len(users))}
	for i, u := range users {
		b.entries[i] = entry{User: u, fold: strings.ToLower(u.DisplayName)}
	}
	sort.SliceStable(b.entries, func(i, j int) bool { return b.entries[i].fold < b.entries[j].fold })
	return b
}

// entry is an entry of the address book.
type entry struct {
	User
	fold string // display name, to compare
}

func (b *book) mid(row int) uint32 { return uint32(row + oxnspi.MidFirst) }

// row is the place of a minimal id.
func (b *book) row(mid uint32) (int, bool) {
	row := int(mid) - oxnspi.MidFirst
	return row, mid >= oxnspi.MidFirst && row < len(b.entries)
}

// Close implements mapihttp.Session.
func (b *book) Close() {}

// Serve implements mapihttp.Session.
func (b *book) Serve(ctx context.Context, r *mapihttp.Request) ([]byte, error) {
	call, ok := bookCalls[r.Type]
	if !ok {
		return nil, &mapihttp.ResponseCodeError{Code: mapihttp.InvalidRequestType}
	}
	req, resp := call.bodies()
	if _, err := oxcmapihttp.UnmarshalRequest(r.Body, req); err != nil {
		return nil, invalidBody(err)
	}
	code := call.do(b, req, resp)
	if code.Failed() && code != unbindSuccess {
		_, resp = call.bodies()
	}
	return oxcmapihttp.MarshalResponse(code, resp, oxcmapihttp.Envelope{})
}

// bookCall is an operation of the address book, however its bodies travel.
type bookCall struct {
	bodies func() (req, resp oxcmapihttp.Body)
	do     func(b *book, req, resp oxcmapihttp.Body) mapi.Code
}

// bookCalls is the table of request types ([MS-OXCMAPIHTTP] 2.2.5).
var bookCalls = map[string]bookCall{
	mapihttp.Unbind:            answers((*book).unbind),
	mapihttp.CompareMIds:       answers((*book).compare),
	mapihttp.DNToMId:           answers((*book).dnToMid),
	mapihttp.GetMatches:        answers((*book).getMatches),
	mapihttp.GetPropList:       answers((*book).getPropList),
	mapihttp.GetProps:          answers((*book).getProps),
	mapihttp.GetSpecialTable:   answers((*book).getSpecialTable),
	mapihttp.GetTemplateInfo:   answers((*book).getTemplateInfo),
	mapihttp.ModLinkAtt:        answers((*book).modLinkAtt),
	mapihttp.ModProps:          answers((*book).modProps),
	mapihttp.QueryRows:         answers((*book).queryRows),
	mapihttp.QueryColumns:      answers((*book).queryColumns),
	mapihttp.ResolveNames:      answers((*book).resolveNames),
	mapihttp.ResortRestriction: answers((*book).resort),
	mapihttp.SeekEntries:       answers((*book).seekEntries),
	mapihttp.UpdateStat:        answers((*book).updateStat),
	mapihttp.GetMailboxUrl:     answers((*book).mailboxURL),
	mapihttp.GetAddressBookUrl: answers((*book).bookURL),
}

// bodyOf is a body that is a pointer to a structure.
type bodyOf[T any] interface {
	*T
	oxcmapihttp.Body
}

// answers makes an operation of a function.
func answers[Q any, P bodyOf[Q], R any, S bodyOf[R]](f func(*book, P, S) mapi.Code) bookCall {
	return bookCall{
		bodies: func() (req, resp oxcmapihttp.Body) { return P(new(Q)), S(new(R)) },
		do:     func(b *book, req, resp oxcmapihttp.Body) mapi.Code { return f(b, req.(P), resp.(S)) },
	}
}

func (b *book) unbind(*oxcmapihttp.UnbindRequest, *oxcmapihttp.Empty) mapi.Code { return unbindSuccess }

// compare is CompareMIds ([MS-OXNSPI] 3.1.4.1.12): entries stand in the order of their ids.
func (b *book) compare(q *oxcmapihttp.CompareMinIDsRequest, r *oxcmapihttp.CompareMinIDsResponse) mapi.Code {
	place := func(mid uint32) (int, bool) {
		switch mid {
		case oxnspi.MidBeginning:
			return -1, true
		case oxnspi.MidEnd:
			return len(b.entries), true
		}
		return b.row(mid)
	}
	if code := b.checkState(q.State); code != 0 {
		return code
	}
	x, ok1 := place(q.A)
	y, ok2 := place(q.B)
	if !ok1 || !ok2 {
		return mapi.ErrCallFailed
	}
	r.Result = int32(min(max(x-y, -1), 1))
	return 0
}

// dnToMid is DNToMId ([MS-OXNSPI] 3.1.4.1.13). What isn't there has id 0.
func (b *book) dnToMid(q *oxcmapihttp.DNToMinIDRequest, r *oxcmapihttp.MinIDsResponse) mapi.Code {
	r.MinIDs = make([]uint32, len(q.Names))
	for i, dn := range q.Names {
		for row := range b.entries {
			if strings.EqualFold(b.entries[row].LegacyDN, string(dn)) {
				r.MinIDs[i] = b.mid(row)
			}
		}
	}
	return 0
}

// What the server has no data for ([MS-OXNSPI] 3.1.4.1.14, 3.1.4.1.15, 3.1.4.1.18): nothing can be changed over the
// protocol, and there are no templates.
func (b *book) modProps(*oxcmapihttp.ModPropsRequest, *oxcmapihttp.Empty) mapi.Code {
	return mapi.ErrNoSupport
}

func (b *book) modLinkAtt(*oxcmapihttp.ModLinkAttRequest, *oxcmapihttp.Empty) mapi.Code {
	return mapi.ErrNoSupport
}

func (b *book) getTemplateInfo(*oxcmapihttp.GetTemplateInfoRequest, *oxcmapihttp.ValuesResponse) mapi.Code {
	return mapi.ErrNoSupport
}

// mailboxURL is GetMailboxUrl ([MS-OXCMAPIHTTP] 2.2.5.18): of the server that is asked for by its DN.
func (b *book) mailboxURL(q *oxcmapihttp.URLRequest, r *oxcmapihttp.URLResponse) mapi.Code {
	server := q.DN
	if i := strings.LastIndex(server, "/cn="); i >= 0 {
		server = server[i+len("/cn="):]
	}
	for _, e := range b.entries {
		if name := b.srv.personalised(e.Mailbox); strings.EqualFold(name, server) {
			r.ServerURL = b.srv.auth.base(b.alias) + "/mapi/emsmdb/?MailboxId=" + name
			return 0
		}
	}
	return codeNotFound
}

// bookURL is GetAddressBookUrl ([MS-OXCMAPIHTTP] 2.2.5.19): of a user.
func (b *book) bookURL(q *oxcmapihttp.URLRequest, r *oxcmapihttp.URLResponse) mapi.Code {
	for _, e := range b.entries {
		if strings.EqualFold(e.LegacyDN, q.DN) {
			r.ServerURL = b.srv.auth.base(b.alias) + "/mapi/nspi/?MailboxId=" + b.srv.personalised(e.Mailbox)
			return 0
		}
	}
	return codeNotFound
}

// checkState checks the container and order of a position ([MS-OXNSPI] 3.1.4.1.8): there is the global address list, by
// display name.
func (b *book) checkState(s *oxnspi.Stat) mapi.Code {
	switch {
	case s == nil:
		return mapi.ErrInvalidParameter
	case s.ContainerID != 0:
		return mapi.ErrInvalidBookmark
	case s.SortType != oxnspi.SortDisplayName && s.SortType != oxnspi.SortPhoneticDisplayName:
		return mapi.ErrNoSupport
	}
	return 0
}

// position is the row of a position ([MS-OXNSPI] 3.1.4.5): the row of an id, or a fraction of the table; then so many rows on.
func (b *book) position(s *oxnspi.Stat) (int, mapi.Code) {
	total := len(b.entries)
	row := 0
	switch s.CurrentRec {
	case oxnspi.MidBeginning:
	case oxnspi.MidEnd:
		row = total
	case oxnspi.MidCurrent:
		if s.TotalRecs == 0 {
			break
		}
		row = int(min(uint64(total)*uint64(s.NumPos)/uint64(s.TotalRecs), uint64(total)))
	default:
		r, ok := b.row(s.CurrentRec)
		if !ok {
			return 0, codeNotFound
		}
		row = r
	}
	return min(max(row+int(s.Delta), 0), total), 0
}

// place writes a position down.
func (b *book) place(s *oxnspi.Stat, row int) {
	s.CurrentRec = oxnspi.MidEnd
	if row < len(b.entries) {
		s.CurrentRec = b.mid(row)
	}
	s.Delta, s.NumPos, s.TotalRecs = 0, uint32(row), uint32(len(b.entries))
}

// updateStat is UpdateStat ([MS-OXNSPI] 3.1.4.1.4).
func (b *book) updateStat(q *oxcmapihttp.UpdateStatRequest, r *oxcmapihttp.UpdateStatResponse) mapi.Code {
	if code := b.checkState(q.State); code != 0 {
		return code
	}
	from := *q.State
	from.Delta = 0
	start, code := b.position(&from)
	if code != 0 {
		return code
	}
	row, _ := b.position(q.State)
	b.place(q.State, row)
	r.State = q.State
	if q.DeltaRequested {
		moved := int32(row - start)
		r.Delta = &moved
	}
	return 0
}

// resort is ResortRestriction ([MS-OXNSPI] 3.1.4.1.11).
func (b *book) resort(q *oxcmapihttp.ResortRestrictionRequest, r *oxcmapihttp.ResortRestrictionResponse) mapi.Code {
	if code := b.checkState(q.State); code != 0 {
		return code
	}
	r.MinIDs = []uint32{}
	for _, mid := range q.MinIDs {
		if _, ok := b.row(mid); ok {
			r.MinIDs = append(r.MinIDs, mid)
		}
	}
	sort.Slice(r.MinIDs, func(i, j int) bool { return r.MinIDs[i] < r.MinIDs[j] })
	r.State = q.State
	at := sort.Search(len(r.MinIDs), func(i int) bool { return r.MinIDs[i] >= q.State.CurrentRec })
	if at == len(r.MinIDs) || r.MinIDs[at] != q.State.CurrentRec {
		r.State.CurrentRec, at = oxnspi.MidBeginning, 0
	}
	r.State.NumPos, r.State.TotalRecs = uint32(at), uint32(len(r.MinIDs))
	return 0
}

package exchangeserver_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/internal/mapihttp"
	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcmapihttp"
	"github.com/opencdo/opencdo/internal/oxnspi"
	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// nspi is a session of the address book.
type nspi struct {
	t    *testing.T
	http *mapihttp.Client
	srv  *exchangetest.Server
}

// people are in another order than that of their names.
var people = []exchangetest.User{{Alias: "alice", Name: "Zoe Adams"}, {Alias: "bob", Name: "Bob Builder"}, {Alias: "anna", Name: "anna Karenina"},
	{Alias: "annb", Name: "Ann Boleyn"}, {Alias: "ann", Name: "Cleves, Anne of"}}

func openBook(t *testing.T) *nspi {
	t.Helper()
	srv := exchangetest.New(t, exchangetest.Options{Users: people})
	n := &nspi{t: t, http: dial(t, srv, srv.AddressBookURL(t, "alice"), "alice"), srv: srv}
	n.ask(mapihttp.Bind, &oxcmapihttp.BindRequest{State: &oxnspi.Stat{CodePage: 1252}}, &oxcmapihttp.BindResponse{}, 0)
	return n
}

func (n *nspi) ask(kind string, req, resp oxcmapihttp.Body, want mapi.Code) {
	n.t.Helper()
	code, err := ask(n.http, n.t, kind, req, resp)
	if err != nil || code != want {
		n.t.Fatalf("%s: %v, %v, want %v", kind, code, err, want)
	}
}

func names(rows []oxcdata.PropertyRow) (list []string) {
	for _, r := range rows {
		s, _ := r.Values[0].(string)
		list = append(list, s)
	}
	return list
}

var nameColumn = []mapi.Tag{pid.TagDisplayName, pid.TagSmtpAddress}

func TestAddressBookTable(t *testing.T) {
	n := openBook(t)
	sorted := []string{"Ann Boleyn", "anna Karenina", "Bob Builder", "Cleves, Anne of", "Zoe Adams"}
	var r oxcmapihttp.RowsResponse
	state := &oxnspi.Stat{CodePage: 1252}
	n.ask(mapihttp.QueryRows, &oxcmapihttp.QueryRowsRequest{State: state, RowCount: 2, Columns: nameColumn}, &r, 0)
	if !slices.Equal(names(r.Rows.Rows), sorted[:2]) || r.State.NumPos != 2 || r.State.TotalRecs != 5 {
		t.Errorf("first rows %q, state %+v", names(r.Rows.Rows), r.State)
	}
	first := *r.State
	n.ask(mapihttp.QueryRows, &oxcmapihttp.QueryRowsRequest{State: &first, RowCount: 100, Columns: nameColumn}, &r, 0)
	if !slices.Equal(names(r.Rows.Rows), sorted[2:]) || r.State.CurrentRec != oxnspi.MidEnd {
		t.Errorf("then %q, state %+v", names(r.Rows.Rows), r.State)
	}
	n.ask(mapihttp.QueryRows, &oxcmapihttp.QueryRowsRequest{State: &oxnspi.Stat{CurrentRec: oxnspi.MidEnd, Delta: -1, CodePage: 1252}, RowCount: 5, Columns: nameColumn}, &r, 0)
	if !slices.Equal(names(r.Rows.Rows), sorted[4:]) {
		t.Errorf("the last %q", names(r.Rows.Rows))
	}
	var u oxcmapihttp.UpdateStatResponse
	half := &oxnspi.Stat{CurrentRec: oxnspi.MidCurrent, NumPos: 1, TotalRecs: 2, Delta: 1}
	n.ask(mapihttp.UpdateStat, &oxcmapihttp.UpdateStatRequest{State: half, DeltaRequested: true}, &u, 0)
	if u.State.NumPos != 3 || *u.Delta != 1 {
		t.Errorf("half and one on: %+v, moved %d", u.State, *u.Delta)
	}
	var s oxcmapihttp.RowsResponse
	n.ask(mapihttp.SeekEntries, &oxcmapihttp.SeekEntriesRequest{State: &oxnspi.Stat{CodePage: 1252}, Target: &oxcdata.TaggedValue{Tag: pid.TagDisplayName, Value: "BO"}, Columns: nameColumn}, &s, 0)
	if s.State.NumPos != 2 || names(s.Rows.Rows)[0] != "Bob Builder" {
		t.Errorf("seek: %+v, %q", s.State, names(s.Rows.Rows))
	}
	n.ask(mapihttp.SeekEntries, &oxcmapihttp.SeekEntriesRequest{State: &oxnspi.Stat{}, Target: &oxcdata.TaggedValue{Tag: pid.TagDisplayName, Value: "zz"}}, &s, mapi.ErrNotFound)
	n.ask(mapihttp.SeekEntries, &oxcmapihttp.SeekEntriesRequest{State: &oxnspi.Stat{}, Target: &oxcdata.TaggedValue{Tag: pid.TagAccount, Value: "a"}}, &s, mapi.ErrCallFailed)
	n.ask(mapihttp.QueryRows, &oxcmapihttp.QueryRowsRequest{State: &oxnspi.Stat{ContainerID: 77}, RowCount: 1}, &r, mapi.ErrInvalidBookmark)
	n.ask(mapihttp.QueryRows, &oxcmapihttp.QueryRowsRequest{State: &oxnspi.Stat{CurrentRec: 0x999}, RowCount: 1}, &r, mapi.ErrNotFound)

	// Rows by their ids, 8-bit, with the columns that there are when none are named.
	explicit := &oxcmapihttp.QueryRowsRequest{State: &oxnspi.Stat{CodePage: 1252}, Explicit: []uint32{0x13, 0x99, 0x10}}
	n.ask(mapihttp.QueryRows, explicit, &r, 0)
	if len(r.Rows.Rows) != 3 || r.Rows.Rows[0].Values[3] != mapi.String8("Cleves, Anne of") || r.Rows.Rows[1].Values[3] != mapi.Value(mapi.ErrNotFound) {
		t.Errorf("rows by id %+v", r.Rows)
	}
	var c oxcmapihttp.CompareMinIDsResponse
	n.ask(mapihttp.CompareMIds, &oxcmapihttp.CompareMinIDsRequest{State: &oxnspi.Stat{}, A: 0x10, B: 0x12}, &c, 0)
	if c.Result >= 0 {
		t.Errorf("compared %d", c.Result)
	}
	var sorting oxcmapihttp.ResortRestrictionResponse
	n.ask(mapihttp.ResortRestriction, &oxcmapihttp.ResortRestrictionRequest{State: &oxnspi.Stat{CurrentRec: 0x12}, MinIDs: []uint32{0x14, 0x99, 0x12, 0x10}}, &sorting, 0)
	if !slices.Equal(sorting.MinIDs, []uint32{0x10, 0x12, 0x14}) || sorting.State.NumPos != 1 {
		t.Errorf("sorted %x, %+v", sorting.MinIDs, sorting.State)
	}
}

func TestResolveNames(t *testing.T) {
	n := openBook(t)
	q := &oxcmapihttp.ResolveNamesRequest{State: &oxnspi.Stat{CodePage: 1252}, Tags: nameColumn, Names: []string{
		"bob", "an", "ann", "anne", "SMTP:anna@contoso.test", "nobody", "zoe ad", "=SMTP:bob@contoso.test", n.srv.UserDN(t, "alice"), "karen", ""}}
	var r oxcmapihttp.ResolveNamesResponse
	n.ask(mapihttp.ResolveNames, q, &r, 0)
	// Several people begin with "an"; an alias is one whatever begins like it.
	if want := []uint32{2, 1, 2, 2, 2, 0, 2, 2, 2, 2, 0}; !slices.Equal(r.MinIDs, want) {
		t.Errorf("results %v, want %v", r.MinIDs, want)
	}
	want := []string{"Bob Builder", "Cleves, Anne of", "Cleves, Anne of", "anna Karenina", "Zoe Adams", "Bob Builder", "Zoe Adams", "anna Karenina"}
	if got := names(r.Rows.Rows); !slices.Equal(got, want) {
		t.Errorf("rows %q, want %q", got, want)
	}
}

func TestGetMatches(t *testing.T) {
	n := openBook(t)
	match := func(r mapi.Restriction, most uint32, want mapi.Code, who ...string) {
		t.Helper()
		var resp oxcmapihttp.GetMatchesResponse
		n.ask(mapihttp.GetMatches, &oxcmapihttp.GetMatchesRequest{State: &oxnspi.Stat{CodePage: 1252}, Filter: r, RowCount: most, Columns: nameColumn}, &resp, want)
		if want == 0 && (!slices.Equal(names(resp.Rows.Rows), who) || len(resp.MinIDs) != len(who)) {
			t.Errorf("%v gives %q, want %q", r, names(resp.Rows.Rows), who)
		}
	}
	anr := func(s string) mapi.Restriction {
		return mapi.ResProperty{Op: mapi.RelEQ, Key: mapi.TagKey(pid.TagAnr), Value: s}
	}
	match(anr("ann"), 100, 0, "Ann Boleyn", "anna Karenina", "Cleves, Anne of")
	match(mapi.ResAnd{anr("ann"), mapi.ResNot{Res: anr("anna")}}, 100, 0, "Ann Boleyn", "Cleves, Anne of")
	match(anr("ann"), 2, mapi.ErrTableTooBig)
	match(anr("x"), 100, 0)
	match(mapi.ResContent{Fuzzy: mapi.FuzzySubstring | mapi.FuzzyIgnoreCase, Key: mapi.TagKey(pid.TagSmtpAddress), Value: "BOB@"}, 100, 0, "Bob Builder")
	match(mapi.ResProperty{Op: mapi.RelEQ, Key: mapi.TagKey(pid.TagAccount), Value: "annb"}, 100, 0, "Ann Boleyn")
	match(mapi.ResProperty{Op: mapi.RelEQ, Key: mapi.TagKey(pid.TagAddressBookProxyAddresses.WithType(mapi.TypeString)), Value: "smtp:bob@contoso.test"}, 100, 0, "Bob Builder")
	match(mapi.ResExist{Key: mapi.TagKey(pid.TagOfficeLocation)}, 100, 0)
}

func TestEntry(t *testing.T) {
	n := openBook(t)
	var mids oxcmapihttp.MinIDsResponse
	n.ask(mapihttp.DNToMId, &oxcmapihttp.DNToMinIDRequest{Names: []mapi.String8{"/o=x/cn=nobody", mapi.String8(n.srv.UserDN(t, "bob"))}}, &mids, 0)
	if mids.MinIDs[0] != 0 || mids.MinIDs[1] != 0x12 {
		t.Fatalf("minimal ids %x", mids.MinIDs)
	}
	at := &oxnspi.Stat{CurrentRec: 0x12, CodePage: 1252}
	var r oxcmapihttp.ValuesResponse
	n.ask(mapihttp.GetProps, &oxcmapihttp.GetPropsRequest{State: at, Tags: []mapi.Tag{pid.TagSmtpAddress, pid.TagEmailAddress.WithType(mapi.TypeString8), pid.TagEntryId, pid.TagTitle}}, &r, mapi.WarnErrorsReturned)
	dn := n.srv.UserDN(t, "bob")
	if r.Values[0].Value != "bob@contoso.test" || r.Values[1].Value != mapi.String8(dn) || r.Values[3].Tag != pid.TagTitle.WithType(mapi.TypeError) || r.Values[3].Value != mapi.ErrNotFound {
		t.Errorf("properties %v", r.Values)
	}
	var e oxcdata.AddressBookEntryID
	if err := oxcdata.Decode(oxcdata.ROP, r.Values[2].Value.([]byte), func(c *oxcdata.Coder) { c.AddressBookEntryID(&e) }); err != nil || string(e.DN) != dn || e.Provider != oxcdata.ProviderAddressBook {
		t.Errorf("permanent entry id %+v, %v", e, err)
	}
	n.ask(mapihttp.GetProps, &oxcmapihttp.GetPropsRequest{Flags: 2, State: at, Tags: []mapi.Tag{pid.TagEntryId}}, &r, 0)
	if id := r.Values[0].Value.([]byte); len(id) != 32 || id[0] != 0x87 || id[28] != 0x12 {
		t.Errorf("ephemeral entry id %x", id)
	}
	n.ask(mapihttp.GetProps, &oxcmapihttp.GetPropsRequest{State: at}, &r, 0)
	all := len(r.Values)
	var tags oxcmapihttp.TagsResponse
	n.ask(mapihttp.GetPropList, &oxcmapihttp.GetPropListRequest{MinID: 0x12, CodePage: 1200}, &tags, 0)
	if len(tags.Tags) != all || !slices.Contains(tags.Tags, pid.TagDisplayName) {
		t.Errorf("%d tags, %d values", len(tags.Tags), all)
	}
	n.ask(mapihttp.GetPropList, &oxcmapihttp.GetPropListRequest{MinID: 0x99}, &tags, mapi.ErrInvalidObject)
	n.ask(mapihttp.QueryColumns, &oxcmapihttp.QueryColumnsRequest{}, &tags, 0)
	if !slices.Contains(tags.Tags, pid.TagDisplayName.WithType(mapi.TypeString8)) {
		t.Errorf("8-bit columns %v", tags.Tags)
	}
	var special oxcmapihttp.GetSpecialTableResponse
	n.ask(mapihttp.GetSpecialTable, &oxcmapihttp.GetSpecialTableRequest{Flags: oxcmapihttp.SpecialUnicode, State: &oxnspi.Stat{CodePage: 1252}}, &special, 0)
	if len(special.Rows) != 1 || *special.Version != 1 {
		t.Errorf("address lists %v", special.Rows)
	}
	var url oxcmapihttp.URLResponse
	n.ask(mapihttp.GetMailboxUrl, &oxcmapihttp.URLRequest{DN: "/o=x/cn=Servers/cn=" + n.srv.Mailbox(t, "bob").String() + "@contoso.test"}, &url, 0)
	if url.ServerURL != n.srv.MailboxURL(t, "bob") {
		t.Errorf("mailbox URL %s", url.ServerURL)
	}
	n.ask(mapihttp.GetAddressBookUrl, &oxcmapihttp.URLRequest{DN: dn}, &url, 0)
	if url.ServerURL != n.srv.AddressBookURL(t, "bob") {
		t.Errorf("address book URL %s", url.ServerURL)
	}
	n.ask(mapihttp.ModProps, &oxcmapihttp.ModPropsRequest{State: at}, &oxcmapihttp.Empty{}, mapi.ErrNoSupport)
	n.ask(mapihttp.ModLinkAtt, &oxcmapihttp.ModLinkAttRequest{}, &oxcmapihttp.Empty{}, mapi.ErrNoSupport)
	n.ask(mapihttp.GetTemplateInfo, &oxcmapihttp.GetTemplateInfoRequest{}, &oxcmapihttp.ValuesResponse{}, mapi.ErrNoSupport)
	n.ask(mapihttp.Unbind, &oxcmapihttp.UnbindRequest{}, &oxcmapihttp.Empty{}, 1)
}

// TestVectorsAddressBookReplay sends the recorded requests of clients that this project did not write; each must get an
// answer that its body can be read from.
func TestVectorsAddressBookReplay(t *testing.T) {
	n := openBook(t)
	answers := map[string]func() oxcmapihttp.Body{
		mapihttp.CompareMIds: func() oxcmapihttp.Body { return &oxcmapihttp.CompareMinIDsResponse{} }, mapihttp.DNToMId: func() oxcmapihttp.Body { return &oxcmapihttp.MinIDsResponse{} },
		mapihttp.GetMatches: func() oxcmapihttp.Body { return &oxcmapihttp.GetMatchesResponse{} }, mapihttp.GetPropList: func() oxcmapihttp.Body { return &oxcmapihttp.TagsResponse{} },
		mapihttp.GetProps: func() oxcmapihttp.Body { return &oxcmapihttp.ValuesResponse{} }, mapihttp.GetSpecialTable: func() oxcmapihttp.Body { return &oxcmapihttp.GetSpecialTableResponse{} },
		mapihttp.GetTemplateInfo: func() oxcmapihttp.Body { return &oxcmapihttp.ValuesResponse{} }, mapihttp.ModLinkAtt: func() oxcmapihttp.Body { return &oxcmapihttp.Empty{} },
		mapihttp.ModProps: func() oxcmapihttp.Body { return &oxcmapihttp.Empty{} }, mapihttp.QueryRows: func() oxcmapihttp.Body { return &oxcmapihttp.RowsResponse{} },
		mapihttp.QueryColumns: func() oxcmapihttp.Body { return &oxcmapihttp.TagsResponse{} }, mapihttp.ResolveNames: func() oxcmapihttp.Body { return &oxcmapihttp.ResolveNamesResponse{} },
		mapihttp.ResortRestriction: func() oxcmapihttp.Body { return &oxcmapihttp.ResortRestrictionResponse{} }, mapihttp.SeekEntries: func() oxcmapihttp.Body { return &oxcmapihttp.RowsResponse{} },
		mapihttp.UpdateStat: func() oxcmapihttp.Body { return &oxcmapihttp.UpdateStatResponse{} }, mapihttp.GetMailboxUrl: func() oxcmapihttp.Body { return &oxcmapihttp.URLResponse{} },
		mapihttp.GetAddressBookUrl: func() oxcmapihttp.Body { return &oxcmapihttp.URLResponse{} },
	}
	sent := 0
	vectors.Recorded(t, "mapihttp.jsonl.gz", func(line []byte) {
		var r struct {
			ID, Endpoint string
			Request      struct{ Type, Body string }
			Response     struct {
				Status int
				Code   int `json:"x_response_code"`
			}
		}
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		kind, ok := mapihttp.AddressBook.Canonical(r.Request.Type)
		make := answers[kind]
		if !ok || make == nil || r.Endpoint != "nspi" || r.Response.Status != 200 || r.Response.Code != 0 {
			return
		}
		t.Run(r.ID, func(t *testing.T) {
			answer, err := n.http.Do(t.Context(), kind, vectors.Hex(t, r.Request.Body))
			if err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
			if _, _, err := oxcmapihttp.UnmarshalResponse(answer.Body, make()); err != nil {
				t.Errorf("%s: %v", kind, err)
			}
		})
		sent++
	})
	if sent == 0 {
		t.Error("nothing was sent")
	}
}

package exchangeserver_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"testing"

	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/mapi"
)

// recorded is an Execute of a client that this project did not write, and what another server answered.
type recorded struct {
	ID       string
	Case     int
	Session  int
	Seq      int
	Whole    bool `json:"complete_conversation"`
	Request  struct{ Body string }
	Response struct {
		Body      string
		BodyAt    int    `json:"body_at"`
		ErrorCode string `json:"error_code"`
	}
	Execute struct {
		Flags             uint32
		MaxROPOut         uint32 `json:"max_rop_out"`
		Request, Response []struct {
			At, Size int
			Payload  string
			ROPs     []struct {
				ID      string
				Len     int
				Columns []string
				Public  bool `json:"public_logon"`
			}
		}
	}
}

// payloadsOf unpacks one direction of a record.
func payloadsOf(t *testing.T, body string, n int, at func(int) (int, int, string)) [][]byte {
	var out [][]byte
	for i := range n {
		at, size, payload := at(i)
		if payload != "" {
			out = append(out, vectors.Hex(t, payload))
			continue
		}
		const header = 8
		out = append(out, vectors.Hex(t, body)[at+header:at+header+size])
	}
	return out
}

func (r *recorded) requests(t *testing.T) [][]byte {
	return payloadsOf(t, r.Request.Body, len(r.Execute.Request), func(i int) (int, int, string) {
		b := r.Execute.Request[i]
		return b.At, b.Size, b.Payload
	})
}

func (r *recorded) responses(t *testing.T) [][]byte {
	return payloadsOf(t, r.Response.Body, len(r.Execute.Response), func(i int) (int, int, string) {
		b := r.Execute.Response[i]
		return b.At, b.Size, b.Payload
	})
}

// public tells whether an operation of a record is one on a logon to public folders.
func (r *recorded) public() bool {
	for _, b := range r.Execute.Request {
		for _, x := range b.ROPs {
			const readFlag, readFlagSize = "0x11", 5 // more of it is client data of public folders
			if x.Public || x.ID == readFlag && x.Len > readFlagSize {
				return true
			}
		}
	}
	return false
}

// translator gives what a recorded client says the ids and handles that this server gave.
type translator struct {
	handles map[uint32]uint32
	ids     map[oxcdata.ID]oxcdata.ID
	unable  map[uint32]bool // recorded handles of objects that there aren't here
}

func (x *translator) id(p *oxcdata.ID) {
	if id, ok := x.ids[*p]; ok {
		*p = id
	}
}

func (x *translator) idList(list []oxcdata.ID) {
	for i := range list {
		x.id(&list[i])
	}
}

// request translates a request.
func (x *translator) request(q oxcrops.Request, dn string) {
	switch q := q.(type) {
	case *oxcrops.LogonRequest:
		if q.Essdn != "" {
			q.Essdn = mapi.String8(dn)
		}
	case *oxcrops.OpenFolderRequest:
		x.id(&q.FolderID)
	case *oxcrops.OpenMessageRequest:
		x.id(&q.FolderID)
		x.id(&q.MessageID)
	case *oxcrops.CreateMessageRequest:
		x.id(&q.FolderID)
	case *oxcrops.DeleteFolderRequest:
		x.id(&q.FolderID)
	case *oxcrops.MoveFolderRequest:
		x.id(&q.FolderID)
	case *oxcrops.CopyFolderRequest:
		x.id(&q.FolderID)
	case *oxcrops.MoveCopyMessagesRequest:
		x.idList(q.MessageIDs)
	case *oxcrops.DeleteMessagesRequest:
		x.idList(q.MessageIDs)
	case *oxcrops.HardDeleteMessagesRequest:
		x.idList(q.MessageIDs)
	case *oxcrops.SetReadFlagsRequest:
		x.idList(q.MessageIDs)
	case *oxcrops.FastTransferSourceCopyMessagesRequest:
		x.idList(q.MessageIDs)
	case *oxcrops.GetMessageStatusRequest:
		x.id(&q.MessageID)
	case *oxcrops.SetMessageStatusRequest:
		x.id(&q.MessageID)
	case *oxcrops.SetReceiveFolderRequest:
		x.id(&q.FolderID)
	case *oxcrops.LongTermIdFromIdRequest:
		x.id(&q.ObjectID)
	}
}

// learn notes which of our ids and handles stand for those recorded.
func (x *translator) learn(theirs, ours []oxcrops.Response, their, our []uint32) {
	for i := range min(len(their), len(our)) {
		if their[i] != none && our[i] != none {
			x.handles[their[i]] = our[i]
		}
	}
	for i := range min(len(theirs), len(ours)) {
		switch a := theirs[i].(type) {
		case *oxcrops.LogonResponse:
			if b, ok := ours[i].(*oxcrops.LogonResponse); ok && b.ReturnValue == 0 {
				for j := range a.FolderIDs {
					x.ids[a.FolderIDs[j]] = b.FolderIDs[j]
				}
			}
		case *oxcrops.CreateFolderResponse:
			if b, ok := ours[i].(*oxcrops.CreateFolderResponse); ok && b.ReturnValue == 0 {
				x.ids[a.FolderID] = b.FolderID
			}
		case *oxcrops.SaveChangesMessageResponse:
			if b, ok := ours[i].(*oxcrops.SaveChangesMessageResponse); ok && b.ReturnValue == 0 {
				x.ids[a.MessageID] = b.MessageID
			}
		}
	}
}

// elsewhere are operations that the other server does and this one doesn't: permissions, rules and public folders.
var elsewhere = map[uint8]bool{
	oxcrops.RopModifyPermissions: true, oxcrops.RopModifyRules: true, oxcrops.RopLogon: true,
}

// TestVectorsReplay sends what recorded clients sent to empty mailboxes. Whatever it is, the answer has to be a good one by
// the rules of the protocol; well-formed requests must not fail as a whole. Most sessions have
// gaps, so that much of what they use was never made; in those that are whole every operation must turn out as it did there,
// but for what is elsewhere. OPENCDO_REPLAY_DIFFERENCES names a file that all differences are written to.
func TestVectorsReplay(t *testing.T) {
	sessions := map[int][]*recorded{}
	vectors.Recorded(t, "execute.jsonl.gz", func(line []byte) {
		r := &recorded{}
		if err := json.Unmarshal(line, r); err != nil {
			t.Fatal(err)
		}
		if r.Session != 0 {
			sessions[r.Session] = append(sessions[r.Session], r)
		}
	})
	srv := exchangetest.New(t, exchangetest.Options{Users: []exchangetest.User{{Alias: "alice"}}})
	folders := recordedFolders(t, sessions)
	differ := map[string]int{}
	replayed := 0
	cases := map[int]map[oxcdata.ID]oxcdata.ID{}
	var numbers []int
	for n := range sessions {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	for _, n := range numbers {
		list := sessions[n]
		ids := cases[list[0].Case] // sessions of one activity work with what the others made
		if ids == nil {
			ids = map[oxcdata.ID]oxcdata.ID{}
			cases[list[0].Case] = ids
		}
		slices.SortFunc(list, func(a, b *recorded) int { return cmp.Compare(a.Seq, b.Seq) })
		t.Run(fmt.Sprint(n), func(t *testing.T) { replayed += replay(t, srv, list, folders, ids, differ) })
	}
	t.Logf("%d requests of %d sessions", replayed, len(sessions))
	if replayed == 0 {
		t.Error("nothing was replayed")
	}
	if file := os.Getenv("OPENCDO_REPLAY_DIFFERENCES"); file != "" {
		var lines []string
		for k, n := range differ {
			lines = append(lines, fmt.Sprintf("%5d %s\n", n, k))
		}
		slices.Sort(lines)
		f, _ := os.Create(file)
		for _, l := range lines {
			f.WriteString(l)
		}
		f.Close()
	}
}

// recordedFolders are the special folders of that server's mailboxes, which have the same ids in all.
func recordedFolders(t *testing.T, sessions map[int][]*recorded) [13]oxcdata.ID {
	for _, list := range sessions {
		for _, rec := range list {
			for _, p := range rec.responses(t) {
				resps, _, _ := oxcrops.DecodeResponses(p, nil)
				for _, x := range resps {
					if l, ok := x.(*oxcrops.LogonResponse); ok && l.ReturnValue == 0 && l.LogonFlags&oxcrops.LogonPrivate != 0 {
						return l.FolderIDs
					}
				}
			}
		}
	}
	t.Fatal("no logon is recorded")
	return [13]oxcdata.ID{}
}

// firstHandle is that of the first logon of a session there. The recording leaves out what resembles an earlier one, so most
// sessions in it begin after their logon.
const firstHandle = 0

func replay(t *testing.T, srv *exchangetest.Server, list []*recorded, folders [13]oxcdata.ID, ids map[oxcdata.ID]oxcdata.ID, differ map[string]int) (n int) {
	dn := srv.UserDN(t, "alice")
	r := connect(t, srv, "alice")
	x := &translator{handles: map[uint32]uint32{}, ids: ids, unable: map[uint32]bool{}}
	info, store := r.logon(dn)
	x.handles[firstHandle] = store
	for i, id := range folders {
		x.ids[id] = info.FolderIDs[i]
	}
	public := map[uint8]bool{}
	for _, rec := range list {
		if rec.public() {
			continue // what it means depends on a logon that there cannot be here
		}
		r.flags, r.maxOut = rec.Execute.Flags, rec.Execute.MaxROPOut
		var payloads [][]byte
		good := true
		var reqs []oxcrops.Request
		var their, our []uint32
		for _, p := range rec.requests(t) {
			logons := oxcrops.Logons{Public: func(id uint8) bool { return public[id] }}
			some, handles, err := logons.DecodeRequests(p)
			if err != nil {
				good = false
				payloads = append(payloads, p)
				continue
			}
			for _, q := range some {
				if l, ok := q.(*oxcrops.LogonRequest); ok {
					public[l.LogonID] = l.LogonFlags&oxcrops.LogonPrivate == 0
				}
				x.request(q, dn)
			}
			their = slices.Clone(handles)
			for i, h := range handles {
				if known, ok := x.handles[h]; ok {
					handles[i] = known
				}
			}
			our = handles
			reqs = append(reqs, some...)
			q, err := oxcrops.EncodeRequests(nil, some, handles)
			if err != nil {
				t.Fatal(err)
			}
			payloads = append(payloads, q)
		}
		if len(payloads) == 0 {
			continue // the recording has nothing of it
		}
		n++
		out, code := r.execute(payloads...)
		if !good {
			if code != mapi.ErrRPCFormat {
				t.Errorf("%s: malformed, answered with %v", rec.ID, code)
			}
			continue
		}
		if code != 0 {
			differ[fmt.Sprintf("whole call: %v, theirs %s", code, rec.Response.ErrorCode)]++
			if rec.Response.ErrorCode == "0x00000000" {
				t.Errorf("%s: failed with %v", rec.ID, code)
			}
			continue
		}
		resps, table := r.decode(out, reqs, our)
		theirs := rec.responses(t)
		if len(theirs) == 0 {
			continue
		}
		prepareRecorded(reqs, rec)
		recordedResps, recordedTable, err := oxcrops.DecodeResponses(theirs[0], reqs)
		if err != nil {
			continue // it is tested where its codec is
		}
		for i := range recordedTable {
			if i < len(their) && their[i] == none {
				their[i] = recordedTable[i]
			}
		}
		x.learn(recordedResps, resps, recordedTable, table)
		x.compare(t, rec, reqs, their, recordedTable, recordedResps, resps, differ)
	}
	return n
}

// prepareRecorded gives requests the columns of the recorded answer.
func prepareRecorded(reqs []oxcrops.Request, rec *recorded) {
	var columns [][]mapi.Tag
	for _, x := range rec.Execute.Response[0].ROPs {
		var tags []mapi.Tag
		for _, c := range x.Columns {
			var n uint32
			fmt.Sscanf(c, "0x%x", &n)
			tags = append(tags, mapi.Tag(n))
		}
		columns = append(columns, tags)
	}
	i := 0
	for _, q := range reqs {
		if q.RopID() == oxcrops.RopRelease {
			continue
		}
		if i >= len(columns) {
			return
		}
		switch q := q.(type) {
		case *oxcrops.QueryRowsRequest:
			q.Columns = columns[i]
		case *oxcrops.FindRowRequest:
			q.Columns = columns[i]
		case *oxcrops.ExpandRowRequest:
			q.Columns = columns[i]
		}
		i++
	}
}

// compare notes where the outcome is another.
func (x *translator) compare(t *testing.T, rec *recorded, reqs []oxcrops.Request, handles, table []uint32, theirs, ours []oxcrops.Response, differ map[string]int) {
	i := 0
	for _, q := range reqs {
		if q.RopID() == oxcrops.RopRelease {
			continue
		}
		if i >= len(theirs) || i >= len(ours) || theirs[i].RopID() != ours[i].RopID() {
			return
		}
		a, b := theirs[i], ours[i]
		i++
		if a.Result() == b.Result() || !a.Result().Failed() && !b.Result().Failed() {
			continue
		}
		differ[fmt.Sprintf("%s: %v, theirs %v (%s)", oxcrops.Name(b.RopID()), b.Result(), a.Result(), rec.ID)]++
		in, out := slots(q)
		known := elsewhere[q.RopID()] || in < len(handles) && x.unable[handles[in]]
		if known && out < len(table) {
			x.unable[table[out]] = true
		}
		if rec.Whole && !known && q.RopID() != oxcrops.RopFreeBookmark { // which isn't translated
			t.Errorf("%s: %s: %v, there %v", rec.ID, oxcrops.Name(b.RopID()), b.Result(), a.Result())
		}
	}
}

// slots are the handle indexes of a request, far outside where there are none.
func slots(q oxcrops.Request) (in, out int) {
	const nowhere = 1 << 16
	in, out = nowhere, nowhere
	v := reflect.ValueOf(q).Elem()
	for _, name := range []string{"Src", "In"} {
		if f := v.FieldByName(name); f.IsValid() {
			in = int(f.Uint())
		}
	}
	if f := v.FieldByName("Out"); f.IsValid() {
		out = int(f.Uint())
	}
	return in, out
}

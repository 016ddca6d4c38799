package nspirpc

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/dcerpc"
	"github.com/opencdo/opencdo/internal/oxabref"
	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcmapihttp"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// found is what impacket asks a server for, and says back what it was asked for.
type found struct {
	t *testing.T
}

func (f found) Bind(_ context.Context, _ *dcerpc.Call, _ *oxcmapihttp.BindRequest, resp *oxcmapihttp.BindResponse) (Session, mapi.Code, error) {
	resp.ServerGUID = server
	return f, 0, nil
}

func (f found) Serve(_ context.Context, kind string, req, resp oxcmapihttp.Body) (mapi.Code, error) {
	switch q := req.(type) {
	case *oxcmapihttp.QueryRowsRequest:
		if fmt.Sprint(q.Explicit, q.RowCount, q.Columns) != "[16 17] 7 [0x3001001F 0x39000003]" {
			f.t.Errorf("asked for rows %+v", q)
		}
		r := resp.(*oxcmapihttp.RowsResponse)
		r.State = q.State
		r.State.CurrentRec = 42
		r.Rows = oxcmapihttp.Rows{Columns: q.Columns, Rows: []oxcdata.PropertyRow{{Values: []mapi.Value{"Anna", int32(6)}}, {Values: []mapi.Value{"Böb", mapi.ErrNotFound}}}}
	case *oxcmapihttp.ResolveNamesRequest:
		if fmt.Sprint(q.Names, q.Tags) != "[anna böb] [0x3001001F]" {
			f.t.Errorf("asked for names %+v", q)
		}
		*resp.(*oxcmapihttp.ResolveNamesResponse) = oxcmapihttp.ResolveNamesResponse{MinIDs: []uint32{2, 0},
			Rows: oxcmapihttp.Rows{Columns: []mapi.Tag{pid.TagDisplayName}, Rows: []oxcdata.PropertyRow{{Values: []mapi.Value{"Anna"}}}}}
	case *oxcmapihttp.DNToMinIDRequest:
		if fmt.Sprint(q.Names) != "[/o=a /o=b]" {
			f.t.Errorf("asked for DNs %+v", q)
		}
		resp.(*oxcmapihttp.MinIDsResponse).MinIDs = []uint32{16, 0}
	case *oxcmapihttp.UnbindRequest:
		return 1, nil
	default:
		f.t.Errorf("asked for %s", kind)
	}
	return 0, nil
}

func (found) Close() {}

func (found) NewDSA(_ context.Context, _ *dcerpc.Call, dn string) (string, error) {
	return "gc" + dn[strings.LastIndex(dn, "="):] + ".example.com", nil
}

func (found) FQDNFromServerDN(_ context.Context, _ *dcerpc.Call, dn string) (string, error) {
	return dn[strings.LastIndex(dn, "=")+1:] + ".example.com", nil
}

// TestImpacketLooks has impacket look into an address book, and ask where others are.
func TestImpacketLooks(t *testing.T) {
	python := ""
	for _, name := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(name, "-c", "import impacket").Run() == nil {
			python = name
		}
	}
	if python == "" {
		t.Skip("SKIPPED: impacket isn't here (python3 -c 'import impacket' fails); install python3-impacket")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := &dcerpc.Server{Interfaces: []*dcerpc.Interface{Serve(found{t}), oxabref.Serve(found{t})}}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.ServeConn(t.Context(), conn, dcerpc.ConnInfo{})
		}
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	out, err := exec.CommandContext(t.Context(), python, "testdata/client.py", port).CombinedOutput()
	var got map[string]any
	if err != nil || json.Unmarshal(out, &got) != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name, want := range map[string]string{"guid": hex.EncodeToString(server[:]), "position": "42", "mids": "[2 0]", "dns": "[16 0]", "unbound": "1",
		"dsa": "gc=anna.example.com", "fqdn": "MBX1.example.com"} {
		if fmt.Sprint(got[name]) != want {
			t.Errorf("%s is %v, want %s", name, got[name], want)
		}
	}
	rows, _ := json.Marshal(got["rows"])
	if want := `[{"805371935":"Anna","956301315":6},{"805371935":"Böb","956301322":2147746063}]`; string(rows) != want {
		t.Errorf("rows %s, want %s", rows, want)
	}
}

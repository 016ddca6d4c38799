package oxabref

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/dcerpc"
	"github.com/opencdo/opencdo/internal/ndr"
	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/mapi"
)

var bodies = map[string]func() ndr.Body{
	"ndr-rfrgetnewdsa-req":  func() ndr.Body { return &RfrGetNewDSARequest{} },
	"ndr-rfrgetnewdsa-resp": func() ndr.Body { return &RfrGetNewDSAResponse{} },
	"ndr-rfrgetfqdn-req":    func() ndr.Body { return &RfrGetFQDNFromServerDNRequest{} },
	"ndr-rfrgetfqdn-resp":   func() ndr.Body { return &RfrGetFQDNFromServerDNResponse{} },
}

func TestVectors(t *testing.T) {
	for _, v := range vectors.Load(t, "oxabref.json") {
		t.Run(v.ID, func(t *testing.T) {
			body := bodies[v.ID]()
			if err := ndr.Unmarshal(v.Bytes(t), body); err != nil {
				t.Fatal(err)
			}
			if again, err := ndr.Marshal(body); err != nil || !bytes.Equal(again, v.Bytes(t)) {
				t.Errorf("comes back as %x, %v", again, err)
			}
			var want struct {
				PUserDN, PpszServerFQDN, PpszServer *mapi.String8
				ReturnValue                         mapi.Code
			}
			if err := json.Unmarshal(v.Decoded, &want); err != nil {
				t.Fatal(err)
			}
			ok := false
			switch b := body.(type) {
			case *RfrGetNewDSARequest:
				ok = b.Flags == 0 && b.UserDN == *want.PUserDN && b.Unused == nil && **b.Server == *want.PpszServer
			case *RfrGetNewDSAResponse:
				ok = b.Unused == nil && **b.Server == *want.PpszServer && b.Result == want.ReturnValue
			case *RfrGetFQDNFromServerDNResponse:
				ok = *b.Server == *want.PpszServerFQDN && b.Result == want.ReturnValue
			}
			if !ok {
				t.Errorf("%+v isn't %s", body, v.Decoded)
			}
		})
	}
}

// TestVectorsRecorded reads what others sent each other.
func TestVectorsRecorded(t *testing.T) {
	vectors.Recorded(t, "rpchttp.jsonl.gz", func(line []byte) {
		var x struct {
			ID, Interface string
			Calls         []struct {
				OpNum    int
				Request  *string `json:"request_stub"`
				Response *string `json:"response_stub"`
			}
		}
		if err := json.Unmarshal(line, &x); err != nil {
			t.Fatal(err)
		}
		for _, call := range x.Calls {
			if x.Interface != "RFR" || call.Request == nil {
				continue
			}
			name := []string{"ndr-rfrgetnewdsa", "ndr-rfrgetfqdn"}[call.OpNum]
			for kind, stub := range map[string]string{"-req": *call.Request, "-resp": *call.Response} {
				t.Run(x.ID+name+kind, func(t *testing.T) {
					body := bodies[name+kind]()
					normal, err := ndr.Normalize(vectors.Hex(t, stub), body)
					if err != nil {
						t.Fatal(err)
					}
					if again, err := ndr.Marshal(body); err != nil || !bytes.Equal(again, normal) {
						t.Errorf("%x comes back as %x, %v", normal, again, err)
					}
				})
			}
		}
	})
}

type referrals struct{}

func (referrals) NewDSA(_ context.Context, _ *dcerpc.Call, dn string) (string, error) {
	if dn == "/o=Org/cn=anna" {
		return "gc.example.com", nil
	}
	return "", mapi.ErrUnknownUser
}

func (referrals) FQDNFromServerDN(_ context.Context, _ *dcerpc.Call, dn string) (string, error) {
	return strings.ToLower(dn[strings.LastIndex(dn, "=")+1:]) + ".example.com", nil
}

func TestReferrals(t *testing.T) {
	near, far := net.Pipe()
	go (&dcerpc.Server{Interfaces: []*dcerpc.Interface{Serve(referrals{})}}).ServeConn(t.Context(), far, dcerpc.ConnInfo{})
	c := dcerpc.NewClient(near, dcerpc.Config{})
	defer c.Close()
	if err := c.Bind(t.Context(), Interface); err != nil {
		t.Fatal(err)
	}
	if s, err := GetNewDSA(t.Context(), c, "/o=Org/cn=anna"); err != nil || s != "gc.example.com" {
		t.Errorf("%q, %v", s, err)
	}
	if _, err := GetNewDSA(t.Context(), c, "/o=Org/cn=nobody"); !errors.Is(err, mapi.ErrUnknownUser) {
		t.Errorf("an unknown user: %v", err)
	}
	if s, err := GetFQDNFromServerDN(t.Context(), c, "/o=Org/cn=Servers/cn=MBX1"); err != nil || s != "mbx1.example.com" {
		t.Errorf("%q, %v", s, err)
	}
	if _, err := GetFQDNFromServerDN(t.Context(), c, "short"); !errors.Is(err, ndr.ErrFormat) {
		t.Errorf("a DN that is too short: %v", err)
	}
	// What our client doesn't let through, the server refuses as well ([MS-OXABREF] 3.1.4.2).
	if _, err := c.Call(t.Context(), opRfrGetFQDNFromServerDN, []byte{0, 0, 0, 0, 5, 0, 0, 0}); !errors.Is(err, &dcerpc.Fault{Status: dcerpc.StatusBadStub}) {
		t.Errorf("a DN that is too short: %v", err)
	}
}

func FuzzRequests(f *testing.F) {
	empty := mapi.String8("")
	p := &empty
	b, _ := ndr.Marshal(&RfrGetNewDSARequest{UserDN: "/o=Org", Server: &p})
	f.Add(b, true)
	b, _ = ndr.Marshal(&RfrGetFQDNFromServerDNRequest{ServerDN: "/o=Org/cn=x"})
	f.Add(b, false)
	f.Fuzz(func(t *testing.T, b []byte, dsa bool) {
		var body ndr.Body = &RfrGetFQDNFromServerDNRequest{}
		if dsa {
			body = &RfrGetNewDSARequest{}
		}
		if ndr.Unmarshal(b, body) == nil {
			if _, err := ndr.Marshal(body); err != nil && dsa {
				t.Error(err)
			}
		}
	})
}

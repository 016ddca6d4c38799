package oxcmapihttp

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/mapi"
)

// bodies gives empty request and response bodies of a request type.
var bodies = map[string]func() (Body, Body){
	"connect":           func() (Body, Body) { return &ConnectRequest{}, &ConnectResponse{} },
	"execute":           func() (Body, Body) { return &ExecuteRequest{}, &ExecuteResponse{} },
	"disconnect":        func() (Body, Body) { return &Empty{}, &Empty{} },
	"notificationwait":  func() (Body, Body) { return &NotificationWaitRequest{}, &NotificationWaitResponse{} },
	"bind":              func() (Body, Body) { return &BindRequest{}, &BindResponse{} },
	"unbind":            func() (Body, Body) { return &UnbindRequest{}, &Empty{} },
	"comparemids":       func() (Body, Body) { return &CompareMinIDsRequest{}, &CompareMinIDsResponse{} },
	"dntomid":           func() (Body, Body) { return &DNToMinIDRequest{}, &MinIDsResponse{} },
	"getmatches":        func() (Body, Body) { return &GetMatchesRequest{}, &GetMatchesResponse{} },
	"getproplist":       func() (Body, Body) { return &GetPropListRequest{}, &TagsResponse{} },
	"getprops":          func() (Body, Body) { return &GetPropsRequest{}, &ValuesResponse{} },
	"getspecialtable":   func() (Body, Body) { return &GetSpecialTableRequest{}, &GetSpecialTableResponse{} },
	"gettemplateinfo":   func() (Body, Body) { return &GetTemplateInfoRequest{}, &ValuesResponse{} },
	"modlinkatt":        func() (Body, Body) { return &ModLinkAttRequest{}, &Empty{} },
	"modprops":          func() (Body, Body) { return &ModPropsRequest{}, &Empty{} },
	"queryrows":         func() (Body, Body) { return &QueryRowsRequest{}, &RowsResponse{} },
	"querycolumns":      func() (Body, Body) { return &QueryColumnsRequest{}, &TagsResponse{} },
	"querycolumn":       func() (Body, Body) { return &QueryColumnsRequest{}, &TagsResponse{} },
	"resolvenames":      func() (Body, Body) { return &ResolveNamesRequest{}, &ResolveNamesResponse{} },
	"resortrestriction": func() (Body, Body) { return &ResortRestrictionRequest{}, &ResortRestrictionResponse{} },
	"seekentries":       func() (Body, Body) { return &SeekEntriesRequest{}, &RowsResponse{} },
	"updatestat":        func() (Body, Body) { return &UpdateStatRequest{}, &UpdateStatResponse{} },
	"getmailboxurl":     func() (Body, Body) { return &URLRequest{}, &URLResponse{} },
	"getaddressbookurl": func() (Body, Body) { return &URLRequest{}, &URLResponse{} },
}

type exchange struct {
	ID       string `json:"id"`
	Endpoint string `json:"endpoint"`
	Request  struct {
		Type string `json:"type"`
		Body string `json:"body"`
	} `json:"request"`
	Response struct {
		Status int    `json:"status"`
		Code   *int   `json:"x_response_code"`
		Body   string `json:"body"`
		BodyAt *int   `json:"body_at"`
	} `json:"response"`
}

func checkExchange(t *testing.T, line []byte) {
	var x exchange
	if err := json.Unmarshal(line, &x); err != nil {
		t.Fatal(err)
	}
	t.Run(x.ID, func(t *testing.T) {
		make, ok := bodies[strings.ToLower(x.Request.Type)]
		if !ok || x.Response.BodyAt == nil || x.Response.Code == nil || *x.Response.Code != 0 {
			t.Skipf("an exchange without bodies: type %q, HTTP %d", x.Request.Type, x.Response.Status)
		}
		req, resp := make()
		in := vectors.Hex(t, x.Request.Body)
		if len(in) == 0 {
			if _, err := UnmarshalRequest(in, req); !errors.Is(err, mapi.ErrRPCFormat) && x.Request.Type == "Execute" {
				t.Fatalf("a request without a body: %v", err)
			}
			return
		}
		env, err := UnmarshalRequest(in, req)
		if err != nil {
			t.Fatalf("%s request: %v\n% x", x.Request.Type, err, in)
		}
		again, err := MarshalRequest(req, env)
		if err != nil || !bytes.Equal(again, in) {
			t.Fatalf("%s request came back as (%v)\n% x\n% x", x.Request.Type, err, again, in)
		}
		out := vectors.Hex(t, x.Response.Body)[*x.Response.BodyAt:]
		code, env, err := UnmarshalResponse(out, resp)
		if _, status := err.(*StatusError); status {
			return
		}
		if err != nil {
			t.Fatalf("%s response: %v\n% x", x.Request.Type, err, out)
		}
		again, err = MarshalResponse(code, resp, env)
		if err != nil || !bytes.Equal(again, out) {
			t.Fatalf("%s response came back as (%v)\n% x\n% x", x.Request.Type, err, again, out)
		}
	})
}

func TestVectorsRecordedBodies(t *testing.T) {
	vectors.Recorded(t, "mapihttp.jsonl.gz", func(line []byte) { checkExchange(t, line) })
}

func TestVectorsRecordedExecuteBodies(t *testing.T) {
	vectors.Recorded(t, "execute.jsonl.gz", func(line []byte) { checkExchange(t, line) })
}

func FuzzResponse(f *testing.F) {
	for name := range bodies {
		f.Add(name, []byte{0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 1, 0, 0, 0})
	}
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		make, ok := bodies[name]
		if !ok {
			return
		}
		req, resp := make()
		if env, err := UnmarshalRequest(data, req); err == nil {
			if _, err := MarshalRequest(req, env); err != nil {
				t.Errorf("%s request decodes but does not encode: %v", name, err)
			}
		}
		if code, env, err := UnmarshalResponse(data, resp); err == nil {
			if _, err := MarshalResponse(code, resp, env); err != nil {
				t.Errorf("%s response decodes but does not encode: %v", name, err)
			}
		}
	})
}

package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/oxcmapihttp"
	"github.com/opencdo/opencdo/internal/oxcrpc"
	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/mapi"
)

// bodies makes empty request and response bodies of the request types of MAPI over HTTP.
var bodies = map[string]func() (request, response oxcmapihttp.Body){
	"connect":           pair[oxcmapihttp.ConnectRequest, oxcmapihttp.ConnectResponse],
	"execute":           pair[oxcmapihttp.ExecuteRequest, oxcmapihttp.ExecuteResponse],
	"disconnect":        pair[oxcmapihttp.Empty, oxcmapihttp.Empty],
	"notificationwait":  pair[oxcmapihttp.NotificationWaitRequest, oxcmapihttp.NotificationWaitResponse],
	"bind":              pair[oxcmapihttp.BindRequest, oxcmapihttp.BindResponse],
	"unbind":            pair[oxcmapihttp.UnbindRequest, oxcmapihttp.Empty],
	"comparemids":       pair[oxcmapihttp.CompareMinIDsRequest, oxcmapihttp.CompareMinIDsResponse],
	"dntomid":           pair[oxcmapihttp.DNToMinIDRequest, oxcmapihttp.MinIDsResponse],
	"dntominid":         pair[oxcmapihttp.DNToMinIDRequest, oxcmapihttp.MinIDsResponse],
	"getmatches":        pair[oxcmapihttp.GetMatchesRequest, oxcmapihttp.GetMatchesResponse],
	"getproplist":       pair[oxcmapihttp.GetPropListRequest, oxcmapihttp.TagsResponse],
	"getprops":          pair[oxcmapihttp.GetPropsRequest, oxcmapihttp.ValuesResponse],
	"getspecialtable":   pair[oxcmapihttp.GetSpecialTableRequest, oxcmapihttp.GetSpecialTableResponse],
	"gettemplateinfo":   pair[oxcmapihttp.GetTemplateInfoRequest, oxcmapihttp.ValuesResponse],
	"modlinkatt":        pair[oxcmapihttp.ModLinkAttRequest, oxcmapihttp.Empty],
	"modprops":          pair[oxcmapihttp.ModPropsRequest, oxcmapihttp.Empty],
	"queryrows":         pair[oxcmapihttp.QueryRowsRequest, oxcmapihttp.RowsResponse],
	"querycolumn":       pair[oxcmapihttp.QueryColumnsRequest, oxcmapihttp.TagsResponse],
	"resolvenames":      pair[oxcmapihttp.ResolveNamesRequest, oxcmapihttp.ResolveNamesResponse],
	"resortrestriction": pair[oxcmapihttp.ResortRestrictionRequest, oxcmapihttp.ResortRestrictionResponse],
	"seekentries":       pair[oxcmapihttp.SeekEntriesRequest, oxcmapihttp.RowsResponse],
	"updatestat":        pair[oxcmapihttp.UpdateStatRequest, oxcmapihttp.UpdateStatResponse],
	"getmailboxurl":     pair[oxcmapihttp.URLRequest, oxcmapihttp.URLResponse],
	"getaddressbookurl": pair[oxcmapihttp.URLRequest, oxcmapihttp.URLResponse],
}

func pair[Q, R any, PQ interface {
	*Q
	oxcmapihttp.Body
}, PR interface {
	*R
	oxcmapihttp.Body
}]() (oxcmapihttp.Body, oxcmapihttp.Body) {
	return PQ(new(Q)), PR(new(R))
}

// exchanges reads the bodies of all recorded exchanges.
func exchanges(t *testing.T, found func(record string, structures map[string]bool)) {
	for _, file := range []string{"mapihttp.jsonl.gz", "execute.jsonl.gz"} {
		vectors.Recorded(t, file, func(line []byte) {
			var x struct {
				ID      string
				Request struct {
					Type, Body string
				}
				Response struct {
					Code   *int `json:"x_response_code"`
					Body   string
					BodyAt *int `json:"body_at"`
				}
			}
			if err := json.Unmarshal(line, &x); err != nil {
				t.Fatal(err)
			}
			empty, ok := bodies[strings.ToLower(x.Request.Type)]
			if !ok || x.Response.BodyAt == nil || x.Response.Code == nil || *x.Response.Code != 0 || x.Request.Body == "" {
				return
			}
			in := map[string]bool{}
			req, resp := empty()
			requestBody(vectors.Hex(t, x.Request.Body), req, in)
			responseBody(vectors.Hex(t, x.Response.Body)[*x.Response.BodyAt:], resp, in)
			found(x.ID, in)
		})
	}
}

func requestBody(b []byte, body oxcmapihttp.Body, in map[string]bool) bool {
	env, err := oxcmapihttp.UnmarshalRequest(b, body)
	if err != nil {
		return false
	}
	again, err := oxcmapihttp.MarshalRequest(body, env)
	if err != nil || !bytes.Equal(again, b) {
		return false
	}
	reach(reflect.ValueOf(body), addressBook, in)
	blocks(env.Aux, in)
	return true
}

func responseBody(b []byte, body oxcmapihttp.Body, in map[string]bool) bool {
	code, env, err := oxcmapihttp.UnmarshalResponse(b, body)
	if s := (*oxcmapihttp.StatusError)(nil); errors.As(err, &s) {
		if !bytes.Equal(oxcmapihttp.MarshalFailure(s.Status), b) {
			return false
		}
		in["oxcmapihttp.StatusError"] = true
		return true
	}
	if err != nil {
		return false
	}
	again, err := oxcmapihttp.MarshalResponse(code, body, env)
	if err != nil || !bytes.Equal(again, b) {
		return false
	}
	if !code.Failed() || reflect.TypeOf(body) == reflect.TypeFor[*oxcmapihttp.Empty]() {
		reach(reflect.ValueOf(body), addressBook, in)
	}
	blocks(env.Aux, in)
	return true
}

// blocks reads an auxiliary buffer.
func blocks(aux []byte, in map[string]bool) {
	payloads, err := oxcrpc.Unpack(aux)
	if err != nil {
		return
	}
	for _, p := range payloads {
		list, err := oxcrpc.DecodeAux(p)
		if err != nil {
			continue
		}
		if again, err := oxcrpc.EncodeAux(nil, list); err == nil && bytes.Equal(again, p) {
			for _, b := range list {
				reach(reflect.ValueOf(b), ropBuffers, in)
			}
		}
	}
}

// bodyVectors reads the bodies and auxiliary buffers among the vectors. A body's id ends in its request type and direction.
func bodyVectors(t *testing.T, found func(id string, structures map[string]bool)) {
	for _, v := range vectors.Load(t, "oxcmapihttp.json") {
		words := strings.Split(v.ID, "-")
		if v.Kind != "mapihttp-body" || len(words) < 2 {
			continue
		}
		in := map[string]bool{}
		empty, ok := bodies[words[len(words)-2]]
		if !ok {
			t.Errorf("%s: of no known request type", v.ID)
			continue
		}
		req, resp := empty()
		if words[len(words)-1] == "req" {
			ok = requestBody(v.Bytes(t), req, in)
		} else {
			ok = responseBody(v.Bytes(t), resp, in)
		}
		if !ok {
			t.Errorf("%s: does not come back as it was", v.ID)
		}
		if words[len(words)-1] == "req" {
			compareFields(t, v, req)
		} else if !in["oxcmapihttp.StatusError"] {
			compareFields(t, v, resp)
		}
		found(v.ID, in)
	}
	for _, v := range vectors.Load(t, "oxcrpc-lz77.json") {
		if v.Kind == "rpc-header-ext-aux" {
			in := map[string]bool{}
			blocks(v.Bytes(t), in)
			found(v.ID, in)
		}
	}
}

// compareFields compares a body with the fields that its vector names, but for presence bytes, counts, and the buffers
// inside it.
func compareFields(t *testing.T, v vectors.Vector, body oxcmapihttp.Body) {
	fields, want := plain(t, body), map[string]any{}
	if err := json.Unmarshal(v.Decoded, &want); err != nil {
		t.Fatal(err)
	}
	others := map[string]string{"namevalues": "names", "minimalids": "minids", "propertytags": "tags", "explicittable": "explicit"}
	for name, w := range want {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "has") || strings.HasSuffix(name, "count") || strings.HasSuffix(name, "size") || strings.HasSuffix(name, "buffer") ||
			name == "statuscode" || name == "errorcode" {
			continue
		}
		if o, ok := others[name]; ok {
			name = o
		}
		if id, ok := strings.CutSuffix(name, "_hex"); ok {
			name, w = id, mapi.GUID(vectors.Hex(t, w.(string))).String()
		}
		if got := fields[name]; fmt.Sprint(got) != fmt.Sprint(plain(t, w)["value"]) {
			t.Errorf("%s: %s is %v, want %v", v.ID, name, got, w)
		}
	}
}

// plain is a structure in the form that vectors have: names of fields in lower case, numbers not in hexadecimal text.
func plain(t *testing.T, v any) map[string]any {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var x any
	if err := json.Unmarshal(b, &x); err != nil {
		t.Fatal(err)
	}
	if m, ok := simple(x).(map[string]any); ok && reflect.TypeOf(v).Kind() == reflect.Pointer {
		return m
	}
	return map[string]any{"value": simple(x)}
}

func simple(x any) any {
	switch x := x.(type) {
	case map[string]any:
		m := map[string]any{}
		for k, v := range x {
			m[strings.ToLower(k)] = simple(v)
		}
		return m
	case []any:
		for i := range x {
			x[i] = simple(x[i])
		}
		return x
	case string:
		if n, err := strconv.ParseUint(x, 0, 32); err == nil && strings.HasPrefix(x, "0x") {
			return float64(n)
		}
	}
	return x
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

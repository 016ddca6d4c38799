package oxcrops

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/mapi"
)

// TestVectors decodes the ROPs of all specification vectors, compares every field with what the vector says it is, and
// encodes them again to the same bytes.
func TestVectors(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(vectors.Dir(t), "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, f := range files {
		for _, v := range vectors.Load(t, filepath.Base(f)) {
			var test func(*testing.T, []byte, map[string]any)
			switch v.Kind {
			case "rop-request":
				test = requestVector
			case "rop-response":
				test = responseVector
			case "rop-response-prefix":
				test = prefixVector
			case "rop-input-buffer":
				test = inputBufferVector
			default:
				continue
			}
			n++
			t.Run(v.ID, func(t *testing.T) {
				var decoded map[string]any
				if err := json.Unmarshal(v.Decoded, &decoded); err != nil {
					t.Fatal(err)
				}
				test(t, v.Bytes(t), decoded)
			})
		}
	}
	t.Logf("%d vectors", n)
	if n == 0 {
		t.Error("nothing was tested")
	}
}

// buffer puts ROPs into a ROP buffer without handles.
func buffer(rops []byte) []byte {
	n := len(rops) + sizeOfRopSize
	return append([]byte{byte(n), byte(n >> 8)}, rops...)
}

func requestVector(t *testing.T, raw []byte, decoded map[string]any) {
	reqs, _, err := DecodeRequests(buffer(raw))
	if err != nil || len(reqs) != 1 {
		t.Fatal(len(reqs), err)
	}
	again, err := EncodeRequests(nil, reqs, nil)
	if err != nil || !bytes.Equal(again, buffer(raw)) {
		t.Errorf("%x came back as %x, %v", raw, again, err)
	}
	compareFields(t, reqs[0], decoded)
}

// requestOf makes the request that a response vector answers, with the columns it needs.
func requestOf(t *testing.T, id uint8, raw []byte) []Request {
	q := Lookup(id).NewRequest()
	for _, f := range []string{"oxctabl.json", "oxcprpt.json", "oxorule.json"} {
		for _, v := range columnVectors(t, f) {
			if v.Hex == hex.EncodeToString(raw) {
				switch q := q.(type) {
				case *QueryRowsRequest:
					q.Columns = v.tags()
				case *FindRowRequest:
					q.Columns = v.tags()
				case *ExpandRowRequest:
					q.Columns = v.tags()
				case *GetPropertiesSpecificRequest:
					q.Tags = v.tags()
				}
			}
		}
	}
	if r, ok := q.(*ReadRecipientsRequest); ok {
		r.Columns = []mapi.Tag{0x39000003, 0x3A20001F} // the vector's note
	}
	return []Request{q}
}

// columnVector is a vector that says over which columns its rows are.
type columnVector struct {
	ID, Hex string
	Columns []string
}

func (v *columnVector) tags() []mapi.Tag {
	var tags []mapi.Tag
	for _, s := range v.Columns {
		n, _ := strconv.ParseUint(s, 0, 32)
		tags = append(tags, mapi.Tag(n))
	}
	return tags
}

func columnVectors(t *testing.T, file string) []columnVector {
	raw, err := os.ReadFile(filepath.Join(vectors.Dir(t), file))
	if err != nil {
		t.Fatal(err)
	}
	var list []columnVector
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	return list
}

// compareFields compares a decoded structure with the fields that a vector names.
func compareFields(t *testing.T, got any, want map[string]any) {
	t.Helper()
	fields := map[string]reflect.Value{}
	flatten(reflect.ValueOf(got).Elem(), fields)
	switch r := got.(type) {
	case Request:
		fields["ropid"] = reflect.ValueOf(r.RopID())
	case Response:
		fields["ropid"] = reflect.ValueOf(r.RopID())
	}
	for name, w := range want {
		f, ok := fields[alias(fields, strings.ToLower(name))]
		if !ok {
			if derived(name) || name == "FolderIdNames" {
				continue
			}
			t.Errorf("no field for %s = %v", name, w)
			continue
		}
		if !equal(f, w) {
			t.Errorf("%s is %#v, want %v", name, f.Interface(), w)
		}
	}
}

func flatten(v reflect.Value, into map[string]reflect.Value) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Anonymous {
			flatten(v.Field(i), into)
			continue
		}
		if f.IsExported() {
			into[strings.ToLower(f.Name)] = v.Field(i)
		}
	}
}

// alias is our name of a field of the specification.
func alias(fields map[string]reflect.Value, name string) string {
	for _, try := range map[string][]string{
		"inputhandleindex": {"in", "index"}, "outputhandleindex": {"out", "index"}, "sourcehandleindex": {"src", "index"},
		"desthandleindex": {"dest"}, "responsehandleindex": {"responseindex", "index"}, "propertytags": {"tags"},
		"propertyvalues": {"values"}, "propertynames": {"names"}, "propertyids": {"ids"}, "propertyproblems": {"problems"},
		"recipientcolumns": {"columns"}, "recipientrows": {"recipients"}, "rowdata": {"row", "rows"}, "messageid": {"messageid"},
		"propertytag": {"tag"}, "messagereadstates": {"messagereadstates"}, "longtermidranges": {"longtermidranges"},
		"backoffropdata": {"backoffrops"}, "requestbuffers_hex": {"requestbuffers"}, "databaseguid": {"databaseguid", "replica"},
		"globalcounter": {"counter"}, "mailboxguid_hex": {"mailboxguid"}, "replguid_hex": {"replguid"}, "ropidbackoff": {"ropid"}, "props": {"values"}, "stringtype": {"form"}, "string": {"text"},
		"guid": {"set"}, "recipientrow_hex": {"row"}, "tablerowdata_hex": {"tablerowdata"}, "replguid": {"replguid", "first"},
		"globalcount": {"first"}, "recipientflags": {"flags"}, "addressprefixused": {"prefixused"}, "emailaddress": {"email"},
		"displayname": {"display"}, "simpledisplayname": {"simple"}, "recipientproperties": {"row"}, "recipientrow": {"row"},
	}[name] {
		if _, ok := fields[try]; ok {
			return try
		}
	}
	return name
}

// derived tells counts, sizes and what the codec makes of several fields.
func derived(name string) bool {
	return strings.HasSuffix(name, "Count") || strings.HasSuffix(name, "Size") || strings.HasPrefix(name, "Cheap") || name == "Kind" || name == "type"
}

func equal(v reflect.Value, want any) bool {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() == reflect.Interface {
		if v.IsNil() {
			return want == nil
		}
		if r, ok := v.Interface().(mapi.Restriction); ok {
			return strings.EqualFold("Res"+strings.ReplaceAll(want.(map[string]any)["rt"].(string), "_", ""), reflect.TypeOf(r).Name())
		}
		v = v.Elem()
	}
	switch x := v.Interface().(type) {
	case oxcdata.ID:
		return want == fmt.Sprintf("%04x-%012x", x.Replica(), x.Counter()) || equal(reflect.ValueOf(uint64(x)), want)
	case mapi.GUID:
		return want == x.String() || want == hex.EncodeToString(x[:])
	case mapi.FileTime:
		return equal(reflect.ValueOf(uint64(x)), want)
	case []byte:
		return want == hex.EncodeToString(x)
	case Servers:
		return equal(reflect.ValueOf(x.Names), want)
	case oxcdata.GlobalID:
		return want == x.Replica.String() || want == fmt.Sprintf("%012x", x.Counter)
	case oxcdata.PropertyRow:
		return equalRow(x, want)
	case oxcdata.RecipientRow:
		if s, ok := want.(string); ok {
			return s != "" // its bytes are compared with the whole
		}
	case int64: // an id among the values
		if s, ok := want.(string); ok && strings.Contains(s, "-") {
			return equal(reflect.ValueOf(oxcdata.ID(x)), want)
		}
	}
	switch w := want.(type) {
	case map[string]any:
		return equalStruct(v, w)
	case []any:
		if v.Len() != len(w) {
			return false
		}
		for i := range w {
			if !equal(v.Index(i), w[i]) {
				return false
			}
		}
		return true
	case bool:
		return v.Kind() == reflect.Bool && v.Bool() == w
	}
	return equalScalar(v, want)
}

func equalScalar(v reflect.Value, want any) bool {
	s, isString := want.(string)
	if v.Kind() == reflect.String {
		return isString && (v.String() == s || hex.EncodeToString(append([]byte(v.String()), 0)) == s)
	}
	if len(s) == 12 { // a global counter
		s = "0x" + s
	}
	var n int64
	switch w := want.(type) {
	case float64:
		n = int64(w)
	case string:
		u, err := strconv.ParseUint(s, 0, 64)
		if err != nil {
			return false
		}
		n = int64(u)
	}
	switch v.Kind() {
	case reflect.Bool:
		return v.Bool() == (n != 0)
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int() == n
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return v.Uint() == uint64(n)
	}
	return false
}

func equalStruct(v reflect.Value, want map[string]any) bool {
	if v.Kind() != reflect.Struct {
		return false
	}
	fields := map[string]reflect.Value{}
	flatten(v, fields)
	for name, w := range want {
		f, ok := fields[alias(fields, strings.ToLower(name))]
		if !ok && derived(name) {
			continue
		}
		if !ok || !equal(f, w) {
			return false
		}
	}
	return true
}

// equalRow compares a row with a vector's: values, or values with their flags, or fields in order of the columns.
func equalRow(r oxcdata.PropertyRow, want any) bool {
	w, ok := want.(map[string]any)
	if !ok {
		return false
	}
	list, ok := w["values"].([]any)
	if !ok {
		for _, name := range []string{"FolderId", "MessageClass", "LastModificationTime"} {
			list = append(list, w[name])
		}
	}
	if float64(r.Flag) != w["flag"] || len(list) != len(r.Values) {
		return false
	}
	for i, cell := range list {
		v := r.Values[i]
		if tv, ok := v.(oxcdata.TypedValue); ok {
			v = tv.Value
		}
		if c, ok := cell.(map[string]any); ok {
			if c["flag"] == float64(10) {
				cell = c["error"]
			} else {
				cell = c["value"]
			}
		}
		if !equal(reflect.ValueOf(v), cell) {
			return false
		}
	}
	return true
}

func responseVector(t *testing.T, raw []byte, decoded map[string]any) {
	var reqs []Request
	if rop := Lookup(raw[0]); rop.NewRequest() != nil {
		reqs = requestOf(t, raw[0], raw)
	}
	if name, ok := decoded["RuleName"]; ok { // a vector that tells about its row only
		reqs[0].(*QueryRowsRequest).Columns = []mapi.Tag{0x66740014, 0x66840102, 0x6682001F}
		delete(decoded, "RuleName")
		delete(decoded, "RowFlag")
		decoded["RowData"] = []any{map[string]any{"flag": 0.0, "values": []any{"0001-0000013ff856", "010000000100000055555555d144e340", name}}}
	}
	resps, _, err := DecodeResponses(buffer(raw), reqs)
	if err != nil || len(resps) != 1 {
		t.Fatal(len(resps), err)
	}
	if raw[0] == RopGetNamesFromPropertyIds && raw[len(raw)-1] == 0xFF {
		// This vector leaves out the property set of a name of kind 0xFF: it is read, but not written so.
		raw = append(raw, make([]byte, 16)...)
	}
	again, err := EncodeResponses(nil, reqs, resps, nil)
	if err != nil || !bytes.Equal(again, buffer(raw)) {
		t.Errorf("%x came back as %x, %v", raw, again, err)
	}
	compareFields(t, resps[0], decoded)
}

// prefixVector is the beginning of a response with its first row. Without the columns of the others that one is decoded.
func prefixVector(t *testing.T, raw []byte, decoded map[string]any) {
	q := &QueryRowsRequest{Columns: []mapi.Tag{0x67480014, 0x674A0014, 0x674D0014, 0x674E0003, 0x0FF50003, 0x30050003, 0x36020003, 0x36030003, 0x0E060040}}
	if _, _, err := DecodeResponses(buffer(raw), []Request{q}); !errors.Is(err, mapi.ErrRPCFormat) {
		t.Errorf("a response without its end gives %v", err)
	}
	raw[7] = 1 // RowCount
	resps, _, err := DecodeResponses(buffer(raw), []Request{q})
	if err != nil {
		t.Fatal(err)
	}
	first := decoded["first_row"].(map[string]any)
	row := resps[0].(*QueryRowsResponse).Rows[0]
	for i, cell := range first["values"].([]any) {
		c := cell.(map[string]any)
		want := c["value"]
		if h, ok := c["value_hex"].(string); ok {
			want = fmt.Sprintf("%s-%s", "0001", h[4:])
		}
		if e, ok := c["error"]; ok {
			want = e
		}
		if !equal(reflect.ValueOf(row.Values[i]), want) {
			t.Errorf("cell %d is %v, want %v", i, row.Values[i], want)
		}
	}
}

func inputBufferVector(t *testing.T, raw []byte, decoded map[string]any) {
	reqs, handles, err := DecodeRequests(raw)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range decoded["Rops"].([]any) {
		compareFields(t, reqs[i], want.(map[string]any))
	}
	if want, ok := decoded["ServerObjectHandleTable"]; ok && !equal(reflect.ValueOf(handles), want) {
		t.Errorf("handles %v, want %v", handles, want)
	}
	again, err := EncodeRequests(nil, reqs, handles)
	if err != nil || !bytes.Equal(again, raw) {
		t.Errorf("came back as %x, %v", again, err)
	}
}

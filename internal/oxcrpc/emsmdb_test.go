package oxcrpc

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/ndr"
	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/mapi"
)

// calls make empty requests and responses of the interfaces.
var calls = map[string]func() (request, response ndr.Body){
	"EMSMDB 1": func() (ndr.Body, ndr.Body) { return &ContextRequest{}, &ContextResponse{} },
	"EMSMDB 4": func() (ndr.Body, ndr.Body) {
		return &EcRRegisterPushNotificationRequest{}, &EcRRegisterPushNotificationResponse{}
	},
	"EMSMDB 6":      func() (ndr.Body, ndr.Body) { return &EcDummyRpcRequest{}, &EcDummyRpcResponse{} },
	"EMSMDB 10":     func() (ndr.Body, ndr.Body) { return &EcDoConnectExRequest{}, &EcDoConnectExResponse{} },
	"EMSMDB 11":     func() (ndr.Body, ndr.Body) { return &EcDoRpcExt2Request{}, &EcDoRpcExt2Response{} },
	"EMSMDB 14":     func() (ndr.Body, ndr.Body) { return &ContextRequest{}, &ContextResponse{} },
	"AsyncEMSMDB 0": func() (ndr.Body, ndr.Body) { return &EcDoAsyncWaitExRequest{}, &EcDoAsyncWaitExResponse{} },
}

var callNames = map[string]string{"ecdoconnectex": "EMSMDB 10", "ecdorpcext2": "EMSMDB 11", "ecdodisconnect": "EMSMDB 1",
	"ecdoasyncconnectex": "EMSMDB 14", "ecdoasyncwaitex": "AsyncEMSMDB 0"}

// fieldNames are the specification's names of parameters in the order that vectors list them, as this package calls them.
var fieldNames = map[string]string{"pcxh": "Context", "pacxh": "Context", "acxh": "Context", "ReturnValue": "Result", "ulFlagsIn": "Flags", "pulFlagsOut": "Flags",
	"pulFlags": "Flags", "rgbOut": "Out", "rgbAuxOut": "AuxOut", "pulTransTime": "TransTime", "szUserDN": "UserDN", "ulFlags": "Flags", "ulConMod": "ConMod",
	"cbLimit": "Limit", "ulCpid": "CodePage", "ulLcidString": "LcidString", "ulLcidSort": "LcidSort", "ulIcxrLink": "LinkedSession",
	"usFCanConvertCodePages": "CanConvert", "rgwClientVersion": "ClientVersion", "pulTimeStamp": "TimeStamp", "rgbAuxIn": "AuxIn"}

func TestVectorsEMSMDB(t *testing.T) {
	for _, v := range vectors.Load(t, "oxcrpc-ndr.json") {
		t.Run(v.ID, func(t *testing.T) {
			words := strings.Split(v.ID, "-")
			req, resp := calls[callNames[words[1]]]()
			body := req
			if words[2] == "resp" {
				body = resp
			}
			if err := ndr.Unmarshal(v.Bytes(t), body); err != nil {
				t.Fatal(err)
			}
			if again, err := ndr.Marshal(body); err != nil || !bytes.Equal(again, v.Bytes(t)) {
				t.Errorf("comes back as %x, %v", again, err)
			}
			var want map[string]any
			if err := json.Unmarshal(v.Decoded, &want); err != nil {
				t.Fatal(err)
			}
			for name, w := range want {
				switch {
				case fieldNames[name] != "":
					f := reflect.ValueOf(body).Elem().FieldByName(fieldNames[name]).Interface()
					if got := plain(f); got != strings.TrimPrefix(fmt.Sprint(whole(w)), "0x") {
						t.Errorf("%s is %v, want %v", name, got, w)
					}
				case name == "clientVersionNormalized":
					r := body.(*EcDoConnectExRequest)
					if got := VersionOf(r.ClientVersion); got.String() != w {
						t.Errorf("version %v, want %v", got, w)
					}
				case name == "pcbAuxOut" && words[2] == "req":
					if got := body.(*EcDoConnectExRequest).AuxOutSize; float64(got) != w {
						t.Errorf("%s is %d, want %v", name, got, w)
					}
				case !strings.HasPrefix(name, "cb") && !strings.HasPrefix(name, "pcb") && name != "aux":
					t.Errorf("%s isn't looked at", name)
				}
			}
		})
	}
}

// whole are the numbers of JSON without exponent.
func whole(v any) any {
	switch v := v.(type) {
	case float64:
		return uint64(v)
	case []any:
		for i := range v {
			v[i] = whole(v[i])
		}
	}
	return v
}

// plain is a field as vectors write it.
func plain(v any) string {
	switch v := v.(type) {
	case ndr.ContextHandle:
		b, _ := ndr.Marshal(&ContextRequest{v})
		return hex.EncodeToString(b)
	case []byte:
		return hex.EncodeToString(v)
	case mapi.Code:
		return fmt.Sprint(uint32(v))
	case uint32:
		if v == NoLink {
			return "ffffffff"
		}
	}
	return fmt.Sprint(v)
}

// TestVectorsRecordedEMSMDB reads the stubs that others sent each other, as far as they stand in the recording in clear.
func TestVectorsRecordedEMSMDB(t *testing.T) {
	vectors.Recorded(t, "rpchttp.jsonl.gz", func(line []byte) {
		var x struct {
			ID, Interface string
			Calls         []struct {
				OpNum    int
				Request  *string `json:"request_stub"`
				Response *string `json:"response_stub"`
				Fault    string
			}
		}
		if err := json.Unmarshal(line, &x); err != nil {
			t.Fatal(err)
		}
		for i, call := range x.Calls {
			empty := calls[fmt.Sprint(x.Interface, " ", call.OpNum)]
			if empty == nil || call.Request == nil {
				continue
			}
			t.Run(fmt.Sprintf("%s call %d", x.ID, i), func(t *testing.T) {
				req, resp := empty()
				if call.Fault != "" {
					if err := ndr.Unmarshal(vectors.Hex(t, *call.Request), req); !errors.Is(err, ndr.ErrFormat) {
						t.Errorf("the server that was recorded answered %s, but it is read: %v", call.Fault, err)
					}
					return
				}
				comesBack(t, *call.Request, req)
				comesBack(t, *call.Response, resp)
			})
		}
	})
}

func comesBack(t *testing.T, stub string, body ndr.Body) {
	t.Helper()
	normal, err := ndr.Normalize(vectors.Hex(t, stub), body)
	if err != nil {
		t.Errorf("%T: %v", body, err)
		return
	}
	if len(stub)/2-len(normal) > 3 { // the client aligns the end
		t.Errorf("%T: %d bytes of %d are read", body, len(normal), len(stub)/2)
	}
	if again, err := ndr.Marshal(body); err != nil || !bytes.Equal(again, normal) {
		t.Errorf("%T: %x\ncomes back as %x, %v", body, normal, again, err)
	}
}

// Examples of [MS-OXCRPC] 3.1.4.1.3.1.
func TestVersionWords(t *testing.T) {
	for _, tt := range []struct {
		words [3]uint16
		text  string
	}{
		{[3]uint16{0x000C, 0x183E, 0x03E8}, "12.0.6206.1000"},
		{[3]uint16{0x0F00, 0x834F, 0x0FC8}, "15.0.847.4040"},
		{[3]uint16{0x0E01, 0x8043, 0x0000}, "14.1.67.0"},
	} {
		v := VersionOf(tt.words)
		if v.String() != tt.text {
			t.Errorf("%04x is %v, want %s", tt.words, v, tt.text)
		}
		parsed, err := ParseVersion("Outlook/" + tt.text)
		if err != nil || parsed != v || VersionOf(v.Words()) != v {
			t.Errorf("%s: %v, %v, %04x", tt.text, parsed, err, v.Words())
		}
	}
	older, newer := Version{14, 1, 67, 0}, Version{15, 0, 466, 0}
	if older.Compare(newer) >= 0 || newer.Compare(older) <= 0 || newer.Compare(newer) != 0 {
		t.Error("versions are out of order")
	}
	for _, s := range []string{"", "15.0", "15.0.847.x", "256.0.0.0", "15.0.40000.0", "1.2.3.4.5"} {
		if v, err := ParseVersion(s); err == nil {
			t.Errorf("%q is read as %v", s, v)
		}
	}
}

// TestBufferLimits: more than the interface definition allows is bad stub data ([MS-OXCRPC] 3.1.4.2).
func TestBufferLimits(t *testing.T) {
	for _, body := range []ndr.Body{
		&EcDoRpcExt2Request{In: make([]byte, MaxROPBuffer+1)},
		&EcDoRpcExt2Request{OutSize: MaxROPBuffer + 1},
		&EcDoRpcExt2Request{AuxIn: make([]byte, MaxAuxBuffer+1)},
		&EcDoConnectExRequest{AuxOutSize: MaxAuxBuffer + 1},
	} {
		if _, err := ndr.Marshal(body); !errors.Is(err, ndr.ErrFormat) {
			t.Errorf("%T: %v", body, err)
		}
	}
}

func FuzzEMSMDB(f *testing.F) {
	name := mapi.String8("anna")
	for i, b := range []ndr.Body{&EcDoConnectExRequest{UserDN: "/o=Org", AuxIn: []byte{1, 2, 3}}, &EcDoConnectExResponse{DNPrefix: &name, AuxOut: []byte{4}},
		&EcDoRpcExt2Request{In: []byte{5}, AuxIn: []byte{6, 7}}, &EcDoRpcExt2Response{Out: []byte{8}}, &EcRRegisterPushNotificationRequest{Opaque: []byte{9}}} {
		stub, err := ndr.Marshal(b)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(stub, uint8(i))
	}
	f.Fuzz(func(t *testing.T, b []byte, kind uint8) {
		empty := func() ndr.Body {
			return []ndr.Body{&EcDoConnectExRequest{}, &EcDoConnectExResponse{}, &EcDoRpcExt2Request{}, &EcDoRpcExt2Response{}, &EcRRegisterPushNotificationRequest{}}[kind%5]
		}
		first, second := empty(), empty()
		if ndr.Unmarshal(b, first) != nil {
			return
		}
		again, err := ndr.Marshal(first)
		if err == nil {
			err = ndr.Unmarshal(again, second)
		}
		if err != nil || !reflect.DeepEqual(first, second) {
			t.Errorf("%+v comes back as %+v, %v", first, second, err)
		}
	})
}

package oxcrops

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
)

func TestTable(t *testing.T) {
	for i := range table {
		r := &table[i]
		if Lookup(r.ID) != r || Name(r.ID) != r.Name || !strings.HasPrefix(r.Section, "2.2.") {
			t.Errorf("%+v isn't found by its id", r)
		}
		q, p := r.NewRequest(), r.NewResponse()
		if q == nil && p == nil {
			t.Errorf("%s is neither request nor response", r.Name)
		}
		if q != nil && (q.RopID() != r.ID || reflect.TypeOf(q).Elem().Name() != strings.TrimPrefix(r.Name, "Rop")+"Request") {
			t.Errorf("%s makes a %T with RopId 0x%02X", r.Name, q, q.RopID())
		}
		if p != nil && p.RopID() != r.ID && r.ID != RopGetMessageStatus {
			t.Errorf("%s makes a %T with RopId 0x%02X", r.Name, p, p.RopID())
		}
	}
	for _, reserved := range []uint8{0x00, 0x28, 0x3C, 0x3D, 0x62, 0x65, 0x6A, 0x71, 0x7C, 0x7D, 0x83, 0x87, 0x94, 0x9E, 0xA2, 0xA4, 0xF8, 0xFA, 0xFD} {
		if Lookup(reserved) != nil {
			t.Errorf("0x%02X is reserved", reserved)
		}
	}
}

func TestDecodeRequestsSaysWhatIsWrong(t *testing.T) {
	good := "\x01\x00\x00" // RopRelease
	for name, c := range map[string]struct{ payload, want string }{
		"no size":      {"\x02", "no RopSize"},
		"size too big": {"\x09\x00", "RopSize 9"},
		"size 1":       {"\x01\x00\x00", "RopSize 1"},
		"handles cut":  {"\x02\x00\x07\x00\x00", "handle table of 3 bytes"},
		"unknown":      {"\x06\x00" + good + "\x3D", "unknown RopId 0x3D"},
		"answer only":  {"\x06\x00" + good + "\x6E", "unknown RopId 0x6E"},
		"truncated":    {"\x09\x00" + good + "\x02\x00\x00\x01", "RopOpenFolder request ([MS-OXCROPS] 2.2.4.1): malformed at offset 0x9"},
		"count":        {"\x0b\x00" + good + "\x0B\x00\x00\xff\xff\x00", "RopDeleteProperties request ([MS-OXCROPS] 2.2.8.8): malformed at offset 0xa: 65535 elements in 1 bytes"},
	} {
		reqs, _, err := DecodeRequests([]byte(c.payload))
		if !errors.Is(err, mapi.ErrRPCFormat) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if len(c.payload) > 2 && strings.HasPrefix(c.payload[2:], good) && len(reqs) != 1 {
			t.Errorf("%s: %d requests before it", name, len(reqs))
		}
	}
}

func TestResponsesAnswerRequestsInOrder(t *testing.T) {
	reqs := []Request{
		&ReleaseRequest{In: 1},
		&OpenFolderRequest{In: 0, Out: 1},
		&ReleaseRequest{In: 2},
		&GetMessageStatusRequest{In: 1},
		&EmptyFolderRequest{In: 1, WantAsynchronous: true},
		&ProgressRequest{In: 1},
		&QueryRowsRequest{In: 3, RowCount: 1, Columns: []mapi.Tag{0x0037001F}},
		&GetPropertiesListRequest{},
		&ReleaseRequest{},
	}
	resps := []Response{
		&BackoffResponse{LogonID: 1, Duration: 10, BackoffRops: []BackoffRop{{RopQueryRows, 5}}},
		&OpenFolderResponse{Reply: Reply{Index: 1}},
		&SetMessageStatusResponse{Reply: Reply{Index: 1}, MessageStatusFlags: 4},
		&ProgressResponse{Reply: Reply{Index: 1}, CompletedTaskCount: 1, TotalTaskCount: 2},
		&PartialResponse{ROP: RopEmptyFolder, Reply: Reply{Index: 1}},
		&QueryRowsResponse{Reply: Reply{Index: 3}, Rows: []oxcdata.PropertyRow{{Values: []mapi.Value{"x"}}}},
		&NotifyResponse{NotificationFlags: NotifyTableModified, TableEventType: TableChanged},
		&PendingResponse{SessionIndex: 3},
		&BufferTooSmallResponse{SizeNeeded: 1000, RequestBuffers: []byte{RopGetPropertiesList, 0, 0, RopRelease, 0, 0}},
	}
	b, err := EncodeResponses(nil, reqs, resps, []uint32{7, 8})
	if err != nil {
		t.Fatal(err)
	}
	got, handles, err := DecodeResponses(b, reqs)
	if err != nil || !reflect.DeepEqual(got, resps) || !reflect.DeepEqual(handles, []uint32{7, 8}) {
		t.Errorf("%+v, %v, %v", got, handles, err)
	}
	left, _, err := DecodeRequests(buffer(got[8].(*BufferTooSmallResponse).RequestBuffers))
	if err != nil || !reflect.DeepEqual(left, reqs[7:]) {
		t.Errorf("not processed: %+v, %v", left, err)
	}
}

func TestResponsesToOtherRequestsAreRefused(t *testing.T) {
	open, _ := EncodeResponses(nil, nil, []Response{&OpenFolderResponse{}}, nil)
	rows, _ := EncodeResponses(nil, []Request{&QueryRowsRequest{Columns: []mapi.Tag{0x00010003}}},
		[]Response{&QueryRowsResponse{Rows: []oxcdata.PropertyRow{{Values: []mapi.Value{int32(1)}}}}}, nil)
	for name, c := range map[string]struct {
		reqs []Request
		b    []byte
		want string
	}{
		"another ROP":          {[]Request{&OpenMessageRequest{}}, open, "response of RopOpenFolder to RopOpenMessage"},
		"after a release only": {[]Request{&ReleaseRequest{}}, open, "response of RopOpenFolder to no request"},
		"rows alone":           {nil, rows, "RopQueryRows response ([MS-OXCROPS] 2.2.5.4)"},
		"reserved":             {nil, buffer([]byte{0x3C}), "unknown RopId 0x3C"},
		"release":              {nil, buffer([]byte{RopRelease}), "unknown RopId 0x01"},
	} {
		if _, _, err := DecodeResponses(c.b, c.reqs); !errors.Is(err, mapi.ErrRPCFormat) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	for name, q := range map[string]Request{
		"more than a buffer":    &WriteStreamRequest{Data: make([]byte, 0xFFFF)},
		"more than a count":     &WriteStreamRequest{Data: make([]byte, 0x10000)},
		"NUL in a string":       &CreateFolderRequest{UseUnicodeStrings: true, DisplayName: "a\x00b"},
		"a value of other type": &SetPropertiesRequest{Values: []oxcdata.TaggedValue{{Tag: 0x0037001F, Value: int32(1)}}},
		"a name without its id": &RestrictRequest{RestrictionData: mapi.ResExist{Key: mapi.NamedKey(mapi.PropName{Set: mapi.PSMAPI, LID: 1}, mapi.TypeString)}},
		"a recipient short of cells": &ModifyRecipientsRequest{Recipients: []ModifyRecipientRow{{Row: &oxcdata.RecipientRow{
			Row: oxcdata.PropertyRow{Values: []mapi.Value{int32(1)}}}}}},
	} {
		if b, err := EncodeRequests(nil, []Request{q}, nil); err == nil {
			t.Errorf("%s: encoded to %d bytes", name, len(b))
		}
	}
	if _, err := EncodeResponses(nil, nil, []Response{&QueryNamedPropertiesResponse{IDs: []uint16{1}}}, nil); err == nil {
		t.Error("ids without names encoded")
	}
}

func TestPublicLogonsChangeLayouts(t *testing.T) {
	public := Logons{Public: func(id uint8) bool { return id == 2 }}
	in := []Request{
		&SetMessageReadFlagRequest{Head: Head{LogonID: 1}, ReadFlags: ReadSuppressReceipt},
		&SetMessageReadFlagRequest{Head: Head{LogonID: 2}, Public: true, ClientData: [24]byte{1, 2, 3}},
		&WritePerUserInformationRequest{Head: Head{LogonID: 2}, Public: true},
		&WritePerUserInformationRequest{Head: Head{LogonID: 1}, ReplGUID: mapi.GUID{1}},
	}
	b, err := EncodeRequests(nil, in, nil)
	if err != nil {
		t.Fatal(err)
	}
	out, _, err := public.DecodeRequests(b)
	if err != nil || !reflect.DeepEqual(in, out) {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestMalformedRestrictionFailsItsROPAlone(t *testing.T) {
	b := buffer([]byte{RopRestrict, 0, 0, 0, 2, 0, 0x0F, 0, RopRelease, 0, 0})
	reqs, _, err := DecodeRequests(b)
	if err != nil || len(reqs) != 2 {
		t.Fatal(reqs, err)
	}
	if r := reqs[0].(*RestrictRequest); r.RestrictionData != nil || !bytes.Equal(r.BadRestriction, []byte{0x0F, 0}) {
		t.Errorf("%+v", r)
	}
	if again, err := EncodeRequests(nil, reqs, nil); err != nil || !bytes.Equal(again, b) {
		t.Errorf("%x, %v", again, err)
	}
}

package oxcrops

import (
	"bytes"
	"testing"

	"github.com/opencdo/opencdo/mapi"
)

// seeds are one ROP list for every ROP whose zero value can be written.
func seeds(write func(*ROP) ([]byte, error)) (lists [][]byte) {
	for i := range table {
		if b, err := write(&table[i]); err == nil && len(b) > sizeOfRopSize {
			lists = append(lists, b[sizeOfRopSize:])
		}
	}
	return lists
}

func zeroRequest(r *ROP) ([]byte, error) {
	if q := r.NewRequest(); q != nil {
		return EncodeRequests(nil, []Request{q}, nil)
	}
	return nil, nil
}

func zeroResponse(r *ROP) ([]byte, error) {
	if p := r.NewResponse(); p != nil {
		return EncodeResponses(nil, nil, []Response{p}, nil)
	}
	return nil, nil
}

func FuzzRequests(f *testing.F) {
	for _, list := range seeds(zeroRequest) {
		f.Add(list)
	}
	f.Fuzz(func(t *testing.T, list []byte) {
		DecodeRequests(list)
		b := buffer(list[:min(len(list), 0xFFF0)])
		reqs, handles, err := DecodeRequests(b)
		if err != nil {
			return
		}
		once, err := EncodeRequests(nil, reqs, handles)
		if err != nil {
			t.Fatalf("%x can't be written: %v", b, err)
		}
		reqs, handles, err = DecodeRequests(once)
		if err != nil {
			t.Fatalf("%x was written as %x: %v", b, once, err)
		}
		if twice, err := EncodeRequests(nil, reqs, handles); err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%x was written as %x, then as %x, %v", b, once, twice, err)
		}
	})
}

func FuzzResponses(f *testing.F) {
	for _, list := range seeds(zeroResponse) {
		f.Add([]byte{}, list)
	}
	f.Add([]byte{RopQueryRows, 0, 0, 0, 1, 9, 0}, []byte{RopQueryRows, 0, 0, 0, 0, 0, 2, 1, 0, 0, 'a', 0, 0, 0, 1, 0, 0, 0})
	columns := []mapi.Tag{0x0037001F, 0x00040003}
	f.Fuzz(func(t *testing.T, q, list []byte) {
		reqs, _, _ := DecodeRequests(buffer(q[:min(len(q), 0xFFF0)]))
		b := buffer(list[:min(len(list), 0xFFF0)])
		for _, r := range reqs {
			switch r := r.(type) {
			case *QueryRowsRequest:
				r.Columns = columns
			case *FindRowRequest:
				r.Columns = columns
			case *ExpandRowRequest:
				r.Columns = columns
			case *ReadRecipientsRequest:
				r.Columns = columns
			}
		}
		resps, handles, err := DecodeResponses(b, reqs)
		if err != nil {
			return
		}
		once, err := EncodeResponses(nil, reqs, resps, handles)
		if err != nil {
			t.Fatalf("%x can't be written: %v", b, err)
		}
		resps, handles, err = DecodeResponses(once, reqs)
		if err != nil {
			t.Fatalf("%x was written as %x: %v", b, once, err)
		}
		if twice, err := EncodeResponses(nil, reqs, resps, handles); err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%x was written as %x, then as %x, %v", b, once, twice, err)
		}
	})
}

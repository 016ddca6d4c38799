package oxocal_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/opencdo/opencdo/internal/oxocal"
	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
	"github.com/opencdo/opencdo/msgfile"
)

// The values in items that other programs saved come back byte for byte.
func TestFilesVectors(t *testing.T) {
	counts := map[string]int{}
	for _, f := range vectors.MsgFiles(t) {
		it, err := msgfile.Options{Report: func(*mapi.Error) {}}.OpenFile(f.Path)
		if err != nil {
			continue // package msgfile's own tests tell which may fail
		}
		t.Cleanup(func() { it.Close() })
		again := func(name string, k mapi.Key, recode func(b []byte) ([]byte, error)) {
			b := content(t, it.Props.Get(k))
			if len(b) == 0 {
				return
			}
			counts[name]++
			t.Run(name+"/"+f.Name, func(t *testing.T) {
				got, err := recode(b)
				if err != nil || !bytes.Equal(got, b) {
					t.Errorf("%v\n%X becomes\n%X", err, b, got)
				}
			})
		}
		again("series", pid.LidAppointmentRecur, func(b []byte) ([]byte, error) {
			p, err := oxocal.DecodeSeries(b)
			if err != nil {
				return nil, err
			}
			first, n := p.NthDay(1)
			if p.Gregorian() && (n != 1 || first != p.Start) {
				t.Errorf("%s: the first day is %v, not %v", f.Name, first.Clock(), p.Start.Clock())
			}
			return p.Encode()
		})
		definition := func(b []byte) ([]byte, error) {
			z, err := oxocal.DecodeTimeZoneDefinition(b)
			if err != nil {
				return nil, err
			}
			return z.Encode()
		}
		again("zone of series", pid.LidAppointmentTimeZoneDefinitionRecur, definition)
		again("zone of begin", pid.LidAppointmentTimeZoneDefinitionStartDisplay, definition)
		again("zone", pid.LidTimeZoneStruct, func(b []byte) ([]byte, error) {
			z, err := oxocal.DecodeTimeZoneStruct(b)
			if err != nil {
				return nil, err
			}
			return z.Encode()
		})
		again("meeting", pid.LidGlobalObjectId, func(b []byte) ([]byte, error) {
			g, err := oxocal.DecodeGlobalObjectID(b)
			if err != nil {
				return nil, err
			}
			return g.Encode()
		})
	}
	t.Log(counts)
	if counts["series"] == 0 || counts["meeting"] == 0 {
		t.Errorf("the files hold %v", counts)
	}
}

func content(t *testing.T, v mapi.Value) []byte {
	if blob, ok := v.(mapi.Blob); ok {
		r, err := blob.Open()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	b, _ := v.([]byte)
	return b
}

package oxcrpc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
)

func TestUnpackRefuses(t *testing.T) {
	header := func(version, flags, size, actual uint16, body string) []byte {
		var b []byte
		for _, v := range []uint16{version, flags, size, actual} {
			b = binary.LittleEndian.AppendUint16(b, v)
		}
		return append(b, body...)
	}
	bomb := bytes.Repeat(header(0, 1, 11, 0xFFFF, "\xFF\xFF\xFF\x7Fa\x07\x00\x0F\xFF\xFB\xFF"), 300)
	for name, b := range map[string][]byte{
		"half a header":             {0, 0, 4, 0},
		"version":                   header(1, 4, 0, 0, ""),
		"payload cut":               header(0, 4, 3, 3, "ab"),
		"sizes that differ":         header(0, 4, 2, 3, "ab"),
		"no last buffer":            header(0, 0, 2, 2, "ab"),
		"bytes after the last":      header(0, 4, 2, 2, "abc"),
		"match before the output":   header(0, 5, 6, 5, "\x00\x00\x00\x80\x00\x00"),
		"more than SizeActual":      header(0, 5, 11, 5, "\xFF\xFF\xFF\x7Fa\x07\x00\x0F\xFF\xFB\xFF"),
		"less than SizeActual":      header(0, 5, 5, 2, "\x00\x00\x00\x00a"),
		"expansion without measure": bomb,
	} {
		if p, err := Unpack(b); !errors.Is(err, oxcdata.ErrFormat) || !errors.Is(err, mapi.ErrRPCFormat) {
			t.Errorf("%s: %d payloads, %v", name, len(p), err)
		}
	}
	if p, err := Unpack(nil); p != nil || err != nil {
		t.Errorf("an empty buffer gives %v, %v", p, err)
	}
}

func TestPackRefusesWhatNoHeaderCanSay(t *testing.T) {
	if _, err := Pack(nil, Compressed, make([]byte, 1<<16)); err == nil {
		t.Error("65536 bytes packed")
	}
	if b, err := Pack(nil, Compressed, make([]byte, 0xFFFF)); err != nil || len(b) > 100 {
		t.Errorf("65535 zeros packed to %d bytes, %v", len(b), err)
	}
}

func TestCompressLengths(t *testing.T) {
	// Every way to write a match length, at its borders; the longest is the 32-bit one.
	for _, n := range []int{0, 1, 2, 3, 4, 9, 10, 11, 24, 25, 26, 279, 280, 281, 300, 65535, 65538, 65539, 65540, 70000} {
		src := append([]byte("0123456789"), bytes.Repeat([]byte("x"), n)...)
		src = append(append(src, src[:10]...), bytes.Repeat([]byte("yz"), n/2)...)
		z := Compress(nil, src)
		got, err := Decompress(nil, z, len(src))
		if err != nil || !bytes.Equal(got, src) {
			t.Errorf("%d: %v", n, err)
		}
	}
}

func TestAuxKeepsWhatItDoesNotKnow(t *testing.T) {
	info := NewClientInfo("DESK", "jdoe", ClientModeClassic)
	in := []Block{
		&AuxRaw{Version: 1, Type: 0x49, Data: []byte("trace")},
		info,
		&AuxPerfProcessInfo{ProcessID: 1, ProcessNameOffset: processInfoSize, Blobs: []byte("a\x00\x00\x00")},
		&AuxPerfSessionInfo{Version: 2, SessionID: 1, ConnectionID: 7},
		&AuxPerfAccountInfo{ClientID: 1},
	}
	b, err := EncodeAux(nil, in)
	if err != nil {
		t.Fatal(err)
	}
	b = append(b, 6, 0, 1, auxClientControl, 1, 2) // too short for its type: kept raw
	out, err := DecodeAux(b)
	if err != nil || len(out) != 6 {
		t.Fatal(out, err)
	}
	if c := out[1].(*AuxPerfClientInfo); c.Text(c.MachineNameOffset) != "DESK" || c.Text(c.UserNameOffset) != "jdoe" || c.Text(c.AdapterNameOffset) != "" {
		t.Errorf("%+v", c)
	}
	if p := out[2].(*AuxPerfProcessInfo); p.Name() != "a" {
		t.Errorf("%+v", p)
	}
	if again, err := EncodeAux(nil, out); err != nil || !bytes.Equal(again, b) {
		t.Errorf("%x, %v", again, err)
	}
	for _, bad := range [][]byte{{4}, {3, 0, 1, 1}, {9, 0, 1, 1, 0, 0, 0, 0}} {
		if _, err := DecodeAux(bad); !errors.Is(err, oxcdata.ErrFormat) {
			t.Errorf("% x: %v", bad, err)
		}
	}
}

func FuzzDirect2(f *testing.F) {
	f.Add([]byte("\xff\xff\xff\x1fabc\x17\x00\x0f\xff\x26\x01"), 300)
	f.Fuzz(func(t *testing.T, b []byte, size int) {
		if got, err := Decompress(nil, b, size&0xFFFFF); err == nil && len(got) != size&0xFFFFF {
			t.Errorf("%d bytes, want %d", len(got), size&0xFFFFF)
		}
		if got, err := Decompress(nil, Compress(nil, b), len(b)); err != nil || !bytes.Equal(got, b) {
			t.Errorf("%x came back as %x, %v", b, got, err)
		}
	})
}

func FuzzUnpack(f *testing.F) {
	b, _ := Pack(nil, Compressed|XorMagic, bytes.Repeat([]byte("payload "), 200), []byte("x"))
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Unpack(b)
		if err != nil {
			return
		}
		for _, flags := range []Flags{0, XorMagic, Compressed} {
			packed, err := Pack(nil, flags, p...)
			if err != nil {
				t.Fatal(err)
			}
			again, err := Unpack(packed)
			if err != nil || len(again) != len(p) || !bytes.Equal(bytes.Join(again, nil), bytes.Join(p, nil)) {
				t.Errorf("%x, %v", again, err)
			}
		}
	})
}

func FuzzAux(f *testing.F) {
	b, _ := EncodeAux(nil, []Block{new(AuxClientControl), new(AuxOSVersionInfo), NewClientInfo("m", "u", 2), &AuxRaw{1, 9, []byte{1}}})
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		blocks, err := DecodeAux(b)
		if err != nil {
			return
		}
		for _, b := range blocks {
			switch b := b.(type) {
			case *AuxPerfClientInfo:
				b.Text(b.AdapterNameOffset)
			case *AuxPerfProcessInfo:
				b.Name()
			}
		}
		if again, err := EncodeAux(nil, blocks); err != nil || !bytes.Equal(again, b) {
			t.Errorf("%x came back as %x, %v", b, again, err)
		}
	})
}

// benchPayload is 32 KiB of table rows: repeated column patterns with text and ids that differ.
func benchPayload() []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var b []byte
	for len(b) < 32<<10 {
		b = binary.LittleEndian.AppendUint64(append(b, 0, 1), r.Uint64())
		b = append(append(b, mapi.EncodeUTF16("IPM.Note")...), 0, 0)
		b = append(append(b, mapi.EncodeUTF16("Minutes of meeting ")...), byte('0'+r.IntN(10)), 0, byte('0'+r.IntN(10)), 0, 0, 0)
		b = binary.LittleEndian.AppendUint64(b, r.Uint64()&0xFFFFFFFF|0x01d8_0000_0000_0000)
	}
	return b[:32<<10]
}

func BenchmarkCompress(b *testing.B) {
	src := benchPayload()
	dst := make([]byte, 0, 2*len(src))
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		dst = Compress(dst[:0], src)
	}
	b.ReportMetric(float64(len(src))/float64(len(dst)), "ratio")
}

func BenchmarkDecompress(b *testing.B) {
	src := benchPayload()
	z := Compress(nil, src)
	dst := make([]byte, 0, len(src))
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		if _, err := Decompress(dst, z, len(src)); err != nil {
			b.Fatal(err)
		}
	}
}

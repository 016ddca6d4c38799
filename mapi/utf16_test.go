package mapi

import (
	"bytes"
	"testing"
)

func TestUTF16KeepsEveryCodeUnit(t *testing.T) {
	for _, in := range [][]byte{
		{}, {'a', 0, 'b', 0}, {0xE4, 0}, {0x3D, 0xD8, 0x00, 0xDE}, {0x3D, 0xD8}, {0x00, 0xDE, 'x', 0}, {0x3D, 0xD8, 0x3D, 0xD8, 0x00, 0xDE},
		{0xFF, 0xD7}, {0, 0xE0}, {0, 0},
	} {
		if got := EncodeUTF16(DecodeUTF16(in)); !bytes.Equal(got, in) {
			t.Errorf("% x came back as % x", in, got)
		}
	}
}

func FuzzUTF16(f *testing.F) {
	f.Add([]byte{0x3D, 0xD8, 0x00, 0xDE})
	f.Fuzz(func(t *testing.T, b []byte) {
		b = b[:len(b)&^1]
		if got := EncodeUTF16(DecodeUTF16(b)); !bytes.Equal(got, b) {
			t.Errorf("% x came back as % x", b, got)
		}
	})
}

package oxcdata

import (
	"testing"

	"github.com/opencdo/opencdo/mapi"
)

// benchRow is a contents table row as a mail client reads it: ten columns, some 300 bytes.
func benchRow() ([]mapi.Tag, PropertyRow) {
	return []mapi.Tag{0x67480014, 0x674A0014, 0x001A001F, 0x0037001F, 0x0C1A001F, 0x0E060040, 0x0E080003, 0x0E070003, 0x65E00102, 0x0E1B000B},
		PropertyRow{Values: []mapi.Value{
			int64(0x0c00000000010001), int64(0x5100000000010001), "IPM.Note", "RE: Minutes of the meeting on the second floor",
			"Jürgen Müller-Lüdenscheidt", mapi.FileTime(133445566778899000), int32(48213), int32(1),
			[]byte("\x9b\xb9\xff\xb5\x0f\x44\x77\x4f\xb4\x88\xc5\xc6\x70\x2e\xe3\xa8\x00\x00\x00\x00\x51\x52"), true,
		}}
}

func BenchmarkRowDecode(b *testing.B) {
	cols, row := benchRow()
	raw, err := Encode(ROP, func(c *Coder) { c.PropertyRow(cols, &row) })
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		var r PropertyRow
		c := NewDecoder(raw)
		c.PropertyRow(cols, &r)
		if c.Err() != nil {
			b.Fatal(c.Err())
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkRowEncode(b *testing.B) {
	cols, row := benchRow()
	raw, err := Encode(ROP, func(c *Coder) { c.PropertyRow(cols, &row) })
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	buf := make([]byte, 0, len(raw))
	for b.Loop() {
		c := NewEncoder(buf)
		c.PropertyRow(cols, &row)
		if c.Err() != nil {
			b.Fatal(c.Err())
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

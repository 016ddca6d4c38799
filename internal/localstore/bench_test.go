package localstore

import (
	"context"
	"fmt"
	"testing"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// fill makes items as mail has them, without waiting for the disk.
func fill(b testing.TB, f *Folder, n int) {
	ctx := context.Background()
	if _, err := f.s.write.ExecContext(ctx, "PRAGMA synchronous = OFF"); err != nil {
		b.Fatal(err)
	}
	names := []string{"Anna", "Bert", "Carla", "Dirk"}
	for i := range n {
		props := mapi.Props{
			{Key: mapi.TagKey(pid.TagMessageClass), Value: "IPM.Note"},
			{Key: mapi.TagKey(pid.TagSubject), Value: fmt.Sprintf("Re: %d bottles", i*7919%n)},
			{Key: mapi.TagKey(pid.TagSenderName), Value: names[i%len(names)]},
			{Key: mapi.TagKey(pid.TagMessageDeliveryTime), Value: mapi.FileTime(130000000000000000 + int64(i*7919%n)*1e7)},
			{Key: mapi.TagKey(pid.TagMessageFlags), Value: int32(i % 2)},
			{Key: mapi.TagKey(pid.TagImportance), Value: int32(i % 3)},
			{Key: mapi.TagKey(pid.TagBody), Value: string(make([]byte, 2000))},
		}
		for j := range 30 {
			props = append(props, mapi.Prop{Key: mapi.NamedKey(mapi.PropName{Set: mapi.PSETIDCommon, LID: uint32(0x8500 + j)}, mapi.TypeString), Value: "some value of a named property"})
		}
		if _, err := mapi.WriteItem(ctx, f, mapi.Normal, &mapi.Item{Props: props}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCreate(b *testing.B) {
	f := inbox(b, newStore(b))
	fill(b, f, b.N)
}

// BenchmarkRows lists a folder of 50,000 items.
func BenchmarkRows(b *testing.B) {
	const items = 50000
	f := inbox(b, newStore(b))
	fill(b, f, items)
	columns := []mapi.Key{mapi.TagKey(pid.TagMid), mapi.TagKey(pid.TagSubject), mapi.TagKey(pid.TagSenderName), mapi.TagKey(pid.TagMessageDeliveryTime), mapi.TagKey(pid.TagMessageFlags), mapi.TagKey(pid.TagMessageSize)}
	named := mapi.NamedKey(mapi.PropName{Set: mapi.PSETIDCommon, LID: 0x8503}, mapi.TypeString)
	byDate := []mapi.Sort{{Key: mapi.TagKey(pid.TagMessageDeliveryTime), Descending: true}}
	for _, c := range []struct {
		name string
		q    mapi.Query
	}{
		{"all", mapi.Query{Columns: columns}},
		{"ids", mapi.Query{}},
		{"by-date", mapi.Query{Columns: columns, Sort: byDate}},
		{"by-date-first-50", mapi.Query{Columns: columns, Sort: byDate, Limit: 50}},
		{"by-date-last-50", mapi.Query{Columns: columns, Sort: byDate, Limit: 50, Offset: items - 50}},
		{"by-subject", mapi.Query{Columns: columns, Sort: []mapi.Sort{{Key: mapi.TagKey(pid.TagSubject)}}}},
		{"unread", mapi.Query{Columns: columns, Where: mapi.ResBitMask{Key: mapi.TagKey(pid.TagMessageFlags), Mask: 1}}},
		{"named-column", mapi.Query{Columns: append(columns, named)}},
		{"by-named", mapi.Query{Columns: columns, Sort: []mapi.Sort{{Key: named}}}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n := 0
				for _, err := range f.Rows(context.Background(), c.q) {
					if err != nil {
						b.Fatal(err)
					}
					n++
				}
				b.ReportMetric(float64(n), "rows")
			}
		})
	}
}

//go:build unix

package exchange

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// The mailbox of OPENCDO_GROMOX_SOURCE is read as a backup reads it, beside what the server can give at most. docs/performance.md
// holds the figures.

// discard is a sink that reads all and keeps nothing.
type discard struct{}

func (discard) Prop(mapi.Key, mapi.Value) error { return nil }
func (discard) Stream(_ mapi.Key, _ int64, r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}
func (discard) Recipient() error  { return nil }
func (discard) Attachment() error { return nil }
func (discard) Embedded() error   { return nil }
func (discard) End() error        { return nil }

// benchSessions are the numbers of sessions that are tried.
var benchSessions = []int{1, 2, 4, 8}

// benchBatch is how many items a worker takes at a time.
const benchBatch = 64

// sourceFolder is the Inbox of the mailbox to read, with the ids of its items.
func sourceFolder(b *testing.B, sessions int) (*Store, *folder, []mapi.EntryID) {
	b.Helper()
	user := os.Getenv("OPENCDO_GROMOX_SOURCE")
	if user == "" {
		b.Skip("SKIPPED: no mailbox to read; set OPENCDO_GROMOX_SOURCE to the address of one with many items")
	}
	st := OpenPeer(b, user, func(c *Config) { c.Sessions = sessions })
	inbox, err := st.Special(b.Context(), mapi.RoleInbox)
	if err != nil {
		b.Fatal(err)
	}
	f, err := st.Folder(b.Context(), inbox)
	if err != nil {
		b.Fatal(err)
	}
	var ids []mapi.EntryID
	for r, err := range f.Rows(b.Context(), mapi.Query{}) {
		if err != nil {
			b.Fatal(err)
		}
		ids = append(ids, r.ID)
	}
	if len(ids) < 100 {
		b.Skipf("SKIPPED: the Inbox of %s has only %d items", user, len(ids))
	}
	return st, f.(*folder), ids
}

// spread lets workers take the ids in batches.
func spread(b *testing.B, workers int, ids []mapi.EntryID, do func([]mapi.EntryID) error) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for {
				i := int(next.Add(benchBatch)) - benchBatch
				if i >= len(ids) {
					return
				}
				if err := do(ids[i:min(i+benchBatch, len(ids))]); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// drain reads the FastTransfer stream of items and throws it away: what the server can give.
func (f *folder) drain(ctx context.Context, ids []mapi.EntryID, bytes *atomic.Int64) error {
	return f.st.with(ctx, func(s *session) error {
		mids := make([]oxcdata.ID, len(ids))
		for i, id := range ids {
			_, l, err := parseMessage(id)
			if err != nil {
				return err
			}
			if mids[i], err = f.st.wireID(ctx, s, l); err != nil {
				return err
			}
		}
		var b batch
		in, err := f.open(ctx, s, &b)
		if err != nil {
			return err
		}
		out := b.out()
		b.add(&oxcrops.FastTransferSourceCopyMessagesRequest{In: in, Out: out, MessageIDs: mids, CopyFlags: copySendIDs, SendOptions: sendForUpload})
		d, err := startDownload(ctx, s, &b, out)
		if err != nil {
			return err
		}
		defer d.close()
		n, err := io.Copy(io.Discard, d)
		bytes.Add(n)
		return err
	})
}

// cpu is the processor time that this process has taken. Unlike the time on the wall it doesn't depend on the server.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// perItem reports what n items took.
func perItem(b *testing.B, n int, before time.Duration) {
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "items/s")
	b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(n), "client-µs/item")
}

func BenchmarkInteropDownload(b *testing.B) {
	for _, n := range benchSessions {
		b.Run(fmt.Sprintf("sessions=%d", n), func(b *testing.B) {
			_, f, ids := sourceFolder(b, n)
			var size atomic.Int64
			spread(b, n, ids, func(part []mapi.EntryID) error { return f.drain(b.Context(), part, &size) })
			b.SetBytes(size.Load())
			var items atomic.Int64
			before := cpu(b)
			for b.Loop() {
				spread(b, n, ids, func(part []mapi.EntryID) error {
					for _, read := range mapi.ReadAll(b.Context(), f, part) {
						if err := read(discard{}); err != nil {
							return err
						}
						items.Add(1)
					}
					return nil
				})
			}
			if items.Load() != int64(b.N*len(ids)) {
				b.Errorf("%d items were read, want %d", items.Load(), b.N*len(ids))
			}
			perItem(b, int(items.Load()), before)
		})
	}
}

func BenchmarkInteropDrain(b *testing.B) {
	for _, n := range benchSessions {
		b.Run(fmt.Sprintf("sessions=%d", n), func(b *testing.B) {
			_, f, ids := sourceFolder(b, n)
			var size atomic.Int64
			before := cpu(b)
			for b.Loop() {
				spread(b, n, ids, func(part []mapi.EntryID) error { return f.drain(b.Context(), part, &size) })
			}
			b.SetBytes(size.Load() / int64(b.N))
			perItem(b, b.N*len(ids), before)
		})
	}
}

// BenchmarkInteropRows lists the Inbox with the columns that a list of mail shows.
func BenchmarkInteropRows(b *testing.B) {
	_, f, ids := sourceFolder(b, 1)
	var columns []mapi.Key
	for _, t := range []mapi.Tag{pid.TagSubject, pid.TagMessageClass, pid.TagSenderName, pid.TagMessageDeliveryTime,
		pid.TagLastModificationTime, pid.TagMessageSize, pid.TagMessageFlags, pid.TagSearchKey, pid.TagSourceKey} {
		columns = append(columns, mapi.TagKey(t))
	}
	rows, before := 0, cpu(b)
	for b.Loop() {
		for r, err := range f.Rows(b.Context(), mapi.Query{Columns: columns}) {
			if err != nil {
				b.Fatal(err)
			}
			runtime.KeepAlive(r)
			rows++
		}
	}
	if rows != b.N*len(ids) {
		b.Errorf("%d rows, want %d", rows, b.N*len(ids))
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(rows), "client-µs/row")
}

package exchangeserver_test

import (
	"bytes"
	"crypto/sha256"
	"hash"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/internal/oxcmapihttp"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// largeSize is the attachment that goes through client and server, and heapLimit the memory that both together may take:
// less than the attachment. With OPENCDO_LARGE_TESTS it is larger than what people are allowed to send.
func largeSize() int64 {
	if os.Getenv("OPENCDO_LARGE_TESTS") != "" {
		return 300 << 20
	}
	return 40 << 20
}

const heapLimit = 20 << 20

// watchHeap samples the heap until the function it returns is called, which gives the most there was. Garbage, such as a
// password's hash leaves, is collected before, and more often than usual meanwhile.
func watchHeap() func() uint64 {
	percent := debug.SetGCPercent(20)
	runtime.GC()
	stop, most := make(chan struct{}), make(chan uint64)
	go func() {
		peak := uint64(0)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapInuse)
			select {
			case <-tick.C:
			case <-stop:
				most <- peak
				return
			}
		}
	}()
	return func() uint64 {
		close(stop)
		debug.SetGCPercent(percent)
		return <-most
	}
}

// noise is data that doesn't compress.
func noise(n int64) io.Reader { return io.LimitReader(rand.NewChaCha8([32]byte{1}), n) }

func sum(r io.Reader) []byte {
	h := sha256.New()
	io.Copy(h, r)
	return h.Sum(nil)
}

// hashSink keeps the hash of the attachment.
type hashSink struct {
	mapi.ItemBuilder
	h hash.Hash
	n int64
}

func (s *hashSink) Stream(k mapi.Key, size int64, r io.Reader) error {
	n, err := io.Copy(s.h, r)
	s.n += n
	return err
}

// TestLargeAttachment sends a large attachment up and down, without holding it in memory.
func TestLargeAttachment(t *testing.T) {
	size := largeSize()
	want := sum(noise(size))
	srv := exchangetest.New(t, exchangetest.Options{Users: []exchangetest.User{{Alias: "alice"}}})
	st := open(t, srv, "alice")
	defer st.Close()
	inbox, err := st.Special(t.Context(), mapi.RoleInbox)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := st.Folder(t.Context(), inbox)
	if err != nil {
		t.Fatal(err)
	}
	peak := watchHeap()
	w, err := dir.Create(t.Context(), mapi.Normal)
	if err != nil {
		t.Fatal(err)
	}
	steps := []error{w.Prop(mapi.TagKey(pid.TagSubject), "large"), w.Attachment(), w.Prop(mapi.TagKey(pid.TagAttachMethod), int32(1)),
		w.Stream(mapi.TagKey(pid.TagAttachDataBinary), size, noise(size)), w.End()}
	for _, err := range steps {
		if err != nil {
			t.Fatal(err)
		}
	}
	id, err := w.Commit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sink := &hashSink{h: sha256.New()}
	if err := dir.Read(t.Context(), id, sink); err != nil {
		t.Fatal(err)
	}
	if most := peak(); most > heapLimit {
		t.Errorf("%d MiB of heap for an attachment of %d MiB by FastTransfer", most>>20, size>>20)
	}
	if sink.n != size || !bytes.Equal(sink.h.Sum(nil), want) {
		t.Errorf("%d bytes came back of %d, or others", sink.n, size)
	}

	// The same by stream.
	m := &mailbox{rpc: connect(t, srv, "alice")}
	m.info, m.store = m.logon("")
	m.inbox = m.folder(m.store, m.info.FolderIDs[inboxFolder])
	peak = watchHeap()
	h := m.message()
	_, a := m.attach(h)
	s := m.stream(a, pid.TagAttachDataBinary, oxcrops.StreamCreate)
	buf := make([]byte, 30_000)
	for r := noise(size); ; {
		n, err := io.ReadFull(r, buf)
		if n > 0 {
			one[*oxcrops.WriteStreamResponse](m.rpc, s, &oxcrops.WriteStreamRequest{Data: buf[:n]})
		}
		if err != nil {
			break
		}
	}
	m.call([]uint32{s}, &oxcrops.ReleaseRequest{})
	m.saveAttachment(h, a)
	_, h = m.open(m.save(h), oxcrops.OpenReadOnly)
	s = m.stream(m.openAttachment(h, 0, oxcrops.OpenReadOnly), pid.TagAttachDataBinary, oxcrops.StreamReadOnly)
	m.flags, m.maxOut = oxcmapihttp.ExecuteChain, 0x40000
	back := sha256.New()
	for {
		resps, _ := m.call([]uint32{s}, &oxcrops.ReadStreamRequest{ByteCount: oxcrops.MaximumSize, MaximumByteCount: 1 << 20})
		n := 0
		for _, x := range resps {
			n += len(x.(*oxcrops.ReadStreamResponse).Data)
			back.Write(x.(*oxcrops.ReadStreamResponse).Data)
		}
		if n == 0 {
			break
		}
	}
	if most := peak(); most > heapLimit {
		t.Errorf("%d MiB of heap for an attachment of %d MiB by stream", most>>20, size>>20)
	}
	if !bytes.Equal(back.Sum(nil), want) {
		t.Error("what came back by stream is different")
	}
}

package samplebox

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"image/png"
	"io"
	"regexp"
	"strconv"
	"testing"
	"unicode/utf8"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// TestFilesOpen reads every file of the pool as the program for it would.
func TestFilesOpen(t *testing.T) {
	types := map[string]int{}
	for i, f := range newBox(Options{Seed: 3}).pool {
		data, err := f.content()
		if err != nil {
			t.Fatal(err)
		}
		types[f.mime]++
		if len(data) < f.size*9/10 || len(data) > f.size*12/10+2048 {
			t.Errorf("%s has %d bytes, not about %d", f.name, len(data), f.size)
		}
		if i > 0 && f.size < newBox(Options{Seed: 3}).pool[i-1].size {
			t.Errorf("%s is out of order", f.name)
		}
		switch f.mime {
		case "application/pdf":
			checkPDF(t, f.name, data)
		case "image/png":
			if _, err := png.Decode(bytes.NewReader(data)); err != nil {
				t.Errorf("%s: %v", f.name, err)
			}
		case "text/plain", "text/csv":
			if !utf8.Valid(data) {
				t.Errorf("%s isn't UTF-8", f.name)
			}
		default:
			z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
			if err != nil {
				t.Errorf("%s: %v", f.name, err)
				continue
			}
			for _, e := range z.File {
				r, err := e.Open()
				if err != nil {
					t.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, r); err != nil { // checks the sum
					t.Errorf("%s: %s: %v", f.name, e.Name, err)
				}
			}
		}
	}
	if len(types) < 6 {
		t.Errorf("types of files: %v", types)
	}
}

// checkPDF follows the file's table of objects.
func checkPDF(t *testing.T, name string, data []byte) {
	t.Helper()
	m := regexp.MustCompile(`startxref\n(\d+)\n%%EOF\n$`).FindSubmatch(data)
	if m == nil {
		t.Errorf("%s has no end", name)
		return
	}
	table, _ := strconv.Atoi(string(m[1]))
	if !bytes.HasPrefix(data[table:], []byte("xref\n0 7\n")) {
		t.Errorf("%s has no table at %d", name, table)
		return
	}
	for i, e := range regexp.MustCompile(`(\d{10}) 00000 n `).FindAllSubmatch(data[table:], -1) {
		at, _ := strconv.Atoi(string(e[1]))
		if !bytes.HasPrefix(data[at:], []byte(strconv.Itoa(i+1)+" 0 obj\n")) {
			t.Errorf("%s: object %d isn't at %d", name, i+1, at)
		}
	}
}

// weigh adds up values of attachments, and those of different content only.
func weigh(it *mapi.Item, total *int64, once map[[32]byte]int64, largest *int64) {
	for _, a := range it.Attachments {
		var data []byte
		switch v := a.Props.Tag(pid.TagAttachDataBinary).(type) {
		case []byte:
			data = v
		case mapi.MemBlob:
			data = v
		}
		n := int64(len(data))
		*total += n
		*largest = max(*largest, n)
		once[sha256.Sum256(data)] = n
		if a.Embedded != nil {
			weigh(a.Embedded, total, once, largest)
		}
	}
}

func TestSizes(t *testing.T) {
	for _, tt := range []struct {
		items         int
		seed          uint64
		atLeast, most int64
	}{
		{220, 0, 10e6, 20e6}, {220, 1, 10e6, 20e6}, {220, 2, 10e6, 20e6}, {5000, 0, 100e6, 250e6},
	} {
		if tt.items > 1000 && testing.Short() {
			continue
		}
		var total, largest, different int64
		once := map[[32]byte]int64{}
		for s, err := range Items(Options{Items: tt.items, Seed: tt.seed}) {
			if err != nil {
				t.Fatal(err)
			}
			weigh(s.Item, &total, once, &largest)
		}
		for _, n := range once {
			different += n
		}
		t.Logf("%d items: attachments of %d bytes, %d of them different, the largest %d", tt.items, total, different, largest)
		if total < tt.atLeast || total > tt.most {
			t.Errorf("%d items have attachments of %d bytes, not %d to %d", tt.items, total, tt.atLeast, tt.most)
		}
		if different*2 > total {
			t.Errorf("%d items: %d of %d bytes are different; deduplication would hardly show", tt.items, different, total)
		}
		if largest > 4<<20+4096 {
			t.Errorf("%d items: an attachment of %d bytes", tt.items, largest)
		}
	}
}

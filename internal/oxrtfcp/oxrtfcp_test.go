package oxrtfcp_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/opencdo/opencdo/internal/cfb"
	"github.com/opencdo/opencdo/internal/oxrtfcp"
)

// shared is a folder beside the repository, or the one that a variable names.
func shared(t testing.TB, variable, name string) string {
	t.Helper()
	if dir := os.Getenv(variable); dir != "" {
		return dir
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test's folder")
		}
		dir = filepath.Dir(dir)
	}
	dir = filepath.Join(dir, "..", "shared", name)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("SKIPPED: set %s to the folder of %s (%v)", variable, name, err)
	}
	return dir
}

func read(t testing.TB, path ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const limit = 10 << 20

func TestVectors(t *testing.T) {
	var vectors []struct {
		ID, Kind, Hex string
		Decoded       struct {
			RTF          string
			ExpandsTo    string `json:"expands_to"`
			SameBytes    bool   `json:"compressor_must_produce_same_bytes"`
			FirstExpands string `json:"first_run_expands_to"`
		}
	}
	if err := json.Unmarshal(read(t, shared(t, "OPENCDO_VECTORS", "vectors"), "oxrtfcp.json"), &vectors); err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors {
		t.Run(v.ID, func(t *testing.T) {
			b, err := hex.DecodeString(v.Hex)
			if err != nil {
				t.Fatal(err)
			}
			switch v.Kind {
			case "rtfcp-dictionary":
				// All of it, in pieces as long as a reference can fetch.
				var contents []byte
				var want []byte
				for at := 0; at < len(b)-17; at += 17 {
					if at%(17*8) == 0 {
						contents = append(contents, 0xFF)
					}
					contents = binary.BigEndian.AppendUint16(contents, uint16(at<<4|15))
					want = append(want, b[at:at+17]...)
				}
				got, _ := oxrtfcp.Decompress(value(contents, len(want)), limit)
				if !bytes.Equal(got, want) {
					t.Errorf("got %q, want %q", got, want)
				}
			case "rtfcp":
				got, err := oxrtfcp.Decompress(b, limit)
				if err != nil || string(got) != v.Decoded.RTF {
					t.Errorf("got %q, %v, want %q", got, err, v.Decoded.RTF)
				}
				if again := oxrtfcp.Compress([]byte(v.Decoded.RTF)); v.Decoded.SameBytes && !bytes.Equal(again, b) {
					t.Errorf("compressed to %x, want %x", again, b)
				}
				if again := oxrtfcp.Store([]byte(v.Decoded.RTF)); b[8] == 'M' && !bytes.Equal(again, b) {
					t.Errorf("stored as %x, want %x", again, b)
				}
			case "rtfcp-tokens":
				got, err := oxrtfcp.Decompress(value(b, 1000), limit)
				if fe := (*oxrtfcp.FormatError)(nil); !errors.As(err, &fe) {
					t.Errorf("there is no end, but the error is %v", err)
				}
				if !strings.HasPrefix(string(got), v.Decoded.ExpandsTo) {
					t.Errorf("got %q, want %q first", got, v.Decoded.ExpandsTo)
				}
			default:
				t.Fatalf("unknown kind %q", v.Kind)
			}
		})
	}
}

// TestSpecificationExamples has the example whose match runs into what it stands for ([MS-OXRTFCP] 3.1.2, 3.2.2).
func TestSpecificationExamples(t *testing.T) {
	const rtf = `{\rtf1 WXYZWXYZWXYZWXYZWXYZ}`
	want, _ := hex.DecodeString("1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0")
	if got := oxrtfcp.Compress([]byte(rtf)); !bytes.Equal(got, want) {
		t.Errorf("compressed to %x, want %x", got, want)
	}
	if got, err := oxrtfcp.Decompress(want, limit); err != nil || string(got) != rtf {
		t.Errorf("decompressed to %q, %v", got, err)
	}
}

// value puts a header with a right checksum before compressed contents.
func value(contents []byte, rawSize int) []byte {
	var crc uint32
	for _, b := range contents {
		crc ^= uint32(b)
		for range 8 {
			crc = crc>>1 ^ 0xEDB88320&-(crc&1)
		}
	}
	le := binary.LittleEndian
	v := le.AppendUint32(nil, uint32(len(contents)+12))
	v = le.AppendUint32(v, uint32(rawSize))
	v = append(v, "LZFu"...)
	return append(le.AppendUint32(v, crc), contents...)
}

// TestMessages decompresses the bodies of real messages and compares them with what other software made of them.
func TestMessages(t *testing.T) {
	dir := filepath.Join(shared(t, "OPENCDO_DATA", "data"), "msg")
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.truth.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no messages in %s: %v", dir, err)
	}
	total := 0
	for _, path := range files {
		file := strings.TrimSuffix(path, ".truth.json")
		t.Run(filepath.Base(file), func(t *testing.T) {
			var truth any
			if err := json.Unmarshal(read(t, path), &truth); err != nil {
				t.Fatal(err)
			}
			want := make(map[string]string)
			bodies(truth, want)
			content := read(t, file)
			f, err := cfb.Open(bytes.NewReader(content), int64(len(content)))
			if err != nil {
				t.Fatal(err)
			}
			streams(f.Root, func(s *cfb.Stream) {
				if s.Name != "__substg1.0_10090102" {
					return
				}
				v, err := s.Bytes()
				if err != nil {
					t.Fatal(err)
				}
				rtf, ok := want[digest(v)]
				if !ok {
					return // a list of named properties by the same name, or unknown to that software
				}
				delete(want, digest(v))
				total++
				got, err := oxrtfcp.Decompress(v, limit)
				if err != nil || digest(got) != rtf {
					t.Errorf("%s: got %d bytes that differ, %v", s.Path(), len(got), err)
				}
				same(t, got)
			})
			if len(want) > 0 {
				t.Errorf("%d bodies weren't found", len(want))
			}
		})
	}
	t.Logf("%d bodies", total)
}

func digest(b []byte) string { return fmt.Sprintf("%d %x", len(b), sha256.Sum256(b)) }

// bodies collects the digests of compressed bodies and of what is in them.
func bodies(v any, all map[string]string) {
	switch v := v.(type) {
	case map[string]any:
		in, ok1 := v["compressedRtf"].(map[string]any)
		out, ok2 := v["rtf"].(map[string]any)
		if ok1 && ok2 {
			all[fmt.Sprintf("%.0f %s", in["bytes"], in["sha256"])] = fmt.Sprintf("%.0f %s", out["bytes"], out["sha256"])
		}
		for _, sub := range v {
			bodies(sub, all)
		}
	case []any:
		for _, sub := range v {
			bodies(sub, all)
		}
	}
}

func streams(s *cfb.Storage, do func(*cfb.Stream)) {
	entries, _ := s.Entries() // what damaged samples have lost isn't looked for
	for _, e := range entries {
		if e.Stream != nil {
			do(e.Stream)
		} else {
			streams(e.Storage, do)
		}
	}
}

// same compresses and stores RTF and takes it back.
func same(t testing.TB, rtf []byte) {
	t.Helper()
	for name, v := range map[string][]byte{"compressed": oxrtfcp.Compress(rtf), "stored": oxrtfcp.Store(rtf)} {
		if got, err := oxrtfcp.Decompress(v, len(rtf)); err != nil || !bytes.Equal(got, rtf) {
			t.Errorf("%s, %d bytes come back as %d: %v", name, len(rtf), len(got), err)
		}
	}
}

func TestPublishedStreams(t *testing.T) {
	dir := filepath.Join(shared(t, "OPENCDO_DATA", "data"), "rtf", "msgreader-net")
	rtf := read(t, dir, "LZFu.rtf")
	for name, want := range map[string][]byte{
		"MELA.bin": rtf,
		// The RTF was decompressed by software whose dictionary had line feed and carriage return swapped.
		"LZFu.bin": bytes.ReplaceAll(rtf, []byte("\n\r"), []byte("\r\n")),
	} {
		got, err := oxrtfcp.Decompress(read(t, dir, name), limit)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, want)
		}
	}
}

func TestRTFComesBack(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(shared(t, "OPENCDO_DATA", "data"), "rtf", "*", "*.rtf"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no RTF files: %v", err)
	}
	for _, file := range files {
		rtf := read(t, file)
		same(t, rtf)
		if v := oxrtfcp.Compress(rtf); len(rtf) > 1000 && len(v) > len(rtf)*3/4 {
			t.Errorf("%s: %d bytes only became %d", filepath.Base(file), len(rtf), len(v))
		}
	}
}

func TestAnyContentComesBack(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{0, 1, 2, 16, 17, 18, 3888, 3889, 3890, 4095, 4096, 4097, 8192, 20_000} {
		for _, letters := range []int{1, 2, 3, 256} {
			rtf := make([]byte, size)
			for i := range rtf {
				rtf[i] = byte('a' + random.IntN(letters))
			}
			same(t, rtf)
		}
	}
	same(t, bytes.Repeat([]byte("a"), 5<<20)) // which takes long if every match is tried
}

func TestReaderInPieces(t *testing.T) {
	rtf := bytes.Repeat([]byte(`{\rtf1 some text, \b bold\b0 , and more}`+"\r\n"), 300)
	for _, v := range [][]byte{oxrtfcp.Compress(rtf), oxrtfcp.Store(rtf)} {
		r, err := oxrtfcp.NewReader(iotest.OneByteReader(bytes.NewReader(append(v, "what follows"...))))
		if err != nil {
			t.Fatal(err)
		}
		if r.Size() != int64(len(rtf)) {
			t.Errorf("size is %d, want %d", r.Size(), len(rtf))
		}
		if err := iotest.TestReader(r, rtf); err != nil {
			t.Error(err)
		}
	}
}

func TestDamageIsReported(t *testing.T) {
	const rtf = `{\rtf1\ansi\ansicpg1252\pard hello hello hello world}`
	for _, good := range [][]byte{oxrtfcp.Compress([]byte(rtf)), oxrtfcp.Store([]byte(rtf))} {
		for n := range good {
			got, err := oxrtfcp.Decompress(good[:n], limit)
			if fe := (*oxrtfcp.FormatError)(nil); !errors.As(err, &fe) || fe.Offset > int64(n) || !strings.HasPrefix(rtf, string(got)) {
				t.Errorf("cut to %d bytes: got %q, %v", n, got, err)
			}
		}
	}
	good := oxrtfcp.Compress([]byte(rtf))
	for at := range good {
		bad := bytes.Clone(good)
		bad[at] ^= 0x10
		if got, err := oxrtfcp.Decompress(bad, limit); err == nil && at >= 8 {
			t.Errorf("byte %d is wrong, and nobody notices: %q", at, got)
		}
	}
	bad := bytes.Clone(good)
	bad[12]++
	if got, err := oxrtfcp.Decompress(bad, limit); !errors.Is(err, oxrtfcp.ErrChecksum) || string(got) != rtf {
		t.Errorf("wrong checksum only: got %q, %v", got, err)
	}
	broken := errors.New("broken")
	r, err := oxrtfcp.NewReader(io.MultiReader(bytes.NewReader(good[:30]), iotest.ErrReader(broken)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(r); err != broken {
		t.Errorf("got %v, want the source's error", err)
	}
}

func TestLimit(t *testing.T) {
	v := oxrtfcp.Compress(make([]byte, 1000))
	if _, err := oxrtfcp.Decompress(v, 999); !errors.Is(err, oxrtfcp.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
	if got, err := oxrtfcp.Decompress(v, 1000); err != nil || len(got) != 1000 {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	// A header that promises four gigabytes costs nothing.
	copy(v[4:], "\xFF\xFF\xFF\xFF")
	got, err := oxrtfcp.Decompress(v, 1<<32)
	if fe := (*oxrtfcp.FormatError)(nil); !errors.As(err, &fe) || cap(got) > 10_000 {
		t.Errorf("got a buffer of %d bytes, %v", cap(got), err)
	}
}

func TestPaddingIsIgnored(t *testing.T) {
	v := oxrtfcp.Compress([]byte(`{\rtf1 x}`))
	for _, padding := range []string{"\x00", "\xFF\xFF\xFF", "more"} {
		padded := value(append(bytes.Clone(v[16:]), padding...), 9)
		if got, err := oxrtfcp.Decompress(padded, limit); err != nil || string(got) != `{\rtf1 x}` {
			t.Errorf("padding %q: got %q, %v", padding, got, err)
		}
	}
}

func FuzzDecompress(f *testing.F) {
	f.Add(oxrtfcp.Compress([]byte(`{\rtf1\ansi\ansicpg1252\pard hello hello hello world}`)))
	f.Add(oxrtfcp.Store([]byte(`{\rtf1}`)))
	f.Fuzz(func(t *testing.T, v []byte) {
		got, _ := oxrtfcp.Decompress(v, 1<<20)
		if len(got) > len(v)*8 {
			t.Errorf("%d bytes became %d", len(v), len(got))
		}
	})
}

func FuzzCompress(f *testing.F) {
	f.Add([]byte(`{\rtf1\ansi\ansicpg1252\pard hello hello hello world}`))
	f.Add(bytes.Repeat([]byte("abcab"), 2000))
	f.Fuzz(func(t *testing.T, rtf []byte) { same(t, rtf) })
}

package oxcrpc

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/vectors"
)

func unhex(t testing.TB, s string) []byte { return vectors.Hex(t, s) }

func TestVectorsLZ77(t *testing.T) {
	for _, v := range vectors.Load(t, "oxcrpc-lz77.json") {
		if v.Kind != "lz77" {
			continue
		}
		t.Run(v.ID, func(t *testing.T) {
			var d struct {
				Hex    string `json:"uncompressed_hex"`
				ASCII  string `json:"uncompressed_ascii"`
				Repeat struct {
					Unit  string
					Times int
				} `json:"uncompressed_ascii_repeat"`
				Size int `json:"uncompressed_size"`
			}
			if err := json.Unmarshal(v.Decoded, &d); err != nil {
				t.Fatal(err)
			}
			want := append(unhex(t, d.Hex), d.ASCII+strings.Repeat(d.Repeat.Unit, d.Repeat.Times)...)
			got, err := Decompress([]byte("before"), v.Bytes(t), d.Size)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, append([]byte("before"), want...)) {
				t.Errorf("got %x", got)
			}
			again, err := Decompress(nil, Compress(nil, want), len(want))
			if err != nil || !bytes.Equal(again, want) {
				t.Errorf("our own stream gives %x, %v", again, err)
			}
		})
	}
}

func TestVectorsExtendedBuffers(t *testing.T) {
	for _, v := range vectors.Load(t, "oxcrpc-lz77.json") {
		if !strings.HasPrefix(v.Kind, "rpc-header-ext") {
			continue
		}
		t.Run(v.ID, func(t *testing.T) {
			var d struct {
				Flags   Flags
				Payload string `json:"payload_uncompressed_hex"`
				Plain   string `json:"payload_plain_hex"`
				Buffers []struct {
					Flags   Flags
					Payload string `json:"payload_hex"`
				}
				Blocks []map[string]any
			}
			if err := json.Unmarshal(v.Decoded, &d); err != nil {
				t.Fatal(err)
			}
			got, err := Unpack(v.Bytes(t))
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			flags := d.Flags
			switch {
			case d.Buffers != nil:
				for _, b := range d.Buffers {
					want = append(want, b.Payload)
					flags |= b.Flags
				}
			case d.Payload+d.Plain != "":
				want = []string{d.Payload + d.Plain}
			default:
				want = []string{hex.EncodeToString(v.Bytes(t)[headerSize:])}
			}
			if len(got) != len(want) {
				t.Fatalf("%d payloads, want %d", len(got), len(want))
			}
			for i := range want {
				if hex.EncodeToString(got[i]) != want[i] {
					t.Errorf("payload %d is %x", i, got[i])
				}
			}
			packed, err := Pack(nil, flags, got...)
			if err != nil {
				t.Fatal(err)
			}
			again, err := Unpack(packed)
			if err != nil || len(again) != len(got) || !bytes.Equal(bytes.Join(again, nil), bytes.Join(got, nil)) {
				t.Errorf("packed and unpacked: %x, %v", again, err)
			}
			if flags&Compressed == 0 && !bytes.Equal(packed, v.Bytes(t)) {
				t.Errorf("packed to %x", packed)
			}
			if d.Blocks != nil {
				checkBlocks(t, got[0], d.Blocks)
			}
		})
	}
}

// checkBlocks compares the fields of aux blocks with those that a vector names.
func checkBlocks(t *testing.T, payload []byte, want []map[string]any) {
	blocks, err := DecodeAux(payload)
	if err != nil {
		t.Fatal(err)
	}
	if len(blocks) != len(want) {
		t.Fatalf("%d blocks, want %d", len(blocks), len(want))
	}
	for i, b := range blocks {
		version, typ := b.kind()
		if float64(version) != want[i]["Version"] || float64(typ) != want[i]["Type"] {
			t.Errorf("block %d is %d/%d", i, version, typ)
		}
		if _, raw := b.(*AuxRaw); raw {
			t.Errorf("block %d of type %d isn't known", i, typ)
		}
		j, _ := json.Marshal(b)
		var fields map[string]any
		json.Unmarshal(j, &fields)
		for name, value := range want[i] {
			switch name {
			case "Size", "Version", "Type", "name":
				continue
			}
			if fields[name] != value {
				t.Errorf("block %d: %s is %v, want %v", i, name, fields[name], value)
			}
		}
	}
	again, err := EncodeAux(nil, blocks)
	if err != nil || !bytes.Equal(again, payload) {
		t.Errorf("encoded to %x, %v", again, err)
	}
}

// TestVectorsRecorded unpacks the extended buffers of every recorded Execute and compares them with what the recording
// says is in them, then packs the payloads again.
func TestVectorsRecorded(t *testing.T) {
	type buffer struct {
		At         int
		Flags      Flags
		Size       int
		SizeActual int `json:"size_actual"`
		Payload    string
	}
	buffers, compressed, unusedWord, payloadOnly := 0, 0, 0, 0
	vectors.Recorded(t, "execute.jsonl.gz", func(line []byte) {
		var r struct {
			ID                string
			Request, Response struct{ Body string }
			Execute           struct{ Request, Response []buffer }
		}
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		t.Run(r.ID, func(t *testing.T) {
			for _, side := range []struct {
				body string
				list []buffer
			}{{r.Request.Body, r.Execute.Request}, {r.Response.Body, r.Execute.Response}} {
				if len(side.list) == 0 {
					continue
				}
				if side.body == "" {
					payloadOnly++ // see the README beside the recording
					continue
				}
				body := unhex(t, side.body)
				last := side.list[len(side.list)-1]
				got, err := Unpack(body[side.list[0].At : last.At+headerSize+last.Size])
				if err != nil {
					t.Fatal(err)
				}
				if len(got) != len(side.list) {
					t.Fatalf("%d payloads, want %d", len(got), len(side.list))
				}
				for i, b := range side.list {
					want := body[b.At+headerSize : b.At+headerSize+b.Size]
					if b.Flags&Compressed != 0 {
						compressed++
						if b.Flags&XorMagic != 0 {
							want = obfuscate(nil, want)
						}
						if _, err := Decompress(nil, want[:len(want)-4], b.SizeActual); err == nil {
							unusedWord++
						}
					}
					if b.Payload != "" {
						want = unhex(t, b.Payload)
					}
					if !bytes.Equal(got[i], want) || len(want) != b.SizeActual {
						t.Errorf("payload %d differs: %x", i, got[i])
					}
					buffers++
				}
				for _, f := range []Flags{0, XorMagic, Compressed, Compressed | XorMagic} {
					packed, err := Pack([]byte{1}, f, got...)
					if err != nil {
						t.Fatal(err)
					}
					again, err := Unpack(packed[1:])
					if err != nil || !bytes.Equal(bytes.Join(again, nil), bytes.Join(got, nil)) {
						t.Errorf("packed with flags %d: %v", f, err)
					}
				}
			}
		})
	})
	t.Logf("%d extended buffers, %d of them compressed, %d ending in an unused word of flags; %d recorded without their bytes",
		buffers, compressed, unusedWord, payloadOnly)
	if buffers == 0 || compressed == 0 {
		t.Error("nothing was tested")
	}
}

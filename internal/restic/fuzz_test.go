package restic

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"
)

// marshal is json.Marshal of something that can be.
func marshal(t testing.TB, v any) []byte {
	t.Helper()
	document, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return document
}

func FuzzPackHeader(f *testing.F) {
	seed, err := appendHeader(nil, []packBlob{
		{BlobHandle{DataBlob, Hash([]byte("a"))}, 0, 40, 0},
		{BlobHandle{TreeBlob, Hash([]byte("b"))}, 40, 100, 200},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte{4})
	f.Add(bytes.Repeat([]byte{0xff}, 41))
	f.Fuzz(func(t *testing.T, header []byte) {
		blobs, err := parseHeader(header)
		if err != nil {
			return
		}
		for _, b := range blobs {
			if b.size == 0 && b.plainSize() < 0 {
				t.Errorf("%v has a negative size", b)
			}
		}
		// A compressed entry with a size of 0 is written as what it means, an uncompressed one.
		again, err := appendHeader(nil, blobs)
		if err != nil {
			t.Fatal(err)
		}
		if reparsed, err := parseHeader(again); err != nil || len(reparsed) != len(blobs) || !reflect.DeepEqual(reparsed, blobs) {
			t.Errorf("%v became %v (%v)", blobs, reparsed, err)
		}
	})
}

func FuzzPackTail(f *testing.F) {
	k, err := keyFromBytes(make([]byte, derivedLen))
	if err != nil {
		f.Fatal(err)
	}
	var p pack
	p.add(BlobHandle{DataBlob, Hash([]byte("a"))}, k.seal(nil, []byte("a")), 0)
	if _, err := p.finish(k); err != nil {
		f.Fatal(err)
	}
	f.Add(p.mem)
	f.Add([]byte{0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, tail []byte) {
		if blobs, err := k.openHeader(tail); err == nil && packSize(blobs) > maxBlobSize {
			t.Errorf("a pack of %d bytes from %d", packSize(blobs), len(tail))
		}
	})
}

func FuzzIndex(f *testing.F) {
	f.Add(marshal(f, indexJSON{Packs: []indexPack{newIndexPack(Hash(nil), []packBlob{{BlobHandle{TreeBlob, Hash([]byte("b"))}, 40, 100, 200}})}}))
	f.Add([]byte(`{"supersedes":["00"],"packs":[{"id":"","blobs":[{"type":"none"}]}]}`))
	f.Add([]byte(`{"packs":[{"blobs":[{"id":null,"type":"data","offset":4294967295,"length":4294967295}]}]}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		x, err := parseIndex(document)
		if err != nil {
			return
		}
		again, err := parseIndex(marshal(t, x))
		if err != nil || len(again.Packs) != len(x.Packs) {
			t.Fatalf("%s doesn't come back: %v", document, err)
		}
		var index blobIndex
		if err := errors.Join(index.fill(x.Packs), index.settle()); err != nil {
			t.Fatal(err)
		}
		for _, p := range x.Packs {
			for _, b := range p.Blobs {
				if found, err := index.lookup(BlobHandle{b.Type, b.ID}); err != nil || len(found) == 0 {
					t.Errorf("%v isn't in the index made of %s: %v", b, document, err)
				}
			}
		}
	})
}

func FuzzTree(f *testing.F) {
	subtree := Hash(nil)
	seed, err := (&Tree{Nodes: []*Node{
		{Name: "a", Type: FileNode, Content: []ID{Hash(nil)}},
		{Name: "b\xff", Type: DirNode, Subtree: &subtree, ModTime: time.Date(2020, 1, 2, 3, 4, 5, 6, time.FixedZone("", -5400))},
	}}).encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte(`{"nodes":[null]}`))
	f.Add([]byte(`{"nodes":[{"name":"\\","mtime":"-0001-01-01T00:00:00Z"}]}`))
	f.Add([]byte(`{"nodes":[{"name":"x","type":"symlink","linktarget_raw":"/w==","generic_attributes":{"a":{"b":[1,2]}}}]}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		tree, err := parseTree(document)
		if err != nil {
			return
		}
		once, err := tree.encode()
		if err != nil {
			return // not sorted, or an impossible node
		}
		again, err := parseTree(once)
		if err != nil {
			t.Fatalf("%s doesn't come back: %v", once, err)
		}
		twice, err := again.encode()
		if err != nil || !bytes.Equal(once, twice) {
			t.Errorf("%s\nbecame %s (%v)", once, twice, err)
		}
		for _, n := range tree.Nodes {
			if again.Find(n.Name) == nil {
				t.Errorf("%q isn't found", n.Name)
			}
		}
	})
}

func FuzzLock(f *testing.F) {
	f.Add(marshal(f, newLock(true)))
	f.Add([]byte(`{"pid":-1,"hostname":"","uid":4294967295}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, document []byte) {
		l, err := parseLock(document)
		if err != nil {
			return
		}
		l.stale(time.Unix(0, 0))
		if (l.conflicts(false) != nil) != l.Exclusive || l.conflicts(true) == nil {
			t.Errorf("%s conflicts wrongly", document)
		}
		if again, err := parseLock(marshal(t, l)); err != nil || again.PID != l.PID || !again.Time.Equal(l.Time) {
			t.Errorf("%+v became %+v (%v)", l, again, err)
		}
	})
}

func FuzzKeyFile(f *testing.F) {
	f.Add(marshal(f, keyFileJSON{KDF: kdfName, N: 2, R: 1, P: 1, Salt: make([]byte, saltSize), Data: make([]byte, 100)}), "password")
	f.Add([]byte(`{"kdf":"scrypt","N":4611686018427387904,"r":4611686018427387904,"p":4611686018427387904}`), "")
	f.Add([]byte(`{"kdf":"scrypt","N":1048576,"r":1073741824,"p":1}`), "")
	f.Fuzz(func(t *testing.T, document []byte, password string) {
		k, err := parseKeyFile(document)
		if err != nil {
			return
		}
		if k.N*k.R*128 > kdfMaxMemory || k.N*k.R*k.P > kdfMaxWork {
			t.Fatalf("N=%d r=%d p=%d is too much", k.N, k.R, k.P)
		}
		if k.N*k.R*k.P > 1<<12 {
			return // possible, but too slow to try here
		}
		if _, err := k.open(password); err == nil {
			t.Errorf("%s opens", document)
		}
	})
}

func FuzzUnpacked(f *testing.F) {
	c, err := newCodec(1)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(c.compress([]byte{encodingZstd}, []byte(`{"a":1}`)))
	f.Add([]byte(`{}`))
	f.Add([]byte{3})
	f.Fuzz(func(t *testing.T, plain []byte) {
		if document, err := c.decodeUnpacked(plain); err == nil && len(document) > maxFileSize {
			t.Errorf("%d bytes from %d", len(document), len(plain))
		}
		if len(plain) > 0 {
			if blob, err := c.decompressBlob(nil, plain[1:], int(plain[0])<<4); err == nil && len(blob) != int(plain[0])<<4 {
				t.Errorf("a blob of %d bytes", len(blob))
			}
		}
	})
}

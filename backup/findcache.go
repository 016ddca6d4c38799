package backup

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/opencdo/opencdo/internal/restic"
	"github.com/opencdo/opencdo/internal/snapshot"
	"github.com/opencdo/opencdo/mapi"
)

// findCache keeps what was read of a mailbox's catalogs: by the ids of directories, whose content never changes, so that an
// entry is good for as long as a snapshot has the directory. It is a file sealed with the repository's key. One that is lost,
// damaged or of another version is made again.
type findCache struct {
	repo *restic.Repository
	file string // empty: nothing is kept
	old  map[findKey]string
	used map[findKey]string
	more bool // there is something new in used
}

// findKey names an entry.
type findKey struct {
	kind findKind
	id   restic.ID
}

type findKind uint8

const (
	findTops findKind = iota + 1
	findOutlines
	findLists
)

// findTop is the mailbox of a snapshot, by the tree of the snapshot.
type findTop struct {
	Root  string
	Tree  restic.ID
	Level Level
}

// findMagic begins the content of a cache and says its version.
const findMagic = "OCDOFND1"

// sealedChunk is how many bytes are sealed at once.
const sealedChunk = 4 << 20

// openFindCache reads the cache of a mailbox. File names tell nobody what it is of.
func openFindCache(repo *restic.Repository, dir, mailbox string) *findCache {
	c := &findCache{repo: repo, old: map[findKey]string{}, used: map[findKey]string{}}
	if dir == "" {
		return c
	}
	id := repo.ID()
	name := func(what string) string {
		sum := sha256.Sum256(append(id[:], what...))
		return hex.EncodeToString(sum[:16])
	}
	c.file = filepath.Join(dir, name("repository"), name("mailbox "+mailbox))
	if data, err := os.ReadFile(c.file); err == nil {
		c.read(data)
	}
	return c
}

// read takes the entries of a file up to the first that isn't sound.
func (c *findCache) read(data []byte) {
	var plain []byte
	for len(data) >= 4 {
		n := int(binary.LittleEndian.Uint32(data))
		if data = data[4:]; n > len(data) {
			return
		}
		part, err := c.repo.Unseal(data[:n])
		if err != nil {
			return
		}
		plain, data = append(plain, part...), data[n:]
	}
	rest, ok := bytes.CutPrefix(plain, []byte(findMagic))
	if !ok {
		return
	}
	const head = 1 + len(restic.ID{}) + 4
	for text := string(rest); len(text) >= head; {
		k := findKey{kind: findKind(text[0])}
		copy(k.id[:], text[1:])
		n := int(binary.LittleEndian.Uint32([]byte(text[head-4 : head])))
		if n > len(text)-head {
			return
		}
		c.old[k] = text[head : head+n]
		text = text[head+n:]
	}
}

// save writes the cache if there is something new. all tells that what wasn't used is of no snapshot any more.
func (c *findCache) save(all bool) error {
	if c.file == "" || !c.more {
		return nil
	}
	if !all {
		for k, v := range c.old {
			if _, ok := c.used[k]; !ok {
				c.used[k] = v
			}
		}
	}
	var file []byte
	plain := []byte(findMagic)
	seal := func() {
		sealed := c.repo.Seal(plain)
		file = binary.LittleEndian.AppendUint32(file, uint32(len(sealed)))
		file, plain = append(file, sealed...), plain[:0]
	}
	for k, v := range c.used {
		plain = append(plain, byte(k.kind))
		plain = append(plain, k.id[:]...)
		plain = binary.LittleEndian.AppendUint32(plain, uint32(len(v)))
		if plain = append(plain, v...); len(plain) >= sealedChunk {
			seal()
		}
	}
	seal()
	if err := os.MkdirAll(filepath.Dir(c.file), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(c.file), "new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(file)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), c.file)
	}
	if err != nil {
		if gone := os.Remove(f.Name()); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	return err
}

// cached gives an entry: from the cache, or by make.
func cached[T any](c *findCache, kind findKind, id restic.ID, code func(*packer, *T), make func() (*T, error)) (*T, error) {
	k := findKey{kind, id}
	raw, ok := c.used[k]
	if !ok {
		raw, ok = c.old[k]
	}
	if ok {
		v := new(T)
		p := &packer{text: raw}
		if code(p, v); !p.bad && p.text == "" {
			c.used[k] = raw
			return v, nil
		}
	}
	v, err := make()
	if err != nil {
		return nil, err
	}
	p := &packer{packing: true}
	code(p, v)
	c.used[k], c.more = string(p.out), true
	return v, nil
}

func (c *findCache) top(id restic.ID, make func() (*findTop, error)) (*findTop, error) {
	return cached(c, findTops, id, func(p *packer, t *findTop) {
		p.string(&t.Root)
		p.id(&t.Tree)
		p.string((*string)(&t.Level))
	}, make)
}

func (c *findCache) outline(id restic.ID, make func() (*snapshot.Outline, error)) (*snapshot.Outline, error) {
	return cached(c, findOutlines, id, packOutline, make)
}

func (c *findCache) list(id restic.ID, deep bool, make func() (*foundList, error)) (*foundList, error) {
	k := findKey{findLists, id}
	l, err := cached(c, findLists, id, packList, make)
	if err == nil && deep && !l.listed { // it was kept when nobody wanted to open the items
		delete(c.old, k)
		delete(c.used, k)
		l, err = cached(c, findLists, id, packList, make)
	}
	return l, err
}

// foundList is what is known of a directory of items.
type foundList struct {
	items  []snapshot.ListedItem
	listed bool
}

// packer walks a value to write it into bytes or to read it from a string, which the strings read are parts of.
type packer struct {
	packing bool
	out     []byte
	text    string
	bad     bool
}

func (p *packer) uint(v *uint64) {
	if p.packing {
		p.out = binary.AppendUvarint(p.out, *v)
		return
	}
	var x uint64
	for shift := 0; ; shift += 7 {
		if len(p.text) == 0 || shift > 63 {
			p.bad, p.text = true, ""
			return
		}
		b := p.text[0]
		p.text = p.text[1:]
		x |= uint64(b&0x7F) << shift
		if b < 0x80 {
			*v = x
			return
		}
	}
}

func (p *packer) string(s *string) {
	n := uint64(len(*s))
	p.uint(&n)
	if p.packing {
		p.out = append(p.out, *s...)
		return
	}
	if n > uint64(len(p.text)) {
		p.bad, p.text = true, ""
		return
	}
	*s, p.text = p.text[:n], p.text[n:]
}

func (p *packer) id(id *restic.ID) {
	s := string(id[:])
	if p.string(&s); len(s) == len(id) {
		copy(id[:], s)
	}
}

func (p *packer) bool(b *bool) {
	var n uint64
	if *b {
		n = 1
	}
	p.uint(&n)
	*b = n != 0
}

func (p *packer) int(i *int) {
	n := uint64(*i)
	p.uint(&n)
	*i = int(n)
}

// packSlice walks a slice. Each element takes at least one byte.
func packSlice[T any](p *packer, list *[]T, each func(*packer, *T)) {
	n := uint64(len(*list))
	p.uint(&n)
	if !p.packing {
		if n > uint64(len(p.text)) {
			p.bad, p.text = true, ""
			return
		}
		if n > 0 {
			*list = make([]T, n)
		}
	}
	for i := range *list {
		each(p, &(*list)[i])
	}
}

func packString(p *packer, s *string) { p.string(s) }

func packOutline(p *packer, o *snapshot.Outline) {
	p.string(&o.Name)
	p.string(&o.Class)
	packSlice(p, &o.Roles, func(p *packer, r *mapi.Role) { p.string((*string)(r)) })
	p.int(&o.Items)
	p.int(&o.Associated)
	packSlice(p, &o.Folders, func(p *packer, d *snapshot.OutlineDir) {
		p.string(&d.Dir)
		p.id(&d.Tree)
	})
	packSlice(p, &o.Lists, func(p *packer, l *snapshot.OutlineList) {
		p.string(&l.Dir)
		kind := uint64(l.Kind)
		p.uint(&kind)
		l.Kind = mapi.Kind(kind)
		p.id(&l.Tree)
	})
}

func packList(p *packer, l *foundList) {
	p.bool(&l.listed)
	packSlice(p, &l.items, func(p *packer, it *snapshot.ListedItem) {
		for _, s := range []*string{&it.File, &it.Class, &it.Subject, &it.SenderName, &it.SenderAddress} {
			p.string(s)
		}
		packSlice(p, &it.Recipients, packString)
		packSlice(p, &it.Attachments, packString)
		date := uint64(it.Date)
		p.uint(&date)
		it.Date = mapi.FileTime(date)
		p.uint(&it.Size)
		p.bool(&it.HasAttachments)
		p.bool(&it.Unread)
	})
}

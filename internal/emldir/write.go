package emldir

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/opencdo/opencdo/internal/mime"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

const (
	// maxName is the longest name of a file or directory, in bytes: with a long path before it, it still suits Windows.
	maxName = 120
	// idDigits is how many digits of what it was made of stand in a file's name.
	idDigits = 12
)

// legal makes a text the beginning of a legal name.
func legal(text, other string, size int) string {
	var b strings.Builder
	for _, r := range strings.TrimLeft(text, ". ") {
		if r == utf8.RuneError || strings.ContainsRune(`<>:"/\|?*`, r) || !unicode.IsPrint(r) {
			r = '_'
		}
		if b.Len()+utf8.RuneLen(r) > size {
			break
		}
		b.WriteRune(r)
	}
	if s := strings.TrimRight(b.String(), ". "); s != "" {
		return s
	}
	return other
}

// create makes a directory. One whose name isn't legal gets another with a hash of it, and is found again by that.
func (f *Folder) create(name string) (*Folder, error) {
	const op = "create folder"
	if name == "" {
		return nil, fail(op, "without a name", mapi.ErrInvalidParameter)
	}
	dir := legal(name, "unnamed", maxName-9)
	changed := dir != name
	if changed {
		sum := sha256.Sum256([]byte(name))
		dir += "~" + hex.EncodeToString(sum[:4])
	}
	at := path.Join(f.dir, dir)
	err := f.s.root.Mkdir(filepath.FromSlash(at), 0o777)
	switch {
	case errors.Is(err, fs.ErrExist) && changed:
	case errors.Is(err, fs.ErrExist):
		return nil, fail(op, name, mapi.ErrCollision)
	case err != nil:
		return nil, fail(op, name, err)
	}
	return &Folder{f.s, at}, nil
}

// writer takes an item and writes it as a file.
type writer struct {
	f    *Folder
	b    mapi.ItemBuilder
	hash hash.Hash // of what passes, which names the file
	temp []string
	done bool
}

func (f *Folder) newWriter() *writer {
	w := &writer{f: f, hash: sha256.New()}
	w.b.Spool = w.spool
	return w
}

// spooled is a large value in a temporary file.
type spooled struct {
	name string
	size int64
}

func (s spooled) Size() int64                  { return s.size }
func (s spooled) Open() (io.ReadCloser, error) { return os.Open(s.name) }

func (w *writer) spool(_ mapi.Key, _ int64, r io.Reader) (mapi.Blob, error) {
	t, err := os.CreateTemp("", "opencdo-eml-*")
	if err != nil {
		return nil, err
	}
	w.temp = append(w.temp, t.Name())
	n, err := io.Copy(t, r)
	return spooled{t.Name(), n}, errors.Join(err, t.Close())
}

func (w *writer) note(what string, args ...any) { fmt.Fprintf(w.hash, what+"\n", args...) }

// Prop implements mapi.ItemSink.
func (w *writer) Prop(k mapi.Key, v mapi.Value) error {
	w.note("%v %q", k, fmt.Sprint(v))
	return w.b.Prop(k, v)
}

// Stream implements mapi.ItemSink.
func (w *writer) Stream(k mapi.Key, size int64, r io.Reader) error {
	w.note("%v", k)
	return w.b.Stream(k, size, io.TeeReader(r, w.hash))
}

// Recipient implements mapi.ItemSink.
func (w *writer) Recipient() error { w.note("recipient"); return w.b.Recipient() }

// Attachment implements mapi.ItemSink.
func (w *writer) Attachment() error { w.note("attachment"); return w.b.Attachment() }

// Embedded implements mapi.ItemSink.
func (w *writer) Embedded() error { w.note("embedded"); return w.b.Embedded() }

// End implements mapi.ItemSink.
func (w *writer) End() error { w.note("end"); return w.b.End() }

// Commit implements mapi.ItemWriter. The same item again is the same file again, which is left as it is.
func (w *writer) Commit(ctx context.Context) (mapi.EntryID, error) {
	const op = "save item"
	if w.done {
		return "", fail(op, "after its end", mapi.ErrInvalidObject)
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	ps := w.b.Item.Props
	subject := ps.Text(pid.TagSubject)
	if subject == "" {
		subject = ps.Text(pid.TagSubjectPrefix) + ps.Text(pid.TagNormalizedSubject)
	}
	id := hex.EncodeToString(w.hash.Sum(nil))[:idDigits]
	file := path.Join(w.f.dir, legal(subject, "no subject", maxName-1-idDigits-len(Ext))+" "+id+Ext)
	if _, err := w.f.s.root.Lstat(filepath.FromSlash(file)); err == nil {
		return itemID(file), w.Close()
	}
	if err := w.write(file); err != nil {
		return "", fail(op, file, err)
	}
	return itemID(file), w.Close()
}

// write makes the file under another name first, so that it is there whole or not at all.
func (w *writer) write(file string) error {
	root, part := w.f.s.root, filepath.FromSlash(file+".part")
	f, err := root.Create(part)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(f)
	err = mime.Write(out, &w.b.Item)
	if err == nil {
		err = out.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = root.Rename(part, filepath.FromSlash(file))
	}
	if err != nil {
		return errors.Join(err, root.Remove(part))
	}
	if at, ok := w.b.Item.Props.Tag(pid.TagMessageDeliveryTime).(mapi.FileTime); ok && at > 0 && at.Time().Year() < 9999 {
		return root.Chtimes(filepath.FromSlash(file), at.Time(), at.Time())
	}
	return nil
}

// Close implements mapi.ItemWriter.
func (w *writer) Close() error {
	w.done = true
	var errs []error
	for _, name := range w.temp {
		errs = append(errs, os.Remove(name))
	}
	w.temp = nil
	return errors.Join(errs...)
}

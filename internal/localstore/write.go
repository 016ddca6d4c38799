package localstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// topLimit is how much of an item's own properties is kept in its first segment; beyond it values larger than a table
// shows go to chunk rows too, however small. It bounds the memory that a hostile item takes.
const topLimit = 1 << 20

// displayLimit ends PidTagDisplayTo, Cc and Bcc made of recipients.
const displayLimit = 16 << 10

// displayNames makes PidTagDisplayTo, Cc and Bcc.
type displayNames struct {
	any  bool // there are recipients
	list [3]strings.Builder
}

// add takes a recipient by its PidTagRecipientType, whose upper bits are flags ([MS-OXOMSG] 2.2.3.1).
func (d *displayNames) add(recipientType int32, name string) {
	d.any = true
	i := recipientType&0xF - 1
	if i < 0 || int(i) >= len(d.list) || d.list[i].Len()+len(name) > displayLimit {
		return
	}
	if d.list[i].Len() > 0 {
		d.list[i].WriteString("; ")
	}
	d.list[i].WriteString(name)
}

// columns are the names for an item, NULL when it has no recipients.
func (d *displayNames) columns() (c [3]sql.NullString) {
	for i := range d.list {
		c[i] = sql.NullString{String: d.list[i].String(), Valid: d.any}
	}
	return c
}

// writer builds a content. What it holds in memory is the item's own small properties and one segment; all else goes into
// the file in small transactions, under a content that belongs to no item until Commit, so that other writers wait for
// none of it.
type writer struct {
	s       *Store
	ctx     context.Context // of Create
	folder  ID
	kind    mapi.Kind
	replace ID // the item that gets the content, or 0
	brought Identity

	content  int64 // 0 while nothing is staged
	top      []record
	topKeys  map[mapi.Key]int // position in top
	topBytes int64
	seg      []byte // not yet written
	segments int64  // written ones; segment 0 is top
	levels   []level
	root     level
	sizes    []int64 // of attachments
	size     int64
	display  displayNames
	buf      []byte
	err      error // the first; the item is lost
	done     bool
}

// level is a part of the item that is open.
type level struct {
	op         uint8 // opRecipient, opAttachment, opEmbedded; 0 is the item itself
	closed     bool  // properties are over
	numbered   bool  // PidTagRowid or PidTagAttachNumber is there
	embedded   bool  // an embedded item was there
	recipients int32 // next PidTagRowid in this item
	attached   int32 // next PidTagAttachNumber
	attachment int   // index in sizes
	start      int64 // size before it
	rtype      int32 // of a recipient of the item itself
	name       string
}

func (w *writer) at() *level {
	if len(w.levels) == 0 {
		return &w.root
	}
	return &w.levels[len(w.levels)-1]
}

// fail keeps the first error: what follows it must not become an item.
func (w *writer) fail(op string, err error) error {
	if err == nil {
		return nil
	}
	err = w.s.fail(op, err)
	if w.err == nil {
		w.err = err
	}
	return err
}

func (w *writer) begin() error {
	switch {
	case w.err != nil:
		return w.err
	case w.done:
		return &mapi.Error{Op: "write item", Code: mapi.ErrInvalidObject, Err: errors.New("the writer was committed or closed")}
	}
	return w.ctx.Err()
}

func (w *writer) outOfOrder(what string) error {
	return w.fail("write item", &mapi.Error{Op: "write item", Object: what, Code: mapi.ErrInvalidParameter, Err: errors.New("out of order in the item stream")})
}

// Prop implements mapi.ItemSink.
func (w *writer) Prop(k mapi.Key, v mapi.Value) error {
	if err := w.begin(); err != nil {
		return err
	}
	if err := mapi.CheckValue(k.Type(), v); err != nil {
		return w.fail("write item", &mapi.Error{Op: "write property", Object: k.String(), Code: mapi.ErrInvalidParameter, Err: err})
	}
	if b, ok := v.(mapi.Blob); ok {
		r, err := b.Open()
		if err != nil {
			return w.fail("write item", err)
		}
		defer r.Close()
		return w.Stream(k, b.Size(), r)
	}
	if w.ignored(k, v) {
		return nil
	}
	if w.large(v) {
		return w.fail("write item", w.chunk(k, v))
	}
	return w.fail("write item", w.add(record{op: opProp, val: v}, k))
}

// large tells whether a value goes to chunk rows.
func (w *writer) large(v mapi.Value) bool {
	n := valueSize(v)
	if s, ok := v.(string); ok && n >= mapi.LargeValue/2 {
		n = int64(len(mapi.EncodeUTF16(s)))
	}
	return n >= mapi.LargeValue || len(w.levels) == 0 && w.topBytes > topLimit && n > headSize
}

// chunk writes a value in memory to chunk rows: its raw bytes, or its encoding when its type has no stream.
func (w *writer) chunk(k mapi.Key, v mapi.Value) error {
	b, ok := mapi.ValueBytes(v)
	if !ok {
		c := coder{enc: true}
		if value(&c, k.Type(), &v); c.err != nil {
			return c.err
		}
		b = c.buf
	}
	ref, err := w.store(b, strings.NewReader(""))
	if err != nil {
		return err
	}
	if !ok {
		ref.Head = nil // it is cut from an encoding
	}
	return w.add(record{op: opBlob, val: ref}, k)
}

// Stream implements mapi.ItemSink.
func (w *writer) Stream(k mapi.Key, size int64, r io.Reader) error {
	if err := w.begin(); err != nil {
		return err
	}
	return w.fail("write item", w.stream(k, size, r))
}

func (w *writer) stream(k mapi.Key, size int64, r io.Reader) error {
	if _, err := mapi.BytesValue(k.Type(), nil); err != nil {
		return &mapi.Error{Op: "write property", Object: k.String(), Code: mapi.ErrInvalidParameter, Err: err}
	}
	if w.buf == nil {
		w.buf = make([]byte, chunkSize)
	}
	n, err := io.ReadFull(r, w.buf[:mapi.LargeValue])
	switch {
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		if size >= 0 && int64(n) != size {
			return sizeError(k, size, int64(n))
		}
		v, err := mapi.BytesValue(k.Type(), slices.Clone(w.buf[:n]))
		if err != nil {
			return err
		}
		return w.Prop(k, v)
	case err != nil:
		return err
	}
	if w.ignored(k, nil) {
		_, err := io.Copy(io.Discard, r)
		return err
	}
	ref, err := w.store(slices.Clone(w.buf[:n]), r)
	if err != nil {
		return err
	}
	if size >= 0 && ref.Size != size {
		return sizeError(k, size, ref.Size)
	}
	return w.add(record{op: opBlob, val: ref}, k)
}

func sizeError(k mapi.Key, want, got int64) error {
	return &mapi.Error{Op: "write property", Object: k.String(), Code: mapi.ErrInvalidParameter, Err: fmt.Errorf("%d bytes were announced, %d came", want, got)}
}

// store writes begin and what r has to chunk rows.
func (w *writer) store(begin []byte, r io.Reader) (ref blobRef, err error) {
	ref.Head = slices.Clone(begin[:min(len(begin), headSize)])
	if w.buf == nil {
		w.buf = make([]byte, chunkSize)
	}
	for number := int64(0); ; number++ {
		n := copy(w.buf, begin)
		begin = begin[n:]
		more, err := io.ReadFull(r, w.buf[n:])
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return ref, err
		}
		data := w.buf[:n+more]
		if len(data) == 0 && number > 0 {
			break
		}
		if number >= 1<<rowShift {
			return ref, &mapi.Error{Op: "write property", Code: mapi.ErrStreamSize}
		}
		err = w.staged(func(tx *tx) error {
			if number == 0 {
				if ref.ID, err = tx.insert("INSERT INTO blobs (content) VALUES (?)", w.content); err != nil {
					return err
				}
			}
			return tx.exec("INSERT INTO chunks VALUES (?, ?)", int64(ref.ID)<<rowShift+number, data)
		})
		if err != nil {
			return ref, err
		}
		ref.Size += int64(len(data))
		if len(data) < chunkSize {
			break
		}
	}
	return ref, nil
}

// staged runs f in a small transaction in which w.content is set.
func (w *writer) staged(f func(*tx) error) error {
	if err := w.s.alive(); err != nil {
		return err
	}
	content := w.content
	err := w.s.updateOn(w.ctx, w.s.stage, func(tx *tx) error {
		if w.content == 0 {
			id, err := tx.insert("INSERT INTO contents (staged) VALUES (?)", w.s.session)
			if err != nil {
				return err
			}
			w.content = int64(id)
		}
		return f(tx)
	})
	if err != nil {
		w.content = content
	}
	return err
}

// insert is exec for a table with a rowid.
func (t *tx) insert(query string, args ...any) (uint64, error) {
	r, err := t.ExecContext(t.ctx, query, args...)
	if err != nil {
		return 0, err
	}
	id, err := r.LastInsertId()
	return uint64(id), err
}

// key gives a record its key, making a property id where the name has none.
func (s *Store) key(ctx context.Context, r *record, k mapi.Key) error {
	r.tag, r.name = k.Tag, mapi.PropName{}
	if !k.Named() {
		return nil
	}
	id := s.knownName(k.Name)
	if id == 0 {
		ids, err := s.propIDs(ctx, []mapi.PropName{k.Name}, s.stage)
		if err != nil {
			return err
		}
		id = ids[0]
	}
	r.tag = mapi.NewTag(id, k.Type())
	if id == 0 {
		r.name = k.Name
	}
	return nil
}

// keyOf is the reverse of key.
func (s *Store) keyOf(ctx context.Context, r *record) (mapi.Key, error) {
	switch {
	case r.tag.ID() == 0 && !r.name.IsZero():
		return mapi.NamedKey(r.name, r.tag.Type()), nil
	case !r.tag.Named():
		return mapi.TagKey(r.tag), nil
	}
	n, ok := s.nameOf(r.tag.ID())
	if !ok {
		names, err := s.PropNames(ctx, []uint16{r.tag.ID()})
		if err != nil {
			return mapi.Key{}, err
		}
		if n = names[0]; n.IsZero() {
			return mapi.Key{}, &mapi.Error{Op: "read property", Object: r.tag.String(), Code: mapi.ErrCorruptData, Err: errors.New("its name is lost")}
		}
	}
	return mapi.NamedKey(n, r.tag.Type()), nil
}

// add puts a property into the part that is open.
func (w *writer) add(r record, k mapi.Key) error {
	if err := checkKey(k); err != nil {
		return err
	}
	if err := w.s.key(w.ctx, &r, k); err != nil {
		return err
	}
	n := valueSize(r.val)
	w.size += n
	if l := w.at(); l.op != 0 {
		if l.closed {
			return w.outOfOrder("property " + k.String())
		}
		return w.append(r)
	}
	if i, ok := w.topKeys[k]; ok { // the later one counts
		old := w.top[i]
		w.size -= valueSize(old.val)
		w.top[i] = r
		if ref, ok := old.val.(blobRef); ok {
			return w.staged(func(tx *tx) error { return tx.exec("DELETE FROM blobs WHERE id = ?", int64(ref.ID)) })
		}
		return nil
	}
	w.topKeys[k] = len(w.top)
	w.top = append(w.top, r)
	if r.op == opProp {
		w.topBytes += n
	}
	return nil
}

// append adds a record to the segment and writes the segment when it is large enough.
func (w *writer) append(r record) (err error) {
	if w.seg, err = encode(w.seg, r); err != nil || len(w.seg) < segmentSize {
		return err
	}
	if w.segments+1 >= 1<<rowShift {
		return &mapi.Error{Op: "write item", Code: mapi.ErrTooComplex}
	}
	err = w.staged(func(tx *tx) error { return tx.segment(w.content, w.segments+1, w.seg) })
	if err == nil {
		w.segments++
		w.seg = w.seg[:0]
	}
	return err
}

func (t *tx) segment(content, number int64, data []byte) error {
	return t.exec("INSERT INTO segments VALUES (?, ?)", content<<rowShift+number, notNull(data))
}

// ignored notes what the store wants to know of a property, and tells whether it is to be dropped: because the store
// computes it, or because the part numbers itself.
func (w *writer) ignored(k mapi.Key, v mapi.Value) bool {
	l := w.at()
	if k.Named() {
		return false
	}
	switch l.op {
	case 0:
		return computedItem[k.Tag]
	case opRecipient:
		switch k.Tag {
		case pid.TagRowid:
			return !l.number(&w.parent().recipients, v)
		case pid.TagRecipientType:
			l.rtype, _ = v.(int32)
		case pid.TagDisplayName:
			if s, ok := v.(string); ok {
				l.name = s
			}
		}
	case opAttachment:
		switch k.Tag {
		case pid.TagAttachNumber:
			return !l.number(&w.parent().attached, v)
		case pid.TagRecordKey:
			return true
		}
	}
	return false
}

// number takes a given number when it is greater than those before it.
func (l *level) number(next *int32, v mapi.Value) bool {
	n, ok := v.(int32)
	if !ok || l.numbered || n < *next || n == 1<<31-1 {
		return false
	}
	l.numbered = true
	*next = n + 1
	return true
}

func (w *writer) parent() *level {
	if len(w.levels) < 2 {
		return &w.root
	}
	return &w.levels[len(w.levels)-2]
}

// Recipient implements mapi.ItemSink.
func (w *writer) Recipient() error { return w.open(opRecipient, "recipient") }

// Attachment implements mapi.ItemSink.
func (w *writer) Attachment() error { return w.open(opAttachment, "attachment") }

// Embedded implements mapi.ItemSink.
func (w *writer) Embedded() error { return w.open(opEmbedded, "embedded item") }

func (w *writer) open(op uint8, what string) error {
	if err := w.begin(); err != nil {
		return err
	}
	l := w.at()
	inItem := l.op == 0 || l.op == opEmbedded
	if inItem == (op == opEmbedded) || l.op == opRecipient || op == opEmbedded && l.embedded {
		return w.outOfOrder(what)
	}
	if len(w.levels) >= 2*mapi.MaxDepth {
		return w.fail("write item", &mapi.Error{Op: "write item", Code: mapi.ErrTooComplex, Err: fmt.Errorf("embedded more than %d deep", mapi.MaxDepth)})
	}
	if err := w.closeProps(l); err != nil {
		return w.fail("write item", err)
	}
	l.embedded = l.embedded || op == opEmbedded
	next := level{op: op, start: w.size}
	if op == opAttachment {
		next.attachment = len(w.sizes)
		w.sizes = append(w.sizes, 0)
	}
	w.levels = append(w.levels, next)
	return w.fail("write item", w.append(record{op: op}))
}

// closeProps ends the properties of a part with the number it lacks.
func (w *writer) closeProps(l *level) error {
	if l.closed {
		return nil
	}
	l.closed = true
	switch {
	case l.numbered:
	case l.op == opRecipient:
		n := &w.parent().recipients
		*n++
		return w.append(record{op: opProp, tag: pid.TagRowid, val: *n - 1})
	case l.op == opAttachment:
		n := &w.parent().attached
		*n++
		return w.append(record{op: opProp, tag: pid.TagAttachNumber, val: *n - 1})
	}
	return nil
}

// End implements mapi.ItemSink.
func (w *writer) End() error {
	if err := w.begin(); err != nil {
		return err
	}
	if len(w.levels) == 0 {
		return w.outOfOrder("end")
	}
	l := w.at()
	if err := w.closeProps(l); err != nil {
		return w.fail("write item", err)
	}
	switch {
	case l.op == opAttachment:
		w.sizes[l.attachment] = w.size - l.start
	case l.op == opRecipient && len(w.levels) == 1:
		w.display.add(l.rtype, l.name)
	}
	w.levels = w.levels[:len(w.levels)-1]
	return w.fail("write item", w.append(record{op: opEnd}))
}

// Close implements mapi.ItemWriter.
func (w *writer) Close() error {
	if w.done {
		return nil
	}
	w.done = true
	if w.content == 0 || w.s.alive() != nil { // the store discards what is staged when it closes
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.ctx), busyWait)
	defer cancel()
	return w.s.fail("discard item", w.s.updateOn(ctx, w.s.stage, func(tx *tx) error {
		return tx.exec("DELETE FROM contents WHERE id = ? AND staged IS NOT NULL", w.content)
	}))
}

package snapshot

import (
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
	"github.com/opencdo/opencdo/msgfile"
)

// target is a folder of a Builder.
type target struct {
	b *Builder
	f *building
}

// ID implements mapi.Folder.
func (t *target) ID() mapi.EntryID { return t.f.id }

// Parent implements mapi.Folder.
func (t *target) Parent() mapi.EntryID { return t.f.parent.id }

// Props implements mapi.Folder.
func (t *target) Props(context.Context) (mapi.Props, error) {
	t.b.mu.Lock()
	defer t.b.mu.Unlock()
	return slices.Clone(t.f.props), nil
}

// SetProps implements mapi.Folder.
func (t *target) SetProps(ctx context.Context, set mapi.Props, del []mapi.Key) error {
	t.b.mu.Lock()
	defer t.b.mu.Unlock()
	props := slices.Clone(t.f.props)
	for _, k := range del {
		props.Delete(k)
	}
	for _, p := range set {
		if err := mapi.CheckValue(p.Key.Type(), p.Value); err != nil {
			return &mapi.Error{Op: "change folder", Object: t.f.info.Name, Code: mapi.ErrInvalidParameter, Err: err}
		}
		props.Set(p.Key, p.Value)
	}
	t.f.props = props
	if name := props.Text(pid.TagDisplayName); name != "" {
		t.f.info.Name = name
	}
	t.f.info.Class = props.Text(pid.TagContainerClass)
	t.f.info.Hidden, _ = props.Tag(pid.TagAttributeHidden).(bool)
	return nil
}

// Folders implements mapi.Folder.
func (t *target) Folders(context.Context) iter.Seq2[mapi.FolderInfo, error] {
	t.b.mu.Lock()
	defer t.b.mu.Unlock()
	var list []mapi.FolderInfo
	for _, c := range t.f.children {
		list = append(list, mapi.FolderInfo{ID: c.id, Name: c.info.Name, Class: c.info.Class, Hidden: c.info.Hidden,
			Items: c.info.Items, Unread: c.info.Unread, Associated: c.info.Associated, HasChildren: len(c.children) > 0})
	}
	return func(yield func(mapi.FolderInfo, error) bool) {
		for _, info := range list {
			if !yield(info, nil) {
				return
			}
		}
	}
}

// CreateFolder implements mapi.Folder.
func (t *target) CreateFolder(ctx context.Context, name string, props mapi.Props) (mapi.Folder, error) {
	const op = "create folder"
	if name == "" {
		return nil, fail(op, "without a name", mapi.ErrInvalidParameter)
	}
	t.b.mu.Lock()
	dir := dirName(name)
	for _, c := range t.f.children {
		if strings.EqualFold(c.info.Name, name) || strings.EqualFold(dirName(c.info.Name), dir) {
			t.b.mu.Unlock()
			return nil, fail(op, name, mapi.ErrCollision)
		}
	}
	made := &target{t.b, t.b.add(t.f, name)}
	t.b.mu.Unlock()
	props = slices.Clone(props)
	props.Set(mapi.TagKey(pid.TagDisplayName), name)
	return made, made.SetProps(ctx, props, nil)
}

var errAddOnly = errors.New("a snapshot being written can only be added to")

func addOnly(op string) error { return &mapi.Error{Op: op, Code: mapi.ErrNoSupport, Err: errAddOnly} }

// DeleteFolder implements mapi.Folder.
func (t *target) DeleteFolder(context.Context, mapi.EntryID) error { return addOnly("delete folder") }

// Rows implements mapi.Folder: the items of a snapshot being written cannot be listed, there seem to be none.
func (t *target) Rows(context.Context, mapi.Query) iter.Seq2[mapi.Row, error] {
	return func(func(mapi.Row, error) bool) {}
}

// Read implements mapi.Folder.
func (t *target) Read(context.Context, mapi.EntryID, mapi.ItemSink) error {
	return addOnly("open item")
}

// Replace implements mapi.Folder.
func (t *target) Replace(context.Context, mapi.EntryID) (mapi.ItemWriter, error) {
	return nil, addOnly("replace item")
}

// Update implements mapi.Folder.
func (t *target) Update(context.Context, mapi.EntryID, mapi.Props, []mapi.Key) error {
	return addOnly("change item")
}

// Delete implements mapi.Folder.
func (t *target) Delete(context.Context, []mapi.EntryID, bool) error { return addOnly("delete items") }

// ended tells whether no more items of a kind are taken; the lock is held. Soft-deleted ones are until the snapshot is saved.
func (t *target) ended(k mapi.Kind) bool {
	return t.b.closed || t.f.done && k != mapi.SoftDeleted
}

// Finish says that nothing more will be created in the folder, but for soft-deleted items.
func (t *target) Finish(ctx context.Context) error { return t.b.finish(ctx, t.f) }

// Create implements mapi.Folder.
func (t *target) Create(ctx context.Context, k mapi.Kind) (mapi.ItemWriter, error) {
	const op = "create item"
	if k > mapi.SoftDeleted {
		return nil, fail(op, k.String(), mapi.ErrNoSupport)
	}
	t.b.mu.Lock()
	defer t.b.mu.Unlock()
	if t.ended(k) {
		return nil, fail(op, "in a finished folder", mapi.ErrInvalidObject)
	}
	if t.f.lists[k] == nil {
		t.f.lists[k] = &itemList{columns: t.b.columns}
	}
	return &itemWriter{t: t, kind: k, list: t.f.lists[k], msg: msgfile.NewWriter(msgConfig), lister: lister{columns: t.b.columns}}, nil
}

var msgConfig = msgfile.Config{NewSpool: func() (msgfile.Spool, error) { return &spool{}, nil }}

// itemWriter takes an item and notes what its file name and its line in the catalog need.
type itemWriter struct {
	t    *target
	kind mapi.Kind
	list *itemList
	msg  *msgfile.Writer
	lister
	done bool

	times             times
	source, search    []byte
	prefix, normal    string
	subject, class    string
	unread, unreadSet bool
}

// Prop implements mapi.ItemSink.
func (w *itemWriter) Prop(k mapi.Key, v mapi.Value) error {
	if err := w.msg.Prop(k, v); err != nil {
		return err
	}
	w.lister.Prop(k, v)
	if w.depth > 0 {
		return nil
	}
	w.times.note(k, v)
	switch k.WithType(0) {
	case mapi.TagKey(pid.TagSourceKey).WithType(0):
		w.source, _ = v.([]byte)
	case mapi.TagKey(pid.TagSearchKey).WithType(0):
		w.search, _ = v.([]byte)
	case mapi.TagKey(pid.TagSubject).WithType(0):
		w.subject = shown(v)
	case mapi.TagKey(pid.TagMessageClass).WithType(0):
		w.class = shown(v)
	case mapi.TagKey(pid.TagSubjectPrefix).WithType(0):
		w.prefix = shown(v)
	case mapi.TagKey(pid.TagNormalizedSubject).WithType(0):
		w.normal = shown(v)
	case mapi.TagKey(pid.TagMessageFlags).WithType(0):
		flags, _ := v.(int32)
		w.unreadSet, w.unread = true, flags&1 == 0 // mfRead ([MS-OXCMSG] 2.2.1.6)
	}
	return nil
}

// Identify says which item of the mailbox this is: its source key, which some servers don't send with it. The catalog has
// it, so that the item is found again when the mailbox says that it changed.
func (w *itemWriter) Identify(sourceKey []byte) {
	w.row.note(w.columns, mapi.TagKey(pid.TagSourceKey), sourceKey)
}

// tallyClass counts an associated item of a message class.
func tallyClass(classes *map[string]int, class string) {
	if *classes == nil {
		*classes = map[string]int{}
	}
	(*classes)[class]++
}

// shown is a subject for a file name; of 8-bit text what is ASCII.
func shown(v mapi.Value) string {
	switch v := v.(type) {
	case string:
		return v
	case mapi.String8:
		return strings.Map(func(r rune) rune {
			if r >= 0x80 {
				return '_'
			}
			return r
		}, string(v))
	}
	return ""
}

// Stream implements mapi.ItemSink.
func (w *itemWriter) Stream(k mapi.Key, size int64, r io.Reader) error {
	c := &counter{r: r}
	if err := w.msg.Stream(k, size, c); err != nil {
		return err
	}
	w.streamed(k, c.n)
	return nil
}

type counter struct {
	r io.Reader
	n uint64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += uint64(n)
	return n, err
}

// Recipient implements mapi.ItemSink.
func (w *itemWriter) Recipient() error { w.lister.Recipient(); return w.msg.Recipient() }

// Attachment implements mapi.ItemSink.
func (w *itemWriter) Attachment() error { w.lister.Attachment(); return w.msg.Attachment() }

// Embedded implements mapi.ItemSink.
func (w *itemWriter) Embedded() error { w.lister.Embedded(); return w.msg.Embedded() }

// End implements mapi.ItemSink.
func (w *itemWriter) End() error { w.lister.End(); return w.msg.End() }

// Commit implements mapi.ItemWriter. The item is durable once the snapshot is.
func (w *itemWriter) Commit(ctx context.Context) (mapi.EntryID, error) {
	const op = "save item"
	if w.done {
		return "", fail(op, "after its end", mapi.ErrInvalidObject)
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	m, err := w.msg.Message()
	if err != nil {
		return "", err
	}
	nodes, err := w.t.b.saveMessage("", m, w.times.fileTime())
	if err != nil {
		return "", err
	}
	if w.subject == "" {
		w.subject = w.prefix + w.normal
	}
	w.finish()
	rec := &record{nodes: nodes, row: w.row}
	id := w.source
	if len(id) == 0 {
		id = w.search
	}
	rec.name = itemName(w.subject, rec.id(id))
	rec.month = month(w.times.delivered, w.times.created)

	b, f := w.t.b, w.t.f
	b.mu.Lock()
	defer b.mu.Unlock()
	if w.t.ended(w.kind) {
		return "", fail(op, "in a finished folder", mapi.ErrInvalidObject)
	}
	if err := w.list.add(rec); err != nil {
		return "", err
	}
	w.done = true
	b.stats.Items++
	switch w.kind {
	case mapi.Associated:
		f.info.Associated++
		tallyClass(&f.info.Classes, w.class)
	case mapi.SoftDeleted:
		f.info.Recoverable++
	default:
		f.info.Items++
		if !w.unreadSet || w.unread {
			f.info.Unread++
		}
	}
	return mapi.EntryID(rec.name), nil
}

// Close implements mapi.ItemWriter.
func (w *itemWriter) Close() error {
	w.done = true
	return w.msg.Close()
}

package mailimport

import (
	"context"
	"io"

	"errors"
	"github.com/opencdo/opencdo/internal/cfb"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
	"path/filepath"
	"strings"
)

// contradiction tells whether a fault is only one part of a .msg file disagreeing with another, such as an entry of a property
// without its value: the file is whole, some programs write such ones, and what they lack was never there. Bytes that are
// missing or out of place, as after a file was cut short, are faults of the compound file.
func contradiction(path string, e *mapi.Error) bool {
	var format *cfb.FormatError
	return strings.EqualFold(filepath.Ext(path), ".msg") && !errors.As(e, &format)
}

// importFile imports one file.
func importFile(ctx context.Context, p *places, f file, o Options, r *Result) error {
	var doubts []Failure
	it, err := opener(f.path)(f.path, func(e *mapi.Error) error {
		if e.Code.Failed() && !o.KeepDamaged && !contradiction(f.path, e) {
			return e
		}
		doubts = append(doubts, Failure{File: f.path, Reason: e.Error(), Lost: e.Code.Failed()})
		return nil
	})
	if err != nil {
		return err
	}
	defer it.Close()
	if err := store(ctx, p, it.content(), f.folder); err != nil {
		return &storeError{err}
	}
	r.Warnings = append(r.Warnings, doubts...)
	return nil
}

// storeError is an error of the store that is imported into.
type storeError struct{ error }

func (e *storeError) Unwrap() error { return e.error }

// store puts an item where it belongs.
func store(ctx context.Context, p *places, it *mapi.Item, path string) (err error) {
	kind := kindOf(it)
	folder := p.target
	if kind == mapi.Normal {
		if folder, err = p.folder(ctx, it.Props.Text(pid.TagMessageClass), path); err != nil {
			return err
		}
	}
	w, err := folder.Create(ctx, kind)
	if err != nil {
		return err
	}
	defer w.Close()
	if err := it.WriteTo(&newItem{ItemSink: w}); err != nil {
		return err
	}
	_, err = w.Commit(ctx)
	return err
}

// own are properties that name an item in the store that it is from.
var own = func() map[uint16]bool {
	m := map[uint16]bool{}
	for _, t := range []mapi.Tag{
		pid.TagEntryId, pid.TagParentEntryId, pid.TagStoreEntryId, pid.TagStoreRecordKey, pid.TagRecordKey, pid.TagInstanceKey,
		pid.TagMappingSignature, pid.TagSourceKey, pid.TagParentSourceKey, pid.TagChangeKey, pid.TagPredecessorChangeList,
		pid.TagChangeNumber, pid.TagMid, pid.TagFolderId, pid.TagParentFolderId, pid.TagInstID, pid.TagInstanceNum,
		pid.TagAccess, pid.TagAccessLevel, pid.TagStoreSupportMask,
	} {
		m[t.ID()] = true
	}
	return m
}()

// newItem passes an item on without what names the old one.
type newItem struct {
	mapi.ItemSink
	depth int
}

func (n *newItem) drop(k mapi.Key) bool { return n.depth == 0 && !k.Named() && own[k.Tag.ID()] }

func (n *newItem) Prop(k mapi.Key, v mapi.Value) error {
	if n.drop(k) {
		return nil
	}
	return n.ItemSink.Prop(k, v)
}

func (n *newItem) Stream(k mapi.Key, size int64, r io.Reader) error {
	if n.drop(k) {
		_, err := io.Copy(io.Discard, r)
		return err
	}
	return n.ItemSink.Stream(k, size, r)
}

func (n *newItem) Recipient() error  { n.depth++; return n.ItemSink.Recipient() }
func (n *newItem) Attachment() error { n.depth++; return n.ItemSink.Attachment() }
func (n *newItem) Embedded() error   { n.depth++; return n.ItemSink.Embedded() }
func (n *newItem) End() error        { n.depth--; return n.ItemSink.End() }

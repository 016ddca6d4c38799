package samplebox

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Counts tells what was written.
type Counts struct {
	Folders     int // made, besides the special ones
	Items       int // normal and associated
	Associated  int
	Attachments int            // nested ones too
	Bytes       int64          // of values of attachments
	Kinds       map[string]int // items by Sample.Name
}

const (
	makers = 2  // goroutines that make items while others are written
	ahead  = 16 // items made and not yet written: bounds memory, with attachments of 4 MB at the most
)

type made struct {
	sample Sample
	err    error
}

func (b *box) fill(ctx context.Context, st mapi.Store) (Counts, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	type job struct {
		slot slot
		out  chan made
	}
	jobs := make(chan job)
	queue := make(chan chan made, ahead)
	for range makers {
		go func() {
			for j := range jobs {
				s, err := b.sample(j.slot)
				j.out <- made{s, err}
			}
		}()
	}
	go func() {
		defer close(jobs)
		defer close(queue)
		for s := range b.slots() {
			out := make(chan made, 1)
			select {
			case queue <- out:
			case <-ctx.Done():
				return
			}
			select {
			case jobs <- job{s, out}:
			case <-ctx.Done():
				return
			}
		}
	}()
	w := filler{st: st, folders: map[string]mapi.Folder{}, counts: Counts{Kinds: map[string]int{}}}
	for out := range queue {
		var m made
		select {
		case m = <-out:
		case <-ctx.Done():
			return w.counts, ctx.Err()
		}
		if m.err == nil {
			m.err = w.write(ctx, m.sample)
		}
		if m.err != nil {
			return w.counts, fmt.Errorf("sample %d (%s): %w", w.counts.Items, m.sample.Name, m.err)
		}
		if b.Progress != nil {
			b.Progress(w.counts.Items, b.Items)
		}
	}
	return w.counts, ctx.Err()
}

// filler writes samples into a store.
type filler struct {
	st      mapi.Store
	folders map[string]mapi.Folder // by role and path
	counts  Counts
}

func (w *filler) write(ctx context.Context, s Sample) error {
	f, err := w.folder(ctx, s.Role, s.Path)
	if err != nil {
		return err
	}
	if _, err := mapi.WriteItem(ctx, f, s.Kind, s.Item); err != nil {
		return err
	}
	w.counts.Items++
	if s.Kind == mapi.Associated {
		w.counts.Associated++
	}
	w.counts.Kinds[s.Name]++
	w.count(s.Item)
	return nil
}

func (w *filler) count(it *mapi.Item) {
	for _, a := range it.Attachments {
		w.counts.Attachments++
		switch v := a.Props.Tag(pid.TagAttachDataBinary).(type) {
		case []byte:
			w.counts.Bytes += int64(len(v))
		case mapi.Blob:
			w.counts.Bytes += v.Size()
		}
		if a.Embedded != nil {
			w.count(a.Embedded)
		}
	}
}

// folder opens the folder of a sample, and makes it if it isn't a special one.
func (w *filler) folder(ctx context.Context, role mapi.Role, path []string) (mapi.Folder, error) {
	key := string(role) + "\x00" + strings.Join(path, "\x00")
	if f := w.folders[key]; f != nil {
		return f, nil
	}
	var f mapi.Folder
	if len(path) == 0 {
		id, err := w.st.Special(ctx, role)
		if err != nil {
			return nil, err
		}
		if f, err = w.st.Folder(ctx, id); err != nil {
			return nil, err
		}
	} else {
		parent, err := w.folder(ctx, role, path[:len(path)-1])
		if err != nil {
			return nil, err
		}
		name := path[len(path)-1]
		f, err = parent.CreateFolder(ctx, name, props(pid.TagContainerClass, containerClass(role), pid.TagComment, folderComment(name)))
		if errors.Is(err, mapi.ErrCollision) {
			f, err = w.existing(ctx, parent, name)
		} else if err == nil {
			w.counts.Folders++
		}
		if err != nil {
			return nil, err
		}
	}
	w.folders[key] = f
	return f, nil
}

func (w *filler) existing(ctx context.Context, parent mapi.Folder, name string) (mapi.Folder, error) {
	for info, err := range parent.Folders(ctx) {
		if err != nil {
			return nil, err
		}
		if strings.EqualFold(info.Name, name) {
			return w.st.Folder(ctx, info.ID)
		}
	}
	return nil, &mapi.Error{Op: "find folder", Object: name, Code: mapi.ErrNotFound, Err: errors.New("its name is taken, but it isn't listed")}
}

// containerClass is what a folder below a special folder holds ([MS-OXOSFLD] 2.2.8).
func containerClass(role mapi.Role) string {
	switch role {
	case mapi.RoleCalendar:
		return "IPF.Appointment"
	case mapi.RoleContacts:
		return "IPF.Contact"
	case mapi.RoleTasks:
		return "IPF.Task"
	}
	return "IPF.Note"
}

func folderComment(name string) string { return "Everything about " + name }

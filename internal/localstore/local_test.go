package localstore

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

func newStore(t testing.TB) *Store {
	t.Helper()
	s, err := Create(context.Background(), filepath.Join(t.TempDir(), "box.db"), Options{Owner: "Anna", SMTP: "anna@example.org", LegacyDN: "/o=x/cn=anna"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func inbox(t testing.TB, s *Store) *Folder {
	t.Helper()
	fid, err := s.SpecialID(context.Background(), mapi.RoleInbox)
	if err != nil {
		t.Fatal(err)
	}
	f, err := s.FolderByID(context.Background(), fid)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFirst(t *testing.T) {
	ctx := context.Background()
	s := newStore(t)
	f := inbox(t, s)
	id, err := mapi.WriteItem(ctx, f, mapi.Normal, &mapi.Item{
		Props:       mapi.Props{{Key: mapi.TagKey(pid.TagSubject), Value: "RE: hello"}, {Key: mapi.TagKey(pid.TagBody), Value: string(make([]byte, 100000))}},
		Recipients:  []mapi.Props{{{Key: mapi.TagKey(pid.TagRecipientType), Value: int32(1)}, {Key: mapi.TagKey(pid.TagDisplayName), Value: "Bert"}}},
		Attachments: []*mapi.Attachment{{Props: mapi.Props{{Key: mapi.TagKey(pid.TagAttachDataBinary), Value: make([]byte, 700000)}}}, {Embedded: &mapi.Item{Props: mapi.Props{{Key: mapi.TagKey(pid.TagSubject), Value: "in"}}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	it, err := mapi.ReadItem(ctx, f, id)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range it.Props {
		if p.Key.Tag != pid.TagBody {
			t.Log(pid.Name(p.Key), p.Value)
		}
	}
	t.Log(it.Recipients)
	for r, err := range f.Rows(ctx, mapi.Query{Columns: []mapi.Key{mapi.TagKey(pid.TagSubject), mapi.TagKey(pid.TagBody), mapi.TagKey(pid.TagSubjectPrefix)}, Sort: []mapi.Sort{{Key: mapi.TagKey(pid.TagSubject)}}}) {
		t.Log(len(r.Values[1].(string)), r.Values[0], r.Values[2], err)
	}
	ps, err := f.Props(ctx)
	for _, p := range ps {
		t.Log(pid.Name(p.Key), p.Value)
	}
	if err := f.Update(ctx, id, mapi.Props{{Key: mapi.TagKey(pid.TagSubject), Value: "other"}, {Key: mapi.NamedKey(mapi.PropName{Set: mapi.PSPublicStrings, Name: "x"}, mapi.TypeBinary), Value: make([]byte, 100000)}}, nil); err != nil {
		t.Fatal(err)
	}
	it, err = mapi.ReadItem(ctx, f, id)
	if err != nil || it.Props.Text(pid.TagNormalizedSubject) != "other" {
		t.Fatal(err)
	}
}

package msgdir_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/opencdo/opencdo/internal/msgdir"
	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/storetest"
)

func open(t testing.TB, dir string, c msgdir.Config) *msgdir.Store {
	t.Helper()
	s, err := msgdir.Open(context.Background(), dir, c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConformance(t *testing.T) {
	dirs := map[mapi.Store]string{}
	storetest.Run(t, func(t *testing.T) mapi.Store {
		dir := filepath.Join(t.TempDir(), "store")
		s := open(t, dir, msgdir.Config{})
		dirs[s] = dir
		return s
	}, storetest.Options{
		NoSoftDelete: true,
		Depth:        10,
		Reopen: func(t *testing.T, s mapi.Store) mapi.Store {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			return open(t, dirs[s], msgdir.Config{})
		},
	})
}

// TestForeignFiles reads files of other programs.
func TestForeignFiles(t *testing.T) {
	dir := filepath.Join(vectors.Data(t), "msg")
	storetest.Run(t, func(t *testing.T) mapi.Store {
		return open(t, dir, msgdir.Config{ReadOnly: true, Report: func(string, *mapi.Error) {}})
	}, storetest.Options{ReadOnly: true})
}

package memstore_test

import (
	"testing"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/memstore"
	"github.com/opencdo/opencdo/mapi/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) mapi.Store { return memstore.New(memstore.Config{}) }, storetest.Options{Roles: mapi.Roles})
}

func TestStoreWithoutRecoverableItems(t *testing.T) {
	storetest.Run(t, func(*testing.T) mapi.Store { return memstore.New(memstore.Config{NoSoftDelete: true}) },
		storetest.Options{NoSoftDelete: true})
}

func TestReadOnlyStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) mapi.Store {
		s := memstore.New(memstore.Config{})
		for _, sample := range storetest.SampleItems() {
			id, err := s.Special(t.Context(), sample.Role)
			if err != nil {
				t.Fatal(err)
			}
			dir, err := s.Folder(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := mapi.WriteItem(t.Context(), dir, sample.Kind, sample.Item); err != nil {
				t.Fatal(err)
			}
		}
		s.SetReadOnly(true)
		return s
	}, storetest.Options{ReadOnly: true, Roles: mapi.Roles})
}

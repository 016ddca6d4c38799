package localstore

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/storetest"
)

func TestConformance(t *testing.T) {
	var computed []mapi.Key
	for _, c := range Computed {
		if c.Of == OfItem || c.Of == OfRecipient || c.Of == OfAttachment {
			computed = append(computed, mapi.TagKey(c.Tag))
		}
	}
	storetest.Run(t, func(t *testing.T) mapi.Store {
		s, err := Create(context.Background(), filepath.Join(t.TempDir(), "box.db"), Options{Owner: "Anna"})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}, storetest.Options{
		Computed: computed,
		Depth:    10,
		Roles: []mapi.Role{mapi.RoleInbox, mapi.RoleOutbox, mapi.RoleSent, mapi.RoleDeleted, mapi.RoleDrafts, mapi.RoleCalendar, mapi.RoleContacts,
			mapi.RoleTasks, mapi.RoleNotes, mapi.RoleJournal, mapi.RoleJunk, mapi.RoleSyncIssues, mapi.RoleConflicts},
		Reopen: func(t *testing.T, s mapi.Store) mapi.Store {
			path := s.(*Store).Path()
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			again, err := Open(context.Background(), path)
			if err != nil {
				t.Fatal(err)
			}
			return again
		},
	})
}

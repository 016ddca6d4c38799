package exchange

import (
	"reflect"
	"testing"
	"time"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// tablesOf reads the tables of a folder.
func tablesOf(t *testing.T, st *Store, id mapi.EntryID) mapi.FolderTables {
	t.Helper()
	for x, err := range st.FolderTables(t.Context(), []mapi.EntryID{id}) {
		if err != nil || x.PermissionsErr != nil || x.RulesErr != nil || x.RecoverableErr != nil {
			t.Fatal(err, x.PermissionsErr, x.RulesErr, x.RecoverableErr)
		}
		return x
	}
	t.Fatal("no tables")
	return mapi.FolderTables{}
}

// TestInteropFolderTables gives a folder a member and a rule and reads both back.
func TestInteropFolderTables(t *testing.T) {
	st := OpenPeer(t, "", nil)
	ctx := t.Context()
	top, err := st.Special(ctx, mapi.RoleIPM)
	if err != nil {
		t.Fatal(err)
	}
	ipm, err := st.Folder(ctx, top)
	if err != nil {
		t.Fatal(err)
	}
	f, err := ipm.CreateFolder(ctx, "tables "+time.Now().Format("150405.000"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ipm.DeleteFolder(ctx, f.ID())

	var bob []byte
	for row, err := range st.Entries(ctx, "", mapi.Query{Columns: []mapi.Key{mapi.TagKey(pid.TagEntryId), mapi.TagKey(pid.TagSmtpAddress)}}) {
		if err != nil {
			t.Fatal(err)
		}
		if id, ok := row.Values[0].([]byte); ok && row.Values[1] != nil {
			bob = id
		}
	}
	before := tablesOf(t, st, f.ID())
	const reviewer = int32(0x401) // read items, see the folder ([MS-OXCPERM] 2.2.7)
	rows := []mapi.Props{{{Key: mapi.TagKey(pid.TagEntryId), Value: bob}, {Key: mapi.TagKey(pid.TagMemberRights), Value: reviewer}}}
	for range 2 {
		if err := st.AddPermissions(ctx, f.ID(), rows); err != nil {
			t.Fatal(err)
		}
		after := tablesOf(t, st, f.ID())
		if len(after.Permissions) != len(before.Permissions)+1 {
			t.Errorf("permissions before %v, after %v", before.Permissions, after.Permissions)
		}
	}
	rows[0].Set(mapi.TagKey(pid.TagMemberRights), int32(0))
	if err := st.AddPermissions(ctx, f.ID(), rows); err != nil {
		t.Fatal(err)
	}
	found := false
	for _, p := range tablesOf(t, st, f.ID()).Permissions {
		if id, _ := p.Tag(pid.TagEntryId).([]byte); len(id) > 0 && p.Tag(pid.TagMemberRights) == int32(0) {
			found = true
		}
	}
	if !found {
		t.Errorf("the member's rights weren't taken back: %v", tablesOf(t, st, f.ID()).Permissions)
	}

	rule := mapi.Props{
		{Key: mapi.TagKey(pid.TagRuleSequence), Value: int32(10)}, {Key: mapi.TagKey(pid.TagRuleState), Value: int32(1)}, {Key: mapi.TagKey(pid.TagRuleName), Value: "Überall"},
		{Key: mapi.TagKey(pid.TagRuleProvider), Value: "RuleOrganizer"}, {Key: mapi.TagKey(pid.TagRuleLevel), Value: int32(0)},
		{Key: mapi.TagKey(pid.TagRuleProviderData), Value: []byte{1, 0, 0, 0}},
		// The property PidTagSubject exists ([MS-OXCDATA] 2.12.7): mark as read ([MS-OXORULE] 2.2.5.1).
		{Key: mapi.TagKey(pid.TagRuleCondition), Value: mapi.Opaque{8, 0x1F, 0, 0x37, 0}},
		{Key: mapi.TagKey(pid.TagRuleActions), Value: mapi.Opaque{1, 0, 9, 0, 0x0B, 0, 0, 0, 0, 0, 0, 0, 0}},
	}
	if err := st.AddRules(ctx, f.ID(), []mapi.Props{rule}); err != nil {
		t.Fatal(err)
	}
	after := tablesOf(t, st, f.ID()).Rules
	if len(after) != 1 {
		t.Fatalf("rules: %v", after)
	}
	for _, p := range rule {
		if got := after[0].Get(p.Key); !reflect.DeepEqual(got, p.Value) {
			t.Errorf("%v is %v, want %v", p.Key, got, p.Value)
		}
	}
}

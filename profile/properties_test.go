package profile

import (
	"strings"
	"testing"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// The table agrees with the one of all properties, which was generated from the public tables.
func TestPropertiesAgreeWithPublicTables(t *testing.T) {
	known := 0
	for _, p := range Properties {
		if p.Evidence == "" || p.Meaning == "" {
			t.Errorf("%s isn't described", p.Name)
		}
		k, ok := pid.ByName(p.Name)
		if !ok {
			k, ok = pid.ByName(p.Name + "_W")
		}
		if !ok {
			continue
		}
		known++
		if k.Tag.ID() != p.Tag.ID() || textual(k.Tag.Type()) != textual(p.Tag.Type()) {
			t.Errorf("%s: %v, public tables have %v", p.Name, p.Tag, k.Tag)
		}
	}
	if known < 40 {
		t.Errorf("%d properties in the public tables", known)
	}
}

func TestNamesOfProperties(t *testing.T) {
	for _, c := range []struct {
		place Place
		name  string
		tag   mapi.Tag
		back  string
	}{
		{PlaceExchange, "PR_ROH_PROXY_SERVER", 0x6622001F, ""},
		{PlaceExchange, "pr_profile_rpc_proxy_server", 0x6622001F, "PR_ROH_PROXY_SERVER"},
		{PlaceExchange, "PR_PROFILE_UNRESOLVED_NAME_A", 0x6607001E, ""},
		{PlaceExchange, "PR_PROFILE_UNRESOLVED_NAME_W", 0x6607001F, "PR_PROFILE_UNRESOLVED_NAME"},
		{PlaceExchange, "PR_PROFILE_HOME_SERVER", 0x6602001E, ""},
		{PlaceExchange, "PR_PROFILE_HOME_SERVER_W", 0x6602001F, ""},
		{PlaceExchange, "PR_PROFILE_BINDING_ORDER", 0x6609001E, ""},
		{PlaceProvider, "PR_PROFILE_OPEN_FLAGS", 0x66090003, ""}, // the same id as the binding order
		{PlaceProvider, "0x67000001F", 0, ""},
		{PlaceProvider, "0x6700001F", TagPSTPath, "PR_PST_PATH"},
		{PlaceExchange, "PR_DISPLAY_NAME", 0x3001001F, ""},
		{PlaceExchange, "PR_NONSENSE", 0, ""},
	} {
		tag, ok := ByName(c.place, c.name)
		if ok != (c.tag != 0) || tag != c.tag {
			t.Errorf("ByName(%s) = %v, %v", c.name, tag, ok)
		}
		if back := c.back; ok {
			if back == "" {
				back = c.name
			}
			if got := NameOf(c.place, tag); got != back {
				t.Errorf("NameOf(%v) = %s, want %s", tag, got, back)
			}
		}
	}
	if got := FlagNames(TagROHFlags, 0x2F); strings.Count(got, "|") != 4 || !strings.HasPrefix(got, "ROHFLAGS_USE_ROH|ROHFLAGS_SSL_ONLY|") {
		t.Errorf("0x2F is %s", got)
	}
}

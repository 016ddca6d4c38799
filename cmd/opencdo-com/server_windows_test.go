package main

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/cdo"
	"github.com/opencdo/opencdo/comserver"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/memstore"
)

// TestMain makes the test program the COM server, with an empty mailbox for every logon.
func TestMain(m *testing.M) {
	c := server(func(_ context.Context, p cdo.Profile) ([]mapi.Store, error) {
		if p.Info.Mailbox == "nobody" {
			return nil, &mapi.Error{Op: "open", Object: p.Info.Mailbox, Code: mapi.ErrLogonFailed}
		}
		return []mapi.Store{memstore.New(memstore.Config{Name: "Mailbox - Ada Lovelace"})}, nil
	})
	if len(os.Args) > 1 && (slices.Contains(os.Args, "-Embedding") || !strings.HasPrefix(os.Args[1], "-test.")) {
		if code, handled := comserver.Main(context.Background(), c, os.Args[1:], os.Stdout, os.Stderr); handled {
			os.Exit(code)
		}
	}
	os.Exit(m.Run())
}

//go:build !windows

package main

import (
	_ "embed"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/comserver/winetest"
)

//go:embed testdata/mailbox.vbs
var mailboxScript string

// TestScript runs a script of the kind that CDO was made for, with the object model in place of CDO.
func TestScript(t *testing.T) {
	if testing.Short() {
		t.Skip("a prefix takes a while")
	}
	p := winetest.New(t)
	program := p.Build(t, "amd64", "opencdo-com.exe", "test", "-c", ".")
	p.Run(t, program, "/regserver")
	for _, wide := range []bool{true, false} {
		t.Run(map[bool]string{true: "64 bits", false: "32 bits"}[wide], func(t *testing.T) {
			if !wide && !p.Has32 {
				t.Skip("SKIPPED: no 32-bit Wine (package wine32), so no 32-bit client is tested")
			}
			args := p.Script(t, wide, "mailbox.vbs", mailboxScript)
			if out := p.Run(t, args[0], args[1:]...); !strings.HasSuffix(strings.TrimSpace(out), ", 0 failed") {
				t.Errorf("the script didn't come to a good end:\n%s", out)
			}
		})
	}
	p.Run(t, program, "/unregserver")
}

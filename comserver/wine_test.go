//go:build !windows

package comserver

import (
	_ "embed"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/comserver/winetest"
)

//go:embed testdata/automation.vbs
var automationScript string

// TestWine does everything in one prefix: the server is this package's test program, built for Windows.
func TestWine(t *testing.T) {
	if testing.Short() {
		t.Skip("a prefix takes a while")
	}
	p := winetest.New(t)
	server := p.Build(t, "amd64", "toy.exe", "test", "-c", ".")
	t.Run("register", func(t *testing.T) { p.Run(t, server, "/regserver") })
	for _, wide := range []bool{true, false} {
		t.Run(map[bool]string{true: "script in 64 bits", false: "script in 32 bits"}[wide], func(t *testing.T) {
			if !wide && !p.Has32 {
				t.Skip("SKIPPED: no 32-bit Wine (package wine32), so no 32-bit client is tested")
			}
			runScript(t, p, wide, automationScript)
		})
	}
}

// runScript runs a script whose last line counts what passed and failed.
func runScript(t *testing.T, p *winetest.Prefix, wide bool, script string) {
	t.Helper()
	args := p.Script(t, wide, "automation.vbs", script)
	out := p.Run(t, args[0], args[1:]...)
	if !strings.HasSuffix(strings.TrimSpace(out), ", 0 failed") {
		t.Errorf("the script didn't come to a good end:\n%s", out)
	}
}

//go:build !windows

package comserver

import (
	_ "embed"
	"fmt"
	"os"
	"strings"
	"sync"
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
	wide := p.Build(t, "amd64", "toy.exe", "test", "-c", ".")
	servers := []string{wide}
	if p.Has32 {
		servers = append(servers, p.Build(t, "386", "toy32.exe", "test", "-c", "."))
	}
	for _, server := range servers {
		name := strings.TrimPrefix(server, `C:\`)
		t.Run(name, func(t *testing.T) {
			p.Run(t, server, "/regserver")
			t.Run("script in 64 bits", func(t *testing.T) { runScript(t, p, true) })
			t.Run("script in 32 bits", func(t *testing.T) {
				if !p.Has32 {
					t.Skip("SKIPPED: no 32-bit Wine (package wine32), so no 32-bit client is tested")
				}
				runScript(t, p, false)
			})
			for _, client := range servers {
				t.Run("tests in "+strings.TrimPrefix(client, `C:\`), func(t *testing.T) {
					t.Log(p.Run(t, client, "-test.v", "-test.run", "^Test(Variants|Dates|TypeLibrary|Registration|Server(Early|Enum|Many))"))
				})
			}
			t.Run("clients at once", func(t *testing.T) { clientsAtOnce(t, p) })
			t.Run("client killed in a call", func(t *testing.T) { killedClient(t, p, wide) })
			t.Run("end of the server", func(t *testing.T) {
				p.Wait(t, "the server to leave", func() bool { return p.Running(server) == 0 })
			})
			p.Run(t, server, "/unregserver")
		})
	}
}

// runScript runs the script, whose last line counts what passed and failed.
func runScript(t *testing.T, p *winetest.Prefix, wide bool) {
	t.Helper()
	args := p.Script(t, wide, "automation.vbs", automationScript)
	good(t, p.Run(t, args[0], args[1:]...))
}

func good(t *testing.T, out string) {
	t.Helper()
	if !strings.HasSuffix(strings.TrimSpace(out), ", 0 failed") {
		t.Errorf("the script didn't come to a good end:\n%s", out)
	}
}

// scriptHostTries is for Wine's cscript, which on a busy machine now and then ends before the first line of its script, when
// nothing was asked of COM yet.
const scriptHostTries = 3

// clientsAtOnce runs the script in eight processes.
func clientsAtOnce(t *testing.T, p *winetest.Prefix) {
	var wg sync.WaitGroup
	for i := range 8 {
		args := p.Script(t, true, fmt.Sprintf("client%d.vbs", i), automationScript)
		wg.Go(func() {
			out, err := p.Try(args[0], args[1:]...)
			for range scriptHostTries {
				if err != nil || out != "" {
					break
				}
				out, err = p.Try(args[0], args[1:]...)
			}
			if err != nil {
				t.Errorf("client %d: %v", i, err)
			}
			good(t, out)
		})
	}
	wg.Wait()
}

// killedClient ends a client that waits for the answer to a call. Another client sees what is left of it.
func killedClient(t *testing.T, p *winetest.Prefix, clients string) {
	signal := p.Path(`C:\killed.txt`)
	os.Remove(signal)
	survived := make(chan string, 1)
	t.Setenv("TOY_SIGNAL", `C:\killed.txt`)
	go func() {
		out, err := p.Try(clients, "-test.v", "-test.run", "^TestServerSurvivor$")
		if err != nil {
			out = err.Error() + "\n" + out
		}
		survived <- out
	}()
	victim := p.Start(t, clients, "-test.run", "^TestServerSleep$")
	p.Wait(t, "the call to begin", func() bool {
		_, err := os.Stat(signal)
		return err == nil || len(survived) > 0
	})
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if out := <-survived; !strings.Contains(out, "--- PASS: TestServerSurvivor") {
		t.Error(out)
	}
}

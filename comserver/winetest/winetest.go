// Package winetest runs programs for Windows in tests on other systems, with Wine.
package winetest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Prefix is a Windows of its own, in a temporary folder.
type Prefix struct {
	dir string
	// Has32 tells whether it runs 32-bit programs.
	Has32 bool
}

// loader32 is what Debian's package wine32 brings. Without it there is no 32-bit half.
const loader32 = "/usr/lib/wine/wine"

// Time limits. Making a prefix takes 7 s on an idle machine.
const (
	setupTime   = 3 * time.Minute
	commandTime = 3 * time.Minute
	pollTime    = 50 * time.Millisecond
)

// New makes a prefix. Without Wine, or with OPENCDO_WINE=off, the test is skipped.
func New(t *testing.T) *Prefix {
	t.Helper()
	if os.Getenv("OPENCDO_WINE") == "off" {
		t.Skip("SKIPPED: OPENCDO_WINE is off, so nothing of COM is tested here")
	}
	if _, err := exec.LookPath("wine"); err != nil {
		t.Skip("SKIPPED: there is no Wine, so nothing of COM is tested. On Debian: apt-get install --no-install-recommends wine wine64")
	}
	p := &Prefix{dir: filepath.Join(t.TempDir(), "wine")}
	ctx, cancel := context.WithTimeout(context.Background(), setupTime)
	defer cancel()
	t.Cleanup(func() { p.command(context.Background(), "wineserver", "-k").Run() })
	// Whatever runs first makes the prefix. Before that has settled, services are started twice, and activation hangs.
	for _, step := range [][]string{{"wine", `C:\windows\system32\cmd.exe`, "/c", "exit"}, {"wineserver", "-w"}} {
		if out, err := p.run(ctx, step[0], step[1:]...); err != nil {
			t.Fatalf("making a prefix: %s: %v\n%s", step[0], err, out)
		}
	}
	system := p.Path(`C:\windows\system32`)
	// Go's runtime takes random numbers from a DLL that Wine has from version 9 on. It has the function under another name.
	if _, err := os.Stat(filepath.Join(system, "bcryptprimitives.dll")); err != nil {
		p.forward(t, system, true)
	}
	wow := p.Path(`C:\windows\syswow64`)
	_, noLoader := os.Stat(loader32)
	_, noScripts := os.Stat(filepath.Join(wow, "cscript.exe"))
	if p.Has32 = noLoader == nil && noScripts == nil; p.Has32 {
		if _, err := os.Stat(filepath.Join(wow, "bcryptprimitives.dll")); err != nil {
			p.forward(t, wow, false)
		}
	}
	return p
}

func (p *Prefix) forward(t *testing.T, dir string, wide bool) {
	t.Helper()
	dll := forwarder("bcryptprimitives.dll", "ProcessPrng", "advapi32.SystemFunction036", wide)
	if err := os.WriteFile(filepath.Join(dir, "bcryptprimitives.dll"), dll, 0o644); err != nil {
		t.Fatal(err)
	}
}

// Path is where a file of the prefix really is.
func (p *Prefix) Path(windows string) string {
	rest, ok := strings.CutPrefix(windows, `C:\`)
	if !ok {
		panic("not on drive C: " + windows)
	}
	return filepath.Join(p.dir, "drive_c", filepath.FromSlash(strings.ReplaceAll(rest, `\`, "/")))
}

// Command is a command in the prefix: "wine" with a program, or another of Wine's.
func (p *Prefix) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, name, args...)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "DISPLAY=") && !strings.HasPrefix(v, "WINE") {
			c.Env = append(c.Env, v)
		}
	}
	c.Env = append(c.Env, "WINEPREFIX="+p.dir, "WINEARCH=win64", "WINEDEBUG=-all", "WINEDLLOVERRIDES=mscoree,mshtml=")
	return c
}

// run gives what a command wrote to both outputs. They go to a file: a pipe would stay open as long as the wineserver, which
// outlives the program.
func (p *Prefix) run(ctx context.Context, name string, args ...string) (string, error) {
	c := p.command(ctx, name, args...)
	f, err := os.CreateTemp("", "winetest")
	if err != nil {
		return "", err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	c.Stdout, c.Stderr = f, f
	err = c.Run()
	if ctx.Err() != nil {
		err = fmt.Errorf("still running after its time: %w", ctx.Err())
	}
	out, readErr := os.ReadFile(f.Name())
	if err == nil {
		err = readErr
	}
	return string(bytes.ReplaceAll(out, []byte("\r"), nil)), err
}

// Run runs a program, which has to succeed, and gives what it wrote.
func (p *Prefix) Run(t *testing.T, program string, args ...string) string {
	t.Helper()
	out, err := p.Try(program, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return out
}

// Try runs a program and gives what it wrote.
func (p *Prefix) Try(program string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), commandTime)
	defer cancel()
	return p.run(ctx, "wine", append([]string{program}, args...)...)
}

// Start starts a program. Kill ends it without its having a say; it is killed at the end of the test at the latest.
func (p *Prefix) Start(t *testing.T, program string, args ...string) *exec.Cmd {
	t.Helper()
	c := p.command(context.Background(), "wine", append([]string{program}, args...)...)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Kill()
		c.Wait()
	})
	return c
}

// Wait waits for something to come true.
func (p *Prefix) Wait(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(commandTime); !done(); time.Sleep(pollTime) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// Running counts the processes of a program in the prefix. It takes a /proc, and is 0 where there is none.
func (p *Prefix) Running(program string) (n int) {
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, name := range lines {
		line, err := os.ReadFile(name)
		if err != nil || !bytes.HasPrefix(bytes.Trim(line, `"`), []byte(program)) {
			continue
		}
		env, _ := os.ReadFile(filepath.Join(filepath.Dir(name), "environ"))
		if bytes.Contains(env, []byte("WINEPREFIX="+p.dir+"\x00")) {
			n++
		}
	}
	return n
}

// Build builds a program or, with "test", the tests of a package for Windows, into the prefix. It gives its path there.
func (p *Prefix) Build(t *testing.T, arch, name string, args ...string) string {
	t.Helper()
	windows := `C:\` + name
	c := exec.Command("go", append(args[:len(args)-1:len(args)-1], "-o", p.Path(windows), args[len(args)-1])...)
	c.Env = append(os.Environ(), "GOOS=windows", "GOARCH="+arch, "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", c, err, out)
	}
	return windows
}

// Script writes a script of VBScript and gives the arguments that run it, in the 64-bit host or the 32-bit one. An error in a
// script prints nothing and counts as success, so a script has to print a last line that tells of its end.
func (p *Prefix) Script(t *testing.T, wide bool, name, text string) []string {
	t.Helper()
	if err := os.WriteFile(p.Path(`C:\`+name), []byte(strings.ReplaceAll(text, "\n", "\r\n")), 0o644); err != nil {
		t.Fatal(err)
	}
	host := `C:\windows\system32\cscript.exe`
	if !wide {
		host = `C:\windows\syswow64\cscript.exe`
	}
	return []string{host, "//nologo", `C:\` + name}
}

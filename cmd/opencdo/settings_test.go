package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/secret"
	"github.com/opencdo/opencdo/internal/settings"
)

func facts[T any](b *bench, args ...string) (v T) {
	b.Helper()
	if err := json.Unmarshal([]byte(b.ok(append(args, "--json")...)), &v); err != nil {
		b.Fatal(args, err)
	}
	return v
}

// withPassphrase makes the bench use an encrypted file for secrets.
func (b *bench) withPassphrase() *bench {
	b.Setenv(secret.CredentialsVariable, "")
	folder := filepath.Join(b.dir, "elsewhere")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		b.Fatal(err)
	}
	b.Setenv(secret.PassphraseVariable, b.file("elsewhere/passphrase", "horse\n"))
	return b
}

func TestSettingsCommand(t *testing.T) {
	b := newBench(t)
	const entry = "contoso.test=https://mail.contoso.test,basic,none,false"
	b.ok("settings", "set", "RpcHttpProxyMap", entry)
	b.ok("settings", "set", "Ignore No PF", "1")
	b.ok("settings", "set", "Blob", "00ff", "--key", `HKCU\Software\Example`, "--type", "binary")
	b.ok("settings", "set", "List", "a;b", "--key", `HKCU\Software\Example`, "--type", "multi")
	b.ok("settings", "set", "@", "default", "--key", `HKCU\Software\Example`)
	if got := facts[valueFacts](b, "settings", "get", "rpchttpproxymap"); got.Value != entry || got.Type != "REG_SZ" || got.Key != settings.Messaging || !strings.Contains(got.Where, "settings.reg, line") {
		t.Errorf("got %+v", got)
	}
	if got := strings.TrimSpace(b.ok("settings", "get", "List", "--key", `HKEY_CURRENT_USER\software\example`)); got != "a; b" {
		t.Errorf("got %q", got)
	}
	if got := facts[[]valueFacts](b, "settings", "list"); len(got) != 5 {
		t.Errorf("list: %+v", got)
	}
	if got := facts[[]valueFacts](b, "settings", "list", "--key", `HKCU\Software\Example`); len(got) != 3 || got[0].Value != "default" {
		t.Errorf("list of a key: %+v", got)
	}
	known := facts[[]map[string]any](b, "settings", "list", "--known")
	if len(known) != len(settings.All) || known[0]["name"] != "RpcHttpProxyMap" || known[0]["value"] != entry || known[0]["evidence"] == "" {
		t.Errorf("known: %+v", known[0])
	}
	if out := b.ok("settings", "list", "--known"); !strings.Contains(out, "RpcHttpProxyMap_<tag>") || !strings.Contains(out, "Ignore No PF") {
		t.Errorf("known:\n%s", out)
	}
	b.ok("settings", "unset", "Ignore No PF")
	b.fails(exitNotFound, "isn't set", "settings", "unset", "Ignore No PF")
	b.fails(exitNotFound, "isn't set", "settings", "get", "Ignore No PF")
	b.fails(exitUsage, "--key", "settings", "get", "Nonsense")
	b.fails(exitUsage, "HKEY_CURRENT_USER", "settings", "get", "x", "--key", `Software\X`)
	b.fails(exitUsage, "https://", "settings", "set", "RpcHttpProxyMap", "contoso.test=mail.contoso.test")
	b.fails(exitUsage, "number", "settings", "set", "Ignore No PF", "yes")
	b.fails(exitUsage, "version", "settings", "set", "Client Version", "new")
	b.fails(exitUsage, "--type", "settings", "set", "x", "1", "--key", `HKCU\X`, "--type", "word")
	if got := facts[valueFacts](b, "settings", "get", "RpcHttpProxyMap"); got.Value != entry {
		t.Errorf("a refused value was kept: %+v", got)
	}
}

func TestSettingsImportExport(t *testing.T) {
	b := newBench(t)
	in := b.file("in.reg", "Windows Registry Editor Version 5.00\r\n\r\n[HKEY_CURRENT_USER\\Software\\Example]\r\n\"a\"=hex(2):25,00,\\\r\n  00,00\r\n@=\"c:\\\\x\"\r\n\"gone\"=-\r\n")
	b.ok("settings", "set", "gone", "1", "--key", `HKCU\Software\Example`)
	if got := facts[struct{ Keys, Values, Removed int }](b, "settings", "import", in); got.Keys != 1 || got.Values != 3 || got.Removed != 1 {
		t.Errorf("imported %+v", got)
	}
	b.fails(exitNotFound, "", "settings", "get", "gone", "--key", `HKCU\Software\Example`)
	out := filepath.Join(b.dir, "out.reg")
	b.ok("settings", "export", out)
	b.fails(exitFailure, "--force", "settings", "export", out)
	b.ok("settings", "export", out, "--force", "--key", `HKCU\Software\Example`)
	raw, err := os.ReadFile(out)
	if err != nil || string(raw[:4]) != "\xff\xfeW\x00" {
		t.Errorf("not as regedit writes: % x, %v", raw[:4], err)
	}
	if got := b.ok("settings", "export", "-", "--utf8"); !strings.Contains(got, "@=\"c:\\\\x\"\n\"a\"=hex(2):25,00,00,00\n") {
		t.Errorf("exported:\n%s", got)
	}
	b.ok("settings", "unset", "a", "--key", `HKCU\Software\Example`)
	b.ok("settings", "import", out)
	b.ok("settings", "get", "a", "--key", `HKCU\Software\Example`)
	b.fails(exitDamaged, "bad.reg, line 3", "settings", "import", b.file("bad.reg", "REGEDIT4\n[HKEY_CURRENT_USER\\X]\n\"a\"=what\n"))
	b.fails(exitDamaged, "root.reg, line 2", "settings", "import", b.file("root.reg", "REGEDIT4\n[Software\\X]\n"))
	b.fails(exitNotFound, "none.reg", "settings", "import", filepath.Join(b.dir, "none.reg"))
	b.fails(exitDamaged, "settings.reg, line 1", "settings", "list", "--key", b.damage())
}

// damage breaks the settings file.
func (b *bench) damage() string {
	home := os.Getenv("OPENCDO_HOME")
	if err := os.WriteFile(filepath.Join(home, settings.FileName), []byte("nonsense\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	return `HKCU\X`
}

func TestSecretCommand(t *testing.T) {
	b := newBench(t).withPassphrase()
	const name = "alice@contoso.test@mail.contoso.test"
	b.ok("secret", "set", name, "--password-file", b.file("pw", "correct battery\n"))
	got := facts[struct {
		Where string
		Names []string
	}](b, "secret", "list")
	if len(got.Names) != 1 || got.Names[0] != name || !strings.HasSuffix(got.Where, "secrets.json") {
		t.Errorf("list: %+v", got)
	}
	raw, err := os.ReadFile(got.Where)
	if err != nil || strings.Contains(string(raw), "battery") || strings.Contains(string(raw), "alice") {
		t.Errorf("the file tells:\n%s", raw)
	}
	b.fails(exitLogon, "no password", "secret", "set", "bob@x")
	b.Setenv(secret.PassphraseVariable, b.file("elsewhere/wrong", "donkey\n"))
	b.fails(exitLogon, "passphrase", "secret", "list")
	open := b.file("elsewhere/open", "horse\n")
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	b.Setenv(secret.PassphraseVariable, open)
	b.fails(exitLogon, "chmod 600", "secret", "list")
	b.withPassphrase()
	b.ok("secret", "remove", name)
	b.fails(exitNotFound, name, "secret", "remove", name)
	if out := b.ok("secret", "list"); !strings.Contains(out, "nothing") {
		t.Errorf("list: %s", out)
	}
}

// TestLogonWithKeptPassword logs on with a password of the encrypted file.
func TestLogonWithKeptPassword(t *testing.T) {
	b := newBench(t).withPassphrase()
	address := b.serve()
	ca := filepath.Join(b.dir, "ca.pem")
	b.fails(exitLogon, "no password", "--ca", ca, "whoami", address)
	host := strings.TrimPrefix(b.server.URL, "https://")
	b.ok("secret", "set", "anna@"+b.server.Domain+"@"+host, "--password-file", filepath.Join(b.dir, "password"))
	b.ok("--ca", ca, "whoami", address)
}

func TestEveryCommandHasExamples(t *testing.T) {
	b := newBench(t)
	for _, args := range [][]string{{"settings"}, {"settings", "list"}, {"settings", "get"}, {"settings", "set"}, {"settings", "unset"}, {"settings", "import"}, {"settings", "export"},
		{"secret"}, {"secret", "set"}, {"secret", "list"}, {"secret", "remove"}, {"profile"}, {"profile", "create"}, {"profile", "list"}, {"profile", "show"},
		{"profile", "edit"}, {"profile", "copy"}, {"profile", "rename"}, {"profile", "remove"}, {"profile", "default"}, {"profile", "import"}} {
		if out := b.ok(append(args, "--help")...); !strings.Contains(out, "Examples:") {
			t.Errorf("%v has no examples", args)
		}
	}
}
